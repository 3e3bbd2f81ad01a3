-- SPDX-License-Identifier: MIT
-- a sink that is not enabled, and its view
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK off WITH (connector = 'console', enabled = ('${NEVER_SET_ANYWHERE:-}' <> '')) AS
SELECT id FROM events;
CREATE SINK out WITH (connector = 'console') AS
SELECT id FROM events WHERE id < 2;
