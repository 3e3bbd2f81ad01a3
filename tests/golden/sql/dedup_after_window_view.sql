-- SPDX-License-Identifier: MIT
-- DEDUP, a filter, then two windows
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE VIEW fresh AS SELECT * FROM DEDUP(events, id, within => INTERVAL '1 hour');
CREATE VIEW high AS SELECT * FROM fresh WHERE v > 1;
CREATE SINK minutes WITH (connector = 'console') AS
SELECT window_start, count(*) AS rows FROM TUMBLE(high, ts, INTERVAL '1 minute') GROUP BY window_start;
CREATE SINK hours WITH (connector = 'console') AS
SELECT window_start, count(*) AS rows FROM TUMBLE(fresh, ts, INTERVAL '1 hour') GROUP BY window_start;
