-- SPDX-License-Identifier: MIT
-- several quantiles as a list
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
       quantile_cont(v, [0.0, 0.5, 1.0]) AS q
FROM TUMBLE(events, ts, INTERVAL '1 minute')
GROUP BY window_start, k;
