CREATE SINK out WITH (connector = 'console') FROM c;
CREATE VIEW c AS SELECT id FROM b;
CREATE VIEW b AS SELECT id, time FROM events;
CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, amount DOUBLE, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
