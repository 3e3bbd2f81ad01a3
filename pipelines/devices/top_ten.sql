-- SPDX-License-Identifier: MIT
-- The ten busiest device-minutes of a lake that devices.sql has written.
--
--   OUTPUT_PATH=/tmp/streaming_output firesteel run pipelines/devices/top_ten.sql

SET pipeline = 'device_top_ten';
SET execution = 'batch';
SET checkpoint = '${TOP_TEN_CHECKPOINT:-/tmp/top_ten_checkpoint}';

CREATE SOURCE minutes (
  window_start TIMESTAMP,
  device_id    VARCHAR,
  device_type  VARCHAR,
  event_count  BIGINT,
  avg_duration DOUBLE
) WITH (
  connector = 'files', path = '${OUTPUT_PATH:-/tmp/streaming_output}/*.parquet', format = 'parquet'
);

CREATE SINK top_ten WITH (connector = 'console') AS
SELECT window_start, device_id, device_type, event_count, round(avg_duration, 3) AS avg_duration
FROM minutes
ORDER BY event_count DESC, window_start, device_id, device_type
LIMIT 10;
