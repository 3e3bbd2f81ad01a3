-- SPDX-License-Identifier: MIT
-- a row is in every window that holds its time
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT window_start, window_end, count(*) AS rows, sum(v) AS v
FROM HOP(events, ts, INTERVAL '1 minute', INTERVAL '2 minutes') GROUP BY window_start, window_end;
