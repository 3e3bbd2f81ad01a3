CREATE SOURCE events (
  event_id BIGINT, device_id VARCHAR, event_time TIMESTAMP, battery INTEGER,
  WATERMARK FOR event_time AS event_time - INTERVAL '10 minutes'
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT * FROM DEDUP(events, event_id, keep => 'last');
