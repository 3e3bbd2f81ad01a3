-- SPDX-License-Identifier: MIT
-- one aggregate read by two sinks and a view
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE VIEW minutes AS SELECT window_start, k, count(*) AS rows FROM TUMBLE(events, ts, INTERVAL '1 minute') GROUP BY window_start, k;
CREATE SINK all_rows WITH (connector = 'console') FROM minutes;
CREATE SINK big WITH (connector = 'console') AS
SELECT k FROM minutes WHERE rows > 1;
