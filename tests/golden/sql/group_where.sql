-- SPDX-License-Identifier: MIT
-- WHERE before the window is counted as filtered
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT window_start, count(*) AS rows FROM TUMBLE(events, ts, INTERVAL '1 minute') WHERE k = 'a' AND n IS NOT NULL GROUP BY window_start;
