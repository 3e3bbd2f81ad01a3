-- SPDX-License-Identifier: MIT
-- OVER a frame of closed windows, those of earlier epochs too
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
SELECT window_start, k, v, sum(v) OVER (PARTITION BY k ORDER BY window_start ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS two,
       count(*) OVER (PARTITION BY k ORDER BY window_start ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) AS before
FROM minutes;
