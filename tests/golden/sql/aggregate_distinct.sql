-- SPDX-License-Identifier: MIT
-- count(DISTINCT) is exact
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
       count(DISTINCT n) AS ns,
       count(DISTINCT k) AS ks,
       count(*) AS rows
FROM TUMBLE(events, ts, INTERVAL '1 minute')
GROUP BY window_start, k;
