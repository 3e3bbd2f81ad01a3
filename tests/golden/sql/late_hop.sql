-- SPDX-License-Identifier: MIT
-- LATE INTO of HOP: only rows that are late for all windows
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK late WITH (connector = 'console');
CREATE SINK out WITH (connector = 'console') LATE INTO late AS
SELECT window_start, count(*) AS rows FROM HOP(events, ts, INTERVAL '1 minute', INTERVAL '2 minutes') GROUP BY window_start;
