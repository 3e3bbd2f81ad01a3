-- SPDX-License-Identifier: MIT
-- a silent partition at its end is left out after IDLE TIMEOUT
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute' IDLE TIMEOUT INTERVAL '30 seconds'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT window_start, count(*) AS rows FROM TUMBLE(events, ts, INTERVAL '1 minute') GROUP BY window_start;
