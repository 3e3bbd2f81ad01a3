-- SPDX-License-Identifier: MIT
-- projection, WHERE, CASE and functions, row by row
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT id, upper(k) AS name, CASE WHEN v > 3 THEN 'high' ELSE 'low' END AS level, n + 1 AS next
FROM events WHERE n IS NOT NULL AND v < 10;
