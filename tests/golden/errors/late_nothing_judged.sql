CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SINK lost WITH (connector = 'console');
CREATE SINK out WITH (connector = 'console') LATE INTO lost AS SELECT * FROM events;
