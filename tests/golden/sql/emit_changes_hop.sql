-- SPDX-License-Identifier: MIT
-- EMIT CHANGES of overlapping windows
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') EMIT CHANGES EVERY INTERVAL '10 seconds' AS
SELECT window_start, sum(v) AS v FROM HOP(events, ts, INTERVAL '1 minute', INTERVAL '2 minutes') GROUP BY window_start;
