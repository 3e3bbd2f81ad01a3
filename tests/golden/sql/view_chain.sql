-- SPDX-License-Identifier: MIT
-- views of views, each with its part
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE VIEW one AS SELECT id, ts, k, v FROM events WHERE v > 1;
CREATE VIEW two AS SELECT *, v * 10 AS w FROM one;
CREATE VIEW three AS SELECT id, w FROM two WHERE w < 100;
CREATE SINK out WITH (connector = 'console') FROM three;
