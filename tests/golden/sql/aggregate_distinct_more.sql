-- SPDX-License-Identifier: MIT
-- DISTINCT inside other aggregates
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
       sum(DISTINCT n) AS s,
       string_agg(DISTINCT k, ',') AS t,
       list(DISTINCT k) AS l
FROM TUMBLE(events, ts, INTERVAL '1 minute')
GROUP BY window_start, k;
