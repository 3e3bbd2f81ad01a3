CREATE SOURCE s (
  offset BIGINT METADATA VIRTUAL,
  a BIGINT FRM 'x'
) WITH (connector = 'files', path = 'x');
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM s;
