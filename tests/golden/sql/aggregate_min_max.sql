-- SPDX-License-Identifier: MIT
-- min and max of numbers, texts and times
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
       min(n) AS low,
       max(v) AS high,
       max(k) AS text,
       min(ts) AS first_ts
FROM TUMBLE(events, ts, INTERVAL '1 minute')
GROUP BY window_start, k;
