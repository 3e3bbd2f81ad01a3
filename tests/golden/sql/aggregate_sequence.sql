-- SPDX-License-Identifier: MIT
-- first and last with an order of their own
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
       first(id ORDER BY v DESC) AS f,
       last(id ORDER BY v DESC) AS l
FROM TUMBLE(events, ts, INTERVAL '1 minute')
GROUP BY window_start, k;
