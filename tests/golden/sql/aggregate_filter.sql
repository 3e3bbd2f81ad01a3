-- SPDX-License-Identifier: MIT
-- FILTER takes part of the rows
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
       count(*) FILTER (WHERE v > 1.5) AS many,
       sum(n) FILTER (WHERE v > 3) AS sum_n,
       max(v) FILTER (WHERE n IS NULL) AS of_null
FROM TUMBLE(events, ts, INTERVAL '1 minute')
GROUP BY window_start, k;
