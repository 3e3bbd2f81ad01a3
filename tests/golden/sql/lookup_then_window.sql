-- SPDX-License-Identifier: MIT
-- a lookup in front of a window
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE TABLE names AS SELECT * FROM (VALUES ('a', 'Anna'), ('b', 'Bert'), ('b', 'Bob')) AS t(k, name);
CREATE VIEW named AS SELECT e.ts, e.v, t.name FROM events e LEFT JOIN names t ON e.k = t.k;
CREATE SINK out WITH (connector = 'console') AS
SELECT window_start, name, sum(v) AS v FROM TUMBLE(named, ts, INTERVAL '1 minute') GROUP BY window_start, name;
