-- SPDX-License-Identifier: MIT
-- aggregates in C beside ones that keep rows
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
       count(*) AS rows,
       median(v) AS m,
       first(n) AS f,
       sum(v) FILTER (WHERE v > 1) AS s
FROM TUMBLE(events, ts, INTERVAL '1 minute')
GROUP BY window_start, k;
