-- SPDX-License-Identifier: MIT
-- exact quantiles and median
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
       median(v) AS middle,
       quantile_cont(v, 0.25) AS low,
       quantile_disc(v, 0.9) AS high
FROM TUMBLE(events, ts, INTERVAL '1 minute')
GROUP BY window_start, k;
