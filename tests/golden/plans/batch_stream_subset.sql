SET execution = 'batch';
CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, amount DOUBLE, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SINK out WITH (connector = 'console') EMIT CHANGES EVERY INTERVAL '1 second' AS SELECT window_start, count(*) AS n FROM TUMBLE(events, time, INTERVAL '1 minute') GROUP BY ALL;
