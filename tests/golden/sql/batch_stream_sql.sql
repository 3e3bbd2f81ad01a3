-- SPDX-License-Identifier: MIT
-- a batch of streaming SQL
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

SET execution = 'batch';
CREATE VIEW fresh AS SELECT * FROM DEDUP(events, id);
CREATE SINK out WITH (connector = 'console') AS
SELECT window_start, k, count(*) AS rows FROM TUMBLE(fresh, ts, INTERVAL '1 minute') GROUP BY window_start, k;
