CREATE SOURCE s (a BIGINT) WITH (connector = 'files', path = 'x') FORMAT PLAIN ENCODE JSON;
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM s;
