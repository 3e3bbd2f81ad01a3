-- SPDX-License-Identifier: MIT
-- aggregates inside expressions, expressions inside aggregates
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT window_start, k,
       sum(v * 2) + count(*) AS x,
       round(avg(v), 1) AS y,
       coalesce(sum(n), 0) / count(*) AS z
FROM TUMBLE(events, ts, INTERVAL '1 minute')
GROUP BY window_start, k;
