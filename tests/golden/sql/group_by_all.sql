-- SPDX-License-Identifier: MIT
-- GROUP BY ALL with expressions as keys
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT window_start, window_end, upper(k) AS name, n IS NULL AS gap, count(*) AS rows FROM TUMBLE(events, ts, INTERVAL '1 minute') GROUP BY ALL;
