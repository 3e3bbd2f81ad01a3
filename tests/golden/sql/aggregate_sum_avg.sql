-- SPDX-License-Identifier: MIT
-- sum and avg skip NULL
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
       sum(n) AS sum_n,
       sum(v) AS sum_v,
       avg(n) AS avg_n,
       avg(v) AS avg_v
FROM TUMBLE(events, ts, INTERVAL '1 minute')
GROUP BY window_start, k;
