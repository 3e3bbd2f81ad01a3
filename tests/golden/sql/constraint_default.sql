-- SPDX-License-Identifier: MIT
-- without ON VIOLATION a constraint warns
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  CONSTRAINT has_k EXPECT (k IS NOT NULL),
  CONSTRAINT positive EXPECT (v > 0),
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT id FROM events;
