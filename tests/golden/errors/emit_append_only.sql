CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SINK a WITH (connector = 'files', path = 'x') EMIT CHANGES EVERY INTERVAL '1 second' AS SELECT window_start, count(*) AS n FROM TUMBLE(events, time, INTERVAL '1 minute') GROUP BY ALL;
CREATE SINK b WITH (connector = 'console') EMIT CHANGES EVERY INTERVAL '1 second' AS SELECT window_start, count(*) AS n FROM TUMBLE(events, time, INTERVAL '1 minute') GROUP BY ALL HAVING count(*) > 1;
