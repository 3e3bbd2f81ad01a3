CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM events;
CREATE SCHEDULE hourly EVERY INTERVAL '10 ms' RUN 'x.sql';
CREATE SCHEDULE daily RUN 'x.sql';
CREATE SCHEDULE nightly CRON '0 3 * * *' RUN 'x.sql' WITH (retry = 3);
