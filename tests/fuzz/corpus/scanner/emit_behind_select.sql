CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM events EMIT ON WINDOW CLOSE;
CREATE VIEW v AS SELECT * FROM events EMIT CHANGES;
