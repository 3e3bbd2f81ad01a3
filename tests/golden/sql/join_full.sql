-- SPDX-License-Identifier: MIT
-- FULL JOIN of two closed views on their windows and a key
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SOURCE others (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'other/*.jsonl', format = 'json');

CREATE VIEW a AS SELECT window_start, window_end, k, count(*) AS rows FROM TUMBLE(events, ts, INTERVAL '1 minute') GROUP BY ALL;
CREATE VIEW b AS SELECT window_start, window_end, k, sum(v) AS v FROM TUMBLE(others, ts, INTERVAL '1 minute') GROUP BY ALL;

CREATE SINK out WITH (connector = 'console') AS
SELECT coalesce(a.window_start, b.window_start) AS window_start, coalesce(a.k, b.k) AS k, a.rows, b.v FROM a FULL JOIN b
ON a.window_start = b.window_start AND a.window_end = b.window_end AND a.k = b.k;
