CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE VIEW v AS SELCT * FROM events;
CREATE VIEW w AS;
CREATE SINK s;
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM events;
