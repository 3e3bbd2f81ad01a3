-- SPDX-License-Identifier: MIT
-- a constraint of a view, FAIL
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE VIEW checked (CONSTRAINT small EXPECT (v < 10) ON VIOLATION FAIL) AS SELECT id, v FROM events;
CREATE SINK out WITH (connector = 'console') AS
SELECT id FROM checked;
