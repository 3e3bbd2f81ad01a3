CREATE SOURCE s (
  a BIGINT,
  b VARCHAR AS (citi.x),
  c BIGINT AS (a +),
  d BIGINT AS (b)
) WITH (connector = 'files', path = 'x');
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM s;
