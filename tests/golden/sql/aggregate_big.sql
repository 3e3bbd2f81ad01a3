-- SPDX-License-Identifier: MIT
-- sums beyond 64 bits
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT window_start, sum(id) AS s, avg(id) AS a FROM TUMBLE(events, ts, INTERVAL '1 minute') GROUP BY window_start;
