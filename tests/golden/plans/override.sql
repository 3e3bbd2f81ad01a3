-- args: --with events.connector=generator --with events.rows=10 --with out.connector=files --with out.path=lake --set commit_interval=250ms
CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, amount DOUBLE, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SINK out WITH (connector = 'console') AS SELECT id FROM events;
