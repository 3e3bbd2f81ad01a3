-- SPDX-License-Identifier: MIT
-- a batch: all windows close, no row is late, any SQL
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

SET execution = 'batch';
CREATE SINK out WITH (connector = 'console') AS
SELECT k, count(*) AS rows, row_number() OVER (ORDER BY count(*) DESC, k) AS place FROM events GROUP BY k QUALIFY place <= 1;
CREATE SINK minutes WITH (connector = 'console') AS
SELECT window_start, count(*) AS rows FROM TUMBLE(events, ts, INTERVAL '1 minute') GROUP BY window_start;
