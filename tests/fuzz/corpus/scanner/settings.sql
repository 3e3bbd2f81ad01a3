SET pipeline = 'named';
SET commit_interval = INTERVAL '10 seconds';
SET trigger_interval = INTERVAL 5 MILLISECONDS;
SET memory_limit = 64MB;
SET outbox_limit = '1 GiB';
SET future_skew = none;
SET max_ahead = '1 hour';
SET execution = 'once';
SET checkpoint TO ('state' || '/here');
CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, amount DOUBLE, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SINK out WITH (connector = 'console') FROM events;
