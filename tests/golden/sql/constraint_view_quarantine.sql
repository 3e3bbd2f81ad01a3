-- SPDX-License-Identifier: MIT
-- a constraint of a view, QUARANTINE
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE VIEW checked (CONSTRAINT small EXPECT (w < 10) ON VIOLATION QUARANTINE) AS SELECT id, v * 2 AS w FROM events WHERE id < 4;
CREATE SINK out WITH (connector = 'console') AS
SELECT id FROM checked;
