CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', pth = 'in/*.jsonl');
CREATE SINK out WITH (connector = 'console', emmit = 'window_close') AS SELECT * FROM events;
