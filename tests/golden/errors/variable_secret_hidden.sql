-- args: -D DB_PASSWORD=hunter2
CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SINK out WITH (connector = '${DB_PASSWORD}') AS SELECT * FROM events;
SET lanes = '${DB_PASSWORD}';
