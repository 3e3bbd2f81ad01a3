-- SPDX-License-Identifier: MIT
-- OVER, then a filter on its result
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE VIEW minutes AS SELECT window_start, k, sum(v) AS v FROM TUMBLE(events, ts, INTERVAL '1 minute') GROUP BY window_start, k;
CREATE VIEW trend AS SELECT window_start, k, v, avg(v) OVER (PARTITION BY k ORDER BY window_start ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) AS usual FROM minutes;
CREATE SINK out WITH (connector = 'console') AS
SELECT k, v FROM trend WHERE v > 2 * usual;
