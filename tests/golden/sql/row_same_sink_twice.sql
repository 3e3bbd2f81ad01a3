-- SPDX-License-Identifier: MIT
-- a view that two sinks read is computed once
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE VIEW doubled AS SELECT id, v * 2 AS w FROM events WHERE v > 1;
CREATE SINK one WITH (connector = 'console') FROM doubled;
CREATE SINK two WITH (connector = 'console') AS
SELECT id FROM doubled WHERE w > 10;
