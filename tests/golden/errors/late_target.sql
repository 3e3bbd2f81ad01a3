CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SINK lost WITH (connector = 'console') AS SELECT * FROM events;
CREATE SINK idle WITH (connector = 'console');
CREATE VIEW a LATE INTO lost AS SELECT * FROM DEDUP(events, id);
CREATE VIEW b LATE INTO events AS SELECT * FROM DEDUP(events, id);
CREATE SINK x WITH (connector = 'console') FROM a;
CREATE SINK y WITH (connector = 'console') FROM b;
