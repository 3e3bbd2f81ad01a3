CREATE SOURCE s (a BIGINT FRM 'x') WITH (connector = 'files', path = 'x');
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM s;
