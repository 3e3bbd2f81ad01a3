CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE VIEW a AS SELECT * FROM b;
CREATE VIEW b AS SELECT * FROM c;
CREATE VIEW c AS SELECT * FROM a;
CREATE VIEW d AS SELECT * FROM d;
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM events;
