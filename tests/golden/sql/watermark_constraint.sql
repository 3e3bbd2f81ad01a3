-- SPDX-License-Identifier: MIT
-- a row that is refused does not move the watermark
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  CONSTRAINT has_k EXPECT (k IS NOT NULL) ON VIOLATION DROP ROW,
  CONSTRAINT positive EXPECT (v > 0) ON VIOLATION DROP ROW,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT window_start, count(*) AS rows FROM TUMBLE(events, ts, INTERVAL '1 minute') GROUP BY window_start;
