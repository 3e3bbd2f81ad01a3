-- SPDX-License-Identifier: MIT
-- values that do not fit their column make the row undecodable
CREATE SOURCE records (id BIGINT, small TINYINT, d DOUBLE, s VARCHAR, b BOOLEAN, l INTEGER[])
WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT id, small, d, s, b, l FROM records;
