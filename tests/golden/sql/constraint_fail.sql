-- SPDX-License-Identifier: MIT
-- FAIL ends the run and names the constraint
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  CONSTRAINT has_k EXPECT (k IS NOT NULL) ON VIOLATION FAIL,
  CONSTRAINT positive EXPECT (v > 0) ON VIOLATION FAIL,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT id FROM events;
