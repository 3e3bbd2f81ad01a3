-- SPDX-License-Identifier: MIT
-- clinical: topics to bronze. Each record's bytes become a line, unchanged, in a folder of the hour in
-- which it was written (UTC); a file is made of 1000 records or after 30 seconds, whichever comes first.
-- What is no JSON object goes to quarantine, and nothing stops.
--   firesteel run pipelines/clinical/bronze.sql
SET pipeline = 'bronze';
SET checkpoint = '${CHECKPOINT_LOCATION:-.firesteel/bronze}';

CREATE SOURCE vitals_raw (patient_id VARCHAR, raw BLOB METADATA FROM 'value')
WITH (connector = 'kafka', topic = 'patient-vitals', bootstrap_servers = '${KAFKA_BOOTSTRAP_SERVERS:-localhost:9092}',
      starting_offsets = '${KAFKA_STARTING_OFFSETS:-latest}', format = 'json');
CREATE SOURCE labs_raw (patient_id VARCHAR, raw BLOB METADATA FROM 'value')
WITH (connector = 'kafka', topic = 'lab-results', bootstrap_servers = '${KAFKA_BOOTSTRAP_SERVERS:-localhost:9092}',
      starting_offsets = '${KAFKA_STARTING_OFFSETS:-latest}', format = 'json');
CREATE SOURCE medications_raw (patient_id VARCHAR, raw BLOB METADATA FROM 'value')
WITH (connector = 'kafka', topic = 'medications', bootstrap_servers = '${KAFKA_BOOTSTRAP_SERVERS:-localhost:9092}',
      starting_offsets = '${KAFKA_STARTING_OFFSETS:-latest}', format = 'json');
CREATE SOURCE adverse_events_raw (patient_id VARCHAR, raw BLOB METADATA FROM 'value')
WITH (connector = 'kafka', topic = 'adverse-events', bootstrap_servers = '${KAFKA_BOOTSTRAP_SERVERS:-localhost:9092}',
      starting_offsets = '${KAFKA_STARTING_OFFSETS:-latest}', format = 'json');

-- TOPIC_STYLE=underscore writes patient_vitals; bronze_to_silver.sql reads both.
-- Bronze is on S3 when S3_ENDPOINT or S3_BUCKET is set; BRONZE names any other place.
CREATE MACRO bronze_root() AS
  CASE WHEN '${BRONZE:-}' <> '' THEN '${BRONZE:-}' WHEN '${S3_ENDPOINT:-}${S3_BUCKET:-}' = '' THEN 'raw'
       ELSE 's3://${S3_BUCKET:-clinical-mlops}/' || rtrim('${S3_PREFIX:-raw/}', '/') END;
CREATE MACRO folder_of(topic) AS
  bronze_root() || '/' || CASE WHEN '${TOPIC_STYLE:-hyphen}' = 'underscore' THEN replace(topic, '-', '_') ELSE topic END;

CREATE SINK bronze_vitals WITH (
  connector = 'files', path = (folder_of('patient-vitals')), format = 'lines', partition_by = 'date, hour',
  name = 'batch_{checkpoint8}_{epoch}_{sequence}.json', roll_rows = 1000, roll_age = '30 seconds'
) AS SELECT raw, strftime(now(), '%Y-%m-%d') AS date, strftime(now(), '%H') AS hour FROM vitals_raw;
CREATE SINK bronze_labs WITH (
  connector = 'files', path = (folder_of('lab-results')), format = 'lines', partition_by = 'date, hour',
  name = 'batch_{checkpoint8}_{epoch}_{sequence}.json', roll_rows = 1000, roll_age = '30 seconds'
) AS SELECT raw, strftime(now(), '%Y-%m-%d') AS date, strftime(now(), '%H') AS hour FROM labs_raw;
CREATE SINK bronze_medications WITH (
  connector = 'files', path = (folder_of('medications')), format = 'lines', partition_by = 'date, hour',
  name = 'batch_{checkpoint8}_{epoch}_{sequence}.json', roll_rows = 1000, roll_age = '30 seconds'
) AS SELECT raw, strftime(now(), '%Y-%m-%d') AS date, strftime(now(), '%H') AS hour FROM medications_raw;
CREATE SINK bronze_adverse_events WITH (
  connector = 'files', path = (folder_of('adverse-events')), format = 'lines', partition_by = 'date, hour',
  name = 'batch_{checkpoint8}_{epoch}_{sequence}.json', roll_rows = 1000, roll_age = '30 seconds'
) AS SELECT raw, strftime(now(), '%Y-%m-%d') AS date, strftime(now(), '%H') AS hour FROM adverse_events_raw;

CREATE MACRO topic_of(relation) AS
  CASE WHEN relation LIKE '%vitals%' THEN 'patient-vitals' WHEN relation LIKE '%labs%' THEN 'lab-results'
       WHEN relation LIKE '%medications%' THEN 'medications' ELSE 'adverse-events' END;
CREATE METRIC data_records_processed_total TYPE counter HELP 'Records written to a layer.' AS
  SELECT 'bronze' AS layer, topic_of(relation) AS topic, passed AS value FROM ledger WHERE kind = 'sink';
CREATE METRIC kafka_consumer_lag TYPE gauge HELP 'Records of the topic that were not read yet.' AS
  SELECT topic_of(relation) AS topic, lag AS value FROM ledger WHERE kind = 'source';
