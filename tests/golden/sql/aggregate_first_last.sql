-- SPDX-License-Identifier: MIT
-- first and last follow arrival and keep NULL; any_value does not
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
       first(n) AS first_n,
       last(n) AS last_n,
       any_value(n) AS any_n
FROM TUMBLE(events, ts, INTERVAL '1 minute')
GROUP BY window_start, k;
