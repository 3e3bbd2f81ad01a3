-- SPDX-License-Identifier: MIT
-- a size that is no multiple of the slide
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT window_start, count(*) AS rows FROM HOP(events, ts, INTERVAL '2 minutes', INTERVAL '3 minutes') GROUP BY window_start;
