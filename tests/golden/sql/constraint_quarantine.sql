-- SPDX-License-Identifier: MIT
-- QUARANTINE: refused rows count under the first constraint they violate
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  CONSTRAINT has_k EXPECT (k IS NOT NULL) ON VIOLATION QUARANTINE,
  CONSTRAINT positive EXPECT (v > 0) ON VIOLATION QUARANTINE,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT id FROM events;
