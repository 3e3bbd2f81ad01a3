CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'file', path = 'in/*.jsonl');
CREATE SINK out WITH (connector = 'banana') AS SELECT * FROM events;
