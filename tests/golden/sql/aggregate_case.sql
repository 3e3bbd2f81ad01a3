-- SPDX-License-Identifier: MIT
-- CASE over keys and aggregates
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
       CASE WHEN count(*) > 2 THEN k || '!' ELSE 'few' END AS c,
       max(v) - min(v) AS spread
FROM TUMBLE(events, ts, INTERVAL '1 minute')
GROUP BY window_start, k;
