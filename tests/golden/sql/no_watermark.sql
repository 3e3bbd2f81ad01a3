-- SPDX-License-Identifier: MIT
-- a source without a watermark passes row by row
CREATE SOURCE plain (id BIGINT) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT id FROM plain;
