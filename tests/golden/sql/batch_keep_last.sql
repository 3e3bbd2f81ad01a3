-- SPDX-License-Identifier: MIT
-- DEDUP keeps the last row of a key in a batch
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

SET execution = 'batch';
CREATE VIEW newest AS SELECT * FROM DEDUP(events, k, keep => 'last');
CREATE SINK out WITH (connector = 'console') AS
SELECT k, id FROM newest;
