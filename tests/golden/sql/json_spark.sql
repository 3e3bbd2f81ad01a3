-- SPDX-License-Identifier: MIT
-- coerce = spark: a misfit becomes NULL, the row stays
CREATE SOURCE records (id BIGINT, small TINYINT, d DOUBLE, s VARCHAR, b BOOLEAN, l INTEGER[])
WITH (connector = 'files', path = 'in/*.jsonl', format = 'json', coerce = 'spark');

CREATE SINK out WITH (connector = 'console') AS
SELECT id, small, d FROM records;
