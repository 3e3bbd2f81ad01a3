-- SPDX-License-Identifier: MIT
-- bool_and and bool_or
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
       bool_and(v < 4) AS every,
       bool_or(v >= 4) AS some
FROM TUMBLE(events, ts, INTERVAL '1 minute')
GROUP BY window_start, k;
