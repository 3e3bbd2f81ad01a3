-- SPDX-License-Identifier: MIT
-- numbers, booleans, objects and arrays into VARCHAR are their text
CREATE SOURCE records (id BIGINT, small TINYINT, d DOUBLE, s VARCHAR, b BOOLEAN, l INTEGER[])
WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT id, s FROM records;
