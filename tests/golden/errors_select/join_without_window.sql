CREATE SOURCE events (
  event_id BIGINT, device_id VARCHAR, event_time TIMESTAMP, battery INTEGER,
  WATERMARK FOR event_time AS event_time - INTERVAL '10 minutes'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE VIEW a AS SELECT window_start, device_id, count(*) AS n FROM TUMBLE(events, event_time, INTERVAL '1 minute') GROUP BY ALL;
CREATE VIEW b AS SELECT window_start, device_id, max(battery) AS m FROM TUMBLE(events, event_time, INTERVAL '1 minute') GROUP BY ALL;

CREATE SINK out WITH (connector = 'console') AS
SELECT a.n, b.m FROM a JOIN b USING (device_id);
