-- SPDX-License-Identifier: MIT
-- mode, top_k: the most frequent, ties of top_k by value
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT window_start, mode(k) AS most, top_k(k, 2) AS two, top_k(v, 9) AS all_v
FROM TUMBLE(events, ts, INTERVAL '1 minute') GROUP BY window_start;
