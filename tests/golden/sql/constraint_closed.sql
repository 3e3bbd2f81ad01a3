-- SPDX-License-Identifier: MIT
-- a constraint on closed windows
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE VIEW minutes (CONSTRAINT enough EXPECT (rows > 1) ON VIOLATION DROP ROW) AS SELECT window_start, k, count(*) AS rows FROM TUMBLE(events, ts, INTERVAL '1 minute') GROUP BY window_start, k;
CREATE SINK out WITH (connector = 'console') FROM minutes;
