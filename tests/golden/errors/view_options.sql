CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE VIEW v WITH (a = 1) AS SELECT * FROM events;
CREATE VIEW w (a, b) AS SELECT id, time FROM events;
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM events;
