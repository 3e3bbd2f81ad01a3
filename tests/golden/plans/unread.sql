CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, amount DOUBLE, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SOURCE other (a BIGINT) WITH (connector = 'files', path = 'x');
CREATE VIEW unread AS SELECT id FROM events;
CREATE SINK out WITH (connector = 'console') AS SELECT city FROM events;
