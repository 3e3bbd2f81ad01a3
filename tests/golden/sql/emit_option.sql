-- SPDX-License-Identifier: MIT
-- emit as an option in place of the clause
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console', emit = 'changes 10 seconds') AS
SELECT window_start, k, count(*) AS rows FROM TUMBLE(events, ts, INTERVAL '1 minute') GROUP BY window_start, k;
