-- SPDX-License-Identifier: MIT
-- late rows go to a sink with where they came from
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK late WITH (connector = 'console');
CREATE SINK out WITH (connector = 'console') LATE INTO late AS
SELECT window_start, count(*) AS rows FROM TUMBLE(events, ts, INTERVAL '1 minute') GROUP BY window_start;
