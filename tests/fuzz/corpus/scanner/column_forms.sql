CREATE SOURCE s (
  a,
  b BIGINT NOT NULL,
  c BIGINT DEFAULT 0,
  d BIGINT AS a + 1,
  e BIGINT FROM metadata,
  f BIGINT FROM 'x' AS (1),
  g BIGINT,
  g VARCHAR,
  h BIGINT FRM 'x'
) WITH (connector = 'files', path = 'x');
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM s;
