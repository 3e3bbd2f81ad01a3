CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SINK a WITH (connector = 'console', emit = 'window_close') EMIT ON WINDOW CLOSE AS SELECT * FROM events;
