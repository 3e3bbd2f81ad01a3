-- SPDX-License-Identifier: MIT
-- arg_min and arg_max skip rows where either is NULL
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
       arg_min(id, v) AS low,
       arg_max(n, v) AS high
FROM TUMBLE(events, ts, INTERVAL '1 minute')
GROUP BY window_start, k;
