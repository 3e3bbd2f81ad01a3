CREATE SOURCE s (a BIGINT PRIMARY KEY, b BIGINT) WITH (connector = 'files', path = 'x');
CREATE SOURCE t (a BIGINT, PRIMARY KEY (a)) WITH (connector = 'files', path = 'x');
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM s;
