-- SPDX-License-Identifier: MIT
-- a left lookup keeps every row
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE TABLE names AS SELECT * FROM (VALUES ('a', 'Anna'), ('b', 'Bert'), ('b', 'Bob')) AS t(k, name);
CREATE SINK out WITH (connector = 'console') AS
SELECT e.id, t.name FROM events e LEFT JOIN names t ON e.k = t.k;
