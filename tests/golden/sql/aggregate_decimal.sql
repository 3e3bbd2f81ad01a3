-- SPDX-License-Identifier: MIT
-- sums of DECIMAL are exact
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
       sum(v::DECIMAL(10, 2)) AS s,
       max(v::DECIMAL(10, 2)) AS m
FROM TUMBLE(events, ts, INTERVAL '1 minute')
GROUP BY window_start, k;
