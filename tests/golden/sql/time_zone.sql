-- SPDX-License-Identifier: MIT
-- casts and functions of time are UTC
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT id, strftime(ts, '%H:%M') AS clock, date_trunc('hour', ts) AS hour, epoch_ms(ts) AS ms FROM events;
