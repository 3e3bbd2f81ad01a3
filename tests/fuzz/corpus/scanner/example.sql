SET pipeline = 'devices';                          -- name; default: the file's base name. It keys checkpoints and sinks' progress
SET commit_interval  = INTERVAL '1 second';        -- how often results become durable and visible
SET checkpoint = '${CHECKPOINT_LOCATION:-.firesteel/devices}';  -- a local folder or s3://bucket/prefix (s3a:// is the same)

CREATE SOURCE events (
  event_id        BIGINT,
  device_id       VARCHAR,
  device_type     VARCHAR,
  event_time      TIMESTAMP,
  event_duration  DOUBLE,
  location        STRUCT(latitude DOUBLE, longitude DOUBLE, city VARCHAR, country VARCHAR),
  battery         INTEGER FROM 'metadata.battery_level',     -- another place in the record
  city            VARCHAR AS (location.city),                -- computed
  kafka_offset    BIGINT METADATA FROM 'offset',             -- what the connector knows: value (the payload as received, BLOB), topic, partition, offset, timestamp, key, headers, file, line
  CONSTRAINT has_id     EXPECT (event_id IS NOT NULL)                        ON VIOLATION QUARANTINE,
  CONSTRAINT duration   EXPECT (event_duration > 0 AND event_duration < 100) ON VIOLATION DROP ROW,
  WATERMARK FOR event_time AS event_time - INTERVAL '${WATERMARK_DELAY:-10 minutes}' IDLE TIMEOUT INTERVAL '30 seconds'
) WITH (
  connector = 'kafka', topic = '${KAFKA_TOPIC:-input_events}',
  bootstrap_servers = '${KAFKA_BOOTSTRAP_SERVERS:-localhost:9092}', format = 'json'
);

CREATE VIEW fresh AS SELECT * FROM DEDUP(events, event_id, device_id, within => INTERVAL '10 minutes');

CREATE SINK late_events WITH (connector = 'files', path = 'lake/late', format = 'parquet');

CREATE SINK per_minute WITH (connector = 'files', path = 's3://bucket/out', format = 'parquet', partition_by = 'device_type')
EMIT ON WINDOW CLOSE
LATE INTO late_events
AS SELECT window_start, window_end, device_id, device_type, count(*) AS event_count, avg(event_duration) AS avg_duration
   FROM TUMBLE(fresh, event_time, INTERVAL '1 minute')
   GROUP BY ALL;
