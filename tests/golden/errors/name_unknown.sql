CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SINK a WITH (connector = 'console') AS SELECT * FROM event;
CREATE SINK b WITH (connector = 'console') FROM evnts;
CREATE SINK c WITH (connector = 'console') LATE INTO lost AS SELECT * FROM events;
