-- SPDX-License-Identifier: MIT
-- a key is remembered until the watermark passes t + within
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK late WITH (connector = 'console');
CREATE VIEW fresh LATE INTO late AS SELECT * FROM DEDUP(events, id, within => INTERVAL '10 minutes');
CREATE SINK out WITH (connector = 'console') AS
SELECT id, v FROM fresh;
