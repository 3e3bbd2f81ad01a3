-- SPDX-License-Identifier: MIT
-- a group grows over triggers and commits
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT window_start, k, count(*) AS rows, sum(v) AS v, first(id) AS f, last(id) AS l, min(n) AS n FROM TUMBLE(events, ts, INTERVAL '1 minute') GROUP BY window_start, k;
