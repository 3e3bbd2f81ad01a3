-- SPDX-License-Identifier: MIT
-- counted values of open and closing sliding windows by turns
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  u  VARCHAR,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') EMIT CHANGES EVERY INTERVAL '10 seconds' AS
SELECT window_start, count(DISTINCT u) AS users, top_k(u, 2) AS most
FROM HOP(events, ts, INTERVAL '1 minute', INTERVAL '2 minutes') GROUP BY window_start;
