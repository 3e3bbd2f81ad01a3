-- SPDX-License-Identifier: MIT
-- all four deviations; those of a sample need two rows
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
       stddev_samp(v) AS s,
       stddev_pop(v) AS p,
       var_samp(v) AS vs,
       var_pop(v) AS vp
FROM TUMBLE(events, ts, INTERVAL '1 minute')
GROUP BY window_start, k;
