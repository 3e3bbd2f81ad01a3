CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SINK a WITH (connector = 'console') EMIT ON WINDOW CLOSE AS SELECT * FROM events;
CREATE SINK b WITH (connector = 'console') EMIT CHANGES EVERY INTERVAL '10 seconds' AS SELECT * FROM events;
CREATE SINK c WITH (connector = 'console', emit = 'changes 0 seconds') AS SELECT * FROM events;
CREATE SINK d WITH (connector = 'console', emit = 'sometimes') AS SELECT * FROM events;
