-- SPDX-License-Identifier: MIT
-- results keep the types of DuckDB
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
       typeof(sum(n)) AS s,
       typeof(count(*)) AS c,
       typeof(avg(n)) AS a,
       typeof(min(n)) AS m
FROM TUMBLE(events, ts, INTERVAL '1 minute')
GROUP BY window_start, k;
