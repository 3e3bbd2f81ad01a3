-- SPDX-License-Identifier: MIT
-- on_error = fail: a bad record ends the run
CREATE SOURCE records (id BIGINT, small TINYINT, d DOUBLE, s VARCHAR, b BOOLEAN, l INTEGER[])
WITH (connector = 'files', path = 'in/*.jsonl', format = 'json', on_error = 'fail');

CREATE SINK out WITH (connector = 'console') AS
SELECT id FROM records;
