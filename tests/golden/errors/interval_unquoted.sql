CREATE SOURCE s (time TIMESTAMP, WATERMARK FOR time AS time - '10 minutes') WITH (connector = 'files', path = 'x');
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM s;
