-- SPDX-License-Identifier: MIT
-- shift moves where windows begin
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT window_start, window_end, count(*) AS rows
FROM TUMBLE(events, ts, INTERVAL '1 hour', shift => INTERVAL '15 minutes') GROUP BY window_start, window_end;
