SET commit_interval = 'often';
SET lanes = -1;
SET execution = 'bach';
SET outbox_limit = '64 apples';
SET pipeline = 'a/b';
SET trigger_rows = 0;
CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM events;
