CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, amount DOUBLE, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SINK out WITH (connector = 'console') EMIT CHANGES EVERY INTERVAL '10 seconds' AS
  SELECT window_start, city, count(*) AS n, avg(amount) AS mean FROM HOP(events, time, INTERVAL '1 minute', INTERVAL '5 minutes') GROUP BY ALL;
CREATE SINK other WITH (connector = 'console', emit = 'changes 30 seconds') AS
  SELECT window_end, sum(amount) AS total FROM TUMBLE(events, time, INTERVAL '1 hour', shift => INTERVAL '15 minutes') GROUP BY window_end;
