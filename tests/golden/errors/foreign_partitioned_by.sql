CREATE SOURCE s (a BIGINT) PARTITIONED BY (a) WITH (connector = 'files', path = 'x');
CREATE SINK out WITH (connector = 'console') PARTITIONED BY (a) AS SELECT * FROM s;
