-- SPDX-License-Identifier: MIT
-- the first row of a key passes, copies do not
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE VIEW fresh AS SELECT * FROM DEDUP(events, id, k);
CREATE SINK out WITH (connector = 'console') AS
SELECT id, k, v FROM fresh;
