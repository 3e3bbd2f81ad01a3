CREATE SOURCE events (
  event_id BIGINT, device_id VARCHAR, event_time TIMESTAMP, battery INTEGER,
  WATERMARK FOR event_time AS event_time - INTERVAL '10 minutes'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE VIEW a AS SELECT window_start, device_id, count(*) AS n FROM TUMBLE(events, event_time, INTERVAL '1 minute') GROUP BY ALL;

CREATE SINK out WITH (connector = 'console') AS
SELECT window_start, sum(n) OVER (PARTITION BY device_id ORDER BY window_start) AS total FROM a;
