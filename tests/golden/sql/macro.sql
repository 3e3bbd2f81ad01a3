-- SPDX-License-Identifier: MIT
-- CREATE MACRO is at hand in every SELECT
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE MACRO twice(x) AS x * 2;
CREATE SINK out WITH (connector = 'console') AS
SELECT id, twice(v) AS w FROM events WHERE twice(v) > 3;
