-- SPDX-License-Identifier: MIT
-- lag over closed windows
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE VIEW minutes AS SELECT window_start, k, sum(v) AS v FROM TUMBLE(events, ts, INTERVAL '1 minute') GROUP BY window_start, k;
CREATE SINK out WITH (connector = 'console') AS
SELECT window_start, k, v - lag(v) OVER (PARTITION BY k ORDER BY window_start ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS change FROM minutes;
