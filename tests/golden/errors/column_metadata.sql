CREATE SOURCE s (
  a BIGINT METADATA FROM 'ofset',
  b VARCHAR METADATA FROM 'offset',
  timestamp TIMESTAMP METADATA,
  c VARCHAR METADATA
) WITH (connector = 'files', path = 'x');
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM s;
