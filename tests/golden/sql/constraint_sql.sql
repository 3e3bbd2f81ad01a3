-- SPDX-License-Identifier: MIT
-- conditions with functions are judged by DuckDB
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  CONSTRAINT long EXPECT (length(k) >= 3) ON VIOLATION DROP ROW,
  CONSTRAINT begins EXPECT (regexp_matches(k, '^a')) ON VIOLATION DROP ROW,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT id FROM events;
