-- SPDX-License-Identifier: MIT
-- NaN and infinity cannot come in JSON, but out of expressions
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT window_start, max(CASE WHEN v > 1 THEN 'Infinity'::DOUBLE ELSE v END) AS m, min(v) AS l FROM TUMBLE(events, ts, INTERVAL '1 minute') GROUP BY window_start;
