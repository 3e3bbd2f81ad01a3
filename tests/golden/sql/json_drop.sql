-- SPDX-License-Identifier: MIT
-- on_error = drop: bad records are counted and gone
CREATE SOURCE records (id BIGINT, small TINYINT, d DOUBLE, s VARCHAR, b BOOLEAN, l INTEGER[])
WITH (connector = 'files', path = 'in/*.jsonl', format = 'json', on_error = 'drop');

CREATE SINK out WITH (connector = 'console') AS
SELECT id FROM records;
