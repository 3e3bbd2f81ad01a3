-- SPDX-License-Identifier: MIT
-- devices.sql with four sinks of one view: tests/services/torture/run appends this to its source and its
-- first arrivals. One kill hits all four; each must hold every row once.
CREATE VIEW minutes LATE INTO late_events AS SELECT
  window_start, window_end, device_id, device_type,
  count(*) AS event_count,
  avg(event_duration) AS avg_duration, max(event_duration) AS max_duration, min(event_duration) AS min_duration,
  avg(battery_level) AS avg_battery_level, min(battery_level) AS min_battery_level,
  avg(signal_strength) AS avg_signal_strength, min(signal_strength) AS min_signal_strength,
  first(city) AS city, first(country) AS country, first(firmware_version) AS firmware_version,
  max(event_time) AS last_event_time
FROM TUMBLE(fresh, event_time, INTERVAL '1 minute')
GROUP BY window_start, window_end, device_id, device_type;

CREATE SINK device_minutes WITH (connector = 'files', path = '${FOLDER}/lake') AS SELECT * FROM minutes;
CREATE SINK minutes_s3 WITH (connector = 'files', path = 's3://${S3_BUCKET}/${UNIQUE}/lake',
  partition_by = 'device_type, window_start') AS SELECT * FROM minutes;
CREATE SINK minutes_kafka WITH (connector = 'kafka', bootstrap_servers = '${KAFKA_BOOTSTRAP_SERVERS}',
  topic = '${UNIQUE}-minutes', key = (device_id)) AS SELECT * FROM minutes;
CREATE SINK minutes_postgres WITH (connector = 'postgres', url = '${POSTGRES_URL}', table = '${TABLE}',
  create_tables = true) AS SELECT * FROM minutes;
CREATE SINK late_events WITH (connector = 'files', path = '${FOLDER}/late', roll_age = '200 milliseconds');
