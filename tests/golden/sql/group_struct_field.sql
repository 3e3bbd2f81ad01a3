-- SPDX-License-Identifier: MIT
-- a field of a STRUCT as key and argument
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE VIEW wide AS SELECT ts, {'k': k, 'v': v} AS s FROM events;
CREATE SINK out WITH (connector = 'console') AS
SELECT window_start, s.k AS k, sum(s.v) AS v FROM TUMBLE(wide, ts, INTERVAL '1 minute') GROUP BY window_start, s.k;
