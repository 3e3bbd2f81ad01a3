CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, amount DOUBLE, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SINK lost WITH (connector = 'console', enabled = false);
CREATE VIEW fresh LATE INTO lost AS SELECT * FROM DEDUP(events, id);
CREATE SINK a WITH (connector = 'console', enabled = off) AS SELECT window_start, count(*) AS n FROM TUMBLE(fresh, time, INTERVAL '1 minute') GROUP BY ALL;
CREATE SINK b WITH (connector = 'console') FROM fresh;
