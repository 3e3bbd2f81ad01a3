-- SPDX-License-Identifier: MIT
-- a join whose result is joined again
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE VIEW a AS SELECT window_start, window_end, k, count(*) AS rows FROM TUMBLE(events, ts, INTERVAL '1 minute') GROUP BY ALL;
CREATE VIEW b AS SELECT window_start, window_end, k, sum(v) AS v FROM TUMBLE(events, ts, INTERVAL '1 minute') GROUP BY ALL;
CREATE VIEW c AS SELECT window_start, window_end, k, max(n) AS n FROM TUMBLE(events, ts, INTERVAL '1 minute') GROUP BY ALL;
CREATE VIEW ab AS SELECT a.window_start, a.window_end, a.k, a.rows, b.v FROM a JOIN b ON a.window_start = b.window_start AND a.window_end = b.window_end AND a.k = b.k;
CREATE SINK out WITH (connector = 'console') AS
SELECT ab.k, ab.rows, ab.v, c.n FROM ab JOIN c ON ab.window_start = c.window_start AND ab.window_end = c.window_end AND ab.k = c.k;
