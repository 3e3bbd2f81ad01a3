-- SPDX-License-Identifier: MIT
-- two relations into one late sink
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK late WITH (connector = 'console');
CREATE VIEW fresh LATE INTO late AS SELECT * FROM DEDUP(events, id);
CREATE SINK out WITH (connector = 'console') LATE INTO late AS
SELECT window_start, count(*) AS rows FROM TUMBLE(fresh, ts, INTERVAL '10 seconds') GROUP BY window_start;
