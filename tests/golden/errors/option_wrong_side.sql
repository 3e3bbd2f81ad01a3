CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'x', emit = 'window_close');
CREATE SINK out WITH (connector = 'console', on_error = 'drop') AS SELECT * FROM events;
