-- SPDX-License-Identifier: MIT
-- different and most frequent values of sliding windows: rows come in, rows go out
CREATE SOURCE events (
  ts   TIMESTAMP,
  k    VARCHAR,
  u    VARCHAR,
  n    INTEGER,
  tags VARCHAR[],
  WATERMARK FOR ts AS ts - INTERVAL '30 seconds'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT window_start, k, count(*) AS rows, count(DISTINCT u) AS users,
       count(DISTINCT n) FILTER (WHERE n > 1) AS large, top_k(u, 2) AS most, top_k_elements(tags, 3) AS tags
FROM HOP(events, ts, INTERVAL '1 minute', INTERVAL '3 minutes') GROUP BY window_start, k;
