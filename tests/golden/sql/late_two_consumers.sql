-- SPDX-License-Identifier: MIT
-- late for one window, in time for another
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK minutes WITH (connector = 'console') AS
SELECT window_start, count(*) AS rows FROM TUMBLE(events, ts, INTERVAL '1 minute') GROUP BY window_start;
CREATE SINK hours WITH (connector = 'console') AS
SELECT window_start, count(*) AS rows FROM TUMBLE(events, ts, INTERVAL '1 hour') GROUP BY window_start;
