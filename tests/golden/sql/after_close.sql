-- SPDX-License-Identifier: MIT
-- per-row work on closed windows: WHERE, CASE, another view
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE VIEW minutes AS SELECT window_start, k, sum(v) AS v FROM TUMBLE(events, ts, INTERVAL '1 minute') GROUP BY window_start, k;
CREATE VIEW high AS SELECT *, CASE WHEN v > 5 THEN 'big' ELSE 'small' END AS size FROM minutes WHERE v <> 2;
CREATE SINK out WITH (connector = 'console') AS
SELECT k, size, v + 1 AS w FROM high;
