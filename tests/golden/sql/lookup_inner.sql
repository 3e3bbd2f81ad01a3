-- SPDX-License-Identifier: MIT
-- an inner lookup drops rows without a match and doubles those with two
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE TABLE names AS SELECT * FROM (VALUES ('a', 'Anna'), ('b', 'Bert'), ('b', 'Bob')) AS t(k, name);
CREATE SINK out WITH (connector = 'console') AS
SELECT e.id, t.name FROM events e JOIN names t ON e.k = t.k;
