-- SPDX-License-Identifier: MIT
-- The 95th percentile of event_duration per device type and day, over raw events: a batch run.
-- Values outside mean +- OUTLIER_STD_DEVIATIONS sample standard deviations of their type and day are
-- dropped first (the bounds themselves stay; a day with one row has no deviation and is dropped).
-- Type-days that then hold fewer than MIN_EVENTS_PER_DAY distinct events are left out.
--
--   firesteel run pipelines/devices/percentiles.sql -D INPUT_PATH='events/*.jsonl' -D OUTPUT_PATH=out

SET pipeline = 'device_percentiles';
SET execution = 'batch';
SET checkpoint = '${CHECKPOINT_LOCATION:-/tmp/percentiles_checkpoint}';

CREATE SOURCE events (
  event_id       BIGINT,
  device_id      VARCHAR,
  device_type    VARCHAR,
  event_time     TIMESTAMP,
  event_duration DOUBLE,
  CONSTRAINT event_id       EXPECT (event_id IS NOT NULL)       ON VIOLATION QUARANTINE,
  CONSTRAINT device_id      EXPECT (device_id IS NOT NULL)      ON VIOLATION QUARANTINE,
  CONSTRAINT device_type    EXPECT (device_type IS NOT NULL)    ON VIOLATION QUARANTINE,
  CONSTRAINT event_time     EXPECT (event_time IS NOT NULL)     ON VIOLATION QUARANTINE,
  CONSTRAINT event_duration EXPECT (event_duration IS NOT NULL) ON VIOLATION QUARANTINE
) WITH (
  connector = 'files', path = '${INPUT_PATH:-events/*.jsonl}', format = 'json'
);

CREATE VIEW daily AS
SELECT *, event_time::DATE AS event_date FROM events;

CREATE VIEW usual AS
SELECT *
FROM daily
WINDOW type_day AS (PARTITION BY device_type, event_date)
QUALIFY abs(event_duration - avg(event_duration) OVER type_day)
        <= ${OUTLIER_STD_DEVIATIONS:-3.0} * stddev_samp(event_duration) OVER type_day;

CREATE SINK percentiles WITH (
  connector = 'files', path = '${OUTPUT_PATH:-/tmp/percentiles_output}',
  format = '${OUTPUT_FORMAT:-csv}'
) AS
SELECT
  device_type,
  event_date,
  quantile_cont(event_duration, ${PERCENTILE:-0.95}) AS percentile_95,
  avg(event_duration)         AS mean_duration,
  stddev_samp(event_duration) AS stddev_duration,
  count(*)                    AS total_events,
  count(DISTINCT device_id)   AS distinct_devices
FROM usual
GROUP BY device_type, event_date
HAVING count(DISTINCT event_id) >= ${MIN_EVENTS_PER_DAY:-500}
ORDER BY device_type, event_date;
