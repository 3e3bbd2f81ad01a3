CREATE SOURCE s (
  a BIGNT,
  b STRUCT(x INTEGR),
  c VARCHAR FORMAT 'unix_ms',
  d TIMESTAMP FORMAT 'unix_ns',
  e BIGINT FROM 'a..b',
  _sequence BIGINT
) WITH (connector = 'files', path = 'x');
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM s;
