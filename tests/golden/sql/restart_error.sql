-- SPDX-License-Identifier: MIT
-- after an error the next start goes on where the last commit was
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  CONSTRAINT has_k EXPECT (k IS NOT NULL) ON VIOLATION FAIL,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT id FROM events;
