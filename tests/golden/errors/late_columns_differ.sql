CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SINK lost WITH (connector = 'console');
CREATE VIEW few AS SELECT time, city FROM events;
CREATE SINK a WITH (connector = 'console') LATE INTO lost AS SELECT * FROM DEDUP(events, id);
CREATE SINK b WITH (connector = 'console') LATE INTO lost AS SELECT window_start, count(*) AS n FROM TUMBLE(few, time, INTERVAL '1 minute') GROUP BY ALL;
