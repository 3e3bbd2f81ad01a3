CREATE SOURCE s WITH (connector = 'files', path = 'x');
CREATE SOURCE t () WITH (connector = 'files', path = 'x');
CREATE SOURCE u (a BIGINT);
CREATE SOURCE v (a BIGINT) AS SELECT 1;
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM s;
