-- SPDX-License-Identifier: MIT
-- EMIT CHANGES of an aggregate that keeps rows
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') EMIT CHANGES EVERY INTERVAL '10 seconds' AS
SELECT window_start, k, median(v) AS m FROM TUMBLE(events, ts, INTERVAL '1 minute') GROUP BY window_start, k;
