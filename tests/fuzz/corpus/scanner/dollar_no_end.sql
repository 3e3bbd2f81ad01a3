CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE VIEW v AS SELECT $x$ text FROM events;
