-- SPDX-License-Identifier: MIT
-- OVER without PARTITION BY
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE VIEW minutes AS SELECT window_start, sum(v) AS v FROM TUMBLE(events, ts, INTERVAL '1 minute') GROUP BY window_start;
CREATE SINK out WITH (connector = 'console') AS
SELECT window_start, max(v) OVER (ORDER BY window_start ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS high FROM minutes;
