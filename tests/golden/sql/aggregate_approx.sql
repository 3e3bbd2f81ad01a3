-- SPDX-License-Identifier: MIT
-- approx_count_distinct of few values is the number of them
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
       approx_count_distinct(id) AS ids
FROM TUMBLE(events, ts, INTERVAL '1 minute')
GROUP BY window_start, k;
