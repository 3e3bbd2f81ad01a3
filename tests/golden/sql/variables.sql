-- SPDX-License-Identifier: MIT
-- values of variables; a quote in one stays a quote
CREATE SOURCE events (
  id BIGINT,
  ts TIMESTAMP,
  k  VARCHAR,
  v  DOUBLE,
  n  INTEGER,
  WATERMARK FOR ts AS ts - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT id, '${MARK:-it''s}' AS mark FROM events WHERE v > ${LEAST:-3};
