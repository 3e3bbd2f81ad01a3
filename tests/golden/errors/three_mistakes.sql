SET comit_interval = INTERVAL '1 second';
CREATE SOURCE events (id BIGNT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SINK out WITH (connector = 'consle') AS SELECT * FROM events;
