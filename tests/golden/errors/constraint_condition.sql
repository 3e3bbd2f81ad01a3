CREATE SOURCE s (
  amount BIGINT,
  CONSTRAINT one EXPECT (amont > 0),
  CONSTRAINT two EXPECT (amount),
  CONSTRAINT three EXPECT (amount >),
  CONSTRAINT four EXPECT (no_such(amount))
) WITH (connector = 'files', path = 'x');
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM s;
