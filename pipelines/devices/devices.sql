-- SPDX-License-Identifier: MIT
-- Device events: parse, check, drop duplicates, count per device and minute.
--
--   KAFKA_BOOTSTRAP_SERVERS empty    generator in, Parquet under OUTPUT_PATH (the embedded default)
--   set, S3_BUCKET empty             Kafka in, changed windows on the console
--   set, S3_BUCKET set               Kafka in, Parquet on S3, each window once
--
-- One file for all three: what differs is chosen by option expressions.

SET pipeline = 'devices';
SET checkpoint = '${CHECKPOINT_LOCATION:-/tmp/streaming_checkpoint}';
SET commit_interval = INTERVAL '1 second';

-- Leaf fields by path, not as structs: only what is read gets decoded. A row passes when every
-- constraint holds; a NULL violates too. What does not pass is in quarantine with all its reasons.
CREATE SOURCE events (
  event_id         BIGINT,
  device_id        VARCHAR,
  device_type      VARCHAR,
  event_time       TIMESTAMP,
  event_duration   DOUBLE,
  latitude         DOUBLE  FROM 'location.latitude',
  longitude        DOUBLE  FROM 'location.longitude',
  city             VARCHAR FROM 'location.city',
  country          VARCHAR FROM 'location.country',
  firmware_version VARCHAR FROM 'metadata.firmware_version',
  battery_level    INTEGER FROM 'metadata.battery_level',
  signal_strength  INTEGER FROM 'metadata.signal_strength',
  CONSTRAINT event_id        EXPECT (event_id IS NOT NULL)                         ON VIOLATION QUARANTINE,
  CONSTRAINT device_id       EXPECT (device_id IS NOT NULL)                        ON VIOLATION QUARANTINE,
  CONSTRAINT device_type     EXPECT (device_type IS NOT NULL)                      ON VIOLATION QUARANTINE,
  CONSTRAINT event_time      EXPECT (event_time IS NOT NULL)                       ON VIOLATION QUARANTINE,
  CONSTRAINT event_duration  EXPECT (event_duration > 0 AND event_duration < 100)  ON VIOLATION QUARANTINE,
  CONSTRAINT battery_level   EXPECT (battery_level BETWEEN 0 AND 100)              ON VIOLATION QUARANTINE,
  CONSTRAINT signal_strength EXPECT (signal_strength BETWEEN -120 AND 0)           ON VIOLATION QUARANTINE,
  CONSTRAINT latitude        EXPECT (latitude BETWEEN -90 AND 90)                  ON VIOLATION QUARANTINE,
  CONSTRAINT longitude       EXPECT (longitude BETWEEN -180 AND 180)               ON VIOLATION QUARANTINE,
  WATERMARK FOR event_time AS event_time - INTERVAL '${WATERMARK_DELAY:-10 minutes}' IDLE TIMEOUT INTERVAL '30 seconds'
) WITH (
  connector = (CASE WHEN '${KAFKA_BOOTSTRAP_SERVERS:-}' = '' THEN 'generator' ELSE 'kafka' END),
  format = 'json',
  -- Kafka
  bootstrap_servers = '${KAFKA_BOOTSTRAP_SERVERS:-kafka:9092}',
  topic = '${KAFKA_TOPIC:-input_events}',
  starting_offsets = '${KAFKA_STARTING_OFFSETS:-latest}',
  max_offsets_per_trigger = '${KAFKA_MAX_OFFSETS_PER_TRIGGER:-}',
  fail_on_data_loss = '${KAFKA_FAIL_ON_DATA_LOSS:-false}',
  -- Generator
  profile = 'devices',
  rows = '${GENERATOR_ROWS:-0}',
  rate = '${GENERATOR_RATE:-1000}',
  seed = '${GENERATOR_SEED:-1}',
  devices = '${GENERATOR_DEVICES:-50}',
  types = '${GENERATOR_TYPES:-per_event}',
  start = '${GENERATOR_START:-now}',
  span = '${GENERATOR_SPAN:-1 hour}',
  duplicates = '${GENERATOR_DUPLICATES:-0.02}',
  invalid = '${GENERATOR_INVALID:-0.01}',
  late = '${GENERATOR_LATE:-0.005}',
  malformed = '${GENERATOR_MALFORMED:-0}'
);

-- First arrival of (event_id, device_id) wins; a key is remembered for the watermark's delay.
CREATE VIEW fresh LATE INTO late_events AS
SELECT * FROM DEDUP(events, event_id, device_id);

CREATE SINK device_minutes WITH (
  connector = (CASE WHEN '${KAFKA_BOOTSTRAP_SERVERS:-}' <> '' AND '${S3_BUCKET:-}' = ''
                    THEN 'console' ELSE 'files' END),
  emit = (CASE WHEN '${KAFKA_BOOTSTRAP_SERVERS:-}' <> '' AND '${S3_BUCKET:-}' = ''
               THEN 'changes 1 second' ELSE 'window_close' END),
  -- Files: Spark's folders on S3, a plain folder of whole rows in the local lake.
  path = (CASE WHEN '${KAFKA_BOOTSTRAP_SERVERS:-}' <> ''
               THEN 's3://${S3_BUCKET:-}/${S3_PREFIX:-streaming-output}'
               ELSE '${OUTPUT_PATH:-/tmp/streaming_output}' END),
  format = (CASE WHEN '${KAFKA_BOOTSTRAP_SERVERS:-}' <> '' AND '${S3_BUCKET:-}' = ''
                 THEN 'table' ELSE 'parquet' END),
  partition_by = (CASE WHEN '${KAFKA_BOOTSTRAP_SERVERS:-}' <> ''
                       THEN 'device_type, window_start' ELSE '' END),
  -- Console
  rows = 100,
  truncate = false
)
LATE INTO late_events
AS SELECT
  window_start,
  window_end,
  device_id,
  device_type,
  count(*)              AS event_count,
  avg(event_duration)   AS avg_duration,
  max(event_duration)   AS max_duration,
  min(event_duration)   AS min_duration,
  avg(battery_level)    AS avg_battery_level,
  min(battery_level)    AS min_battery_level,
  avg(signal_strength)  AS avg_signal_strength,
  min(signal_strength)  AS min_signal_strength,
  first(city)             AS city,
  first(country)          AS country,
  first(firmware_version) AS firmware_version,
  max(event_time)         AS last_event_time
FROM TUMBLE(fresh, event_time, INTERVAL '${WINDOW_DURATION:-1 minute}')
GROUP BY window_start, window_end, device_id, device_type;

-- Rows that came after their minute (or their key's memory) had gone.
CREATE SINK late_events WITH (
  connector = 'files',
  path = (CASE WHEN '${KAFKA_BOOTSTRAP_SERVERS:-}' <> '' AND '${S3_BUCKET:-}' <> ''
               THEN 's3://${S3_BUCKET:-}/${S3_PREFIX:-streaming-output}-late'
               ELSE '${OUTPUT_PATH:-/tmp/streaming_output}-late' END),
  format = 'parquet'
);
