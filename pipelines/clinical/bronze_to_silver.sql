-- SPDX-License-Identifier: MIT
-- clinical: bronze (JSON, a folder an hour) to silver (Parquet, a folder a day).
--   firesteel run pipelines/clinical/bronze_to_silver.sql -D PROCESS_HOURS=6
-- Reads the hour folders from PROCESS_HOURS hours ago to now, drops copies within an hour (the last one
-- stays), refuses what is physiologically impossible (kept aside, with reasons), derives columns, and
-- replaces in silver exactly the hours that it read.
SET pipeline = 'bronze_to_silver';
SET execution = 'batch';
SET checkpoint = '${CHECKPOINT_LOCATION:-.firesteel/bronze_to_silver}';

-- The folders above the topics are on S3 when S3_ENDPOINT or S3_BUCKET is set; BRONZE and SILVER name
-- any other place. PROCESS_NOW: another "now", for re-runs of old hours.
CREATE MACRO bronze_root() AS
  CASE WHEN '${BRONZE:-}' <> '' THEN '${BRONZE:-}' WHEN '${S3_ENDPOINT:-}${S3_BUCKET:-}' = '' THEN 'raw'
       ELSE 's3://${S3_BUCKET:-clinical-mlops}/' || rtrim('${S3_PREFIX:-raw/}', '/') END;
CREATE MACRO silver_root() AS
  CASE WHEN '${SILVER:-}' <> '' THEN '${SILVER:-}' WHEN '${S3_ENDPOINT:-}${S3_BUCKET:-}' = '' THEN 'processed'
       ELSE 's3://${S3_BUCKET:-clinical-mlops}/processed' END;
CREATE MACRO bronze_files(topic) AS (
  SELECT list(bronze_root() || '/' || folder || strftime(hour, '/date=%Y-%m-%d/hour=%H/*.json'))
  FROM range(date_trunc('hour', coalesce(nullif('${PROCESS_NOW:-}', '')::TIMESTAMPTZ, now())::TIMESTAMP) - to_hours(${PROCESS_HOURS:-1}),
             coalesce(nullif('${PROCESS_NOW:-}', '')::TIMESTAMPTZ, now())::TIMESTAMP + INTERVAL '1 microsecond', INTERVAL '1 hour') hours(hour),
       unnest([topic, replace(topic, '-', '_')]) folders(folder));
-- '..date=2025-10-05/hour=14/..' -> 2025-10-05T14
CREATE MACRO bronze_hour_of(file) AS
  substr(file, strpos(file, '/date=') + 6, 10) || 'T' || substr(file, strpos(file, '/hour=') + 6, 2);

CREATE SOURCE vitals (
  patient_id               VARCHAR,
  "timestamp"              TIMESTAMP,
  heart_rate               DOUBLE,
  blood_pressure_systolic  DOUBLE,
  blood_pressure_diastolic DOUBLE,
  temperature              DOUBLE,
  spo2                     DOUBLE,
  source                   VARCHAR,
  trial_site               VARCHAR,
  trial_arm                VARCHAR,
  bronze_file              VARCHAR METADATA FROM 'file'
) WITH (connector = 'files', format = 'json', path = (bronze_files('patient-vitals')));

CREATE SOURCE labs (
  patient_id      VARCHAR,
  "timestamp"     TIMESTAMP,
  test_name       VARCHAR,
  value           DOUBLE,
  unit            VARCHAR,
  lab_id          VARCHAR,
  reference_range VARCHAR,
  performing_lab  VARCHAR,
  trial_site      VARCHAR,
  bronze_file     VARCHAR METADATA FROM 'file'
) WITH (connector = 'files', format = 'json', path = (bronze_files('lab-results')));

CREATE SOURCE medications (
  patient_id      VARCHAR,
  "timestamp"     TIMESTAMP,
  drug_name       VARCHAR,
  dosage          DOUBLE,
  unit            VARCHAR,
  route           VARCHAR,
  frequency       VARCHAR,
  administered_by VARCHAR,
  trial_site      VARCHAR,
  trial_arm       VARCHAR,
  bronze_file     VARCHAR METADATA FROM 'file'
) WITH (connector = 'files', format = 'json', path = (bronze_files('medications')));

CREATE SOURCE adverse_events (
  patient_id       VARCHAR,
  event_timestamp  TIMESTAMP,
  event_type       VARCHAR,
  severity         VARCHAR,
  reported_by      VARCHAR,
  report_timestamp TIMESTAMP,
  description      VARCHAR,
  trial_site       VARCHAR,
  trial_arm        VARCHAR,
  bronze_file      VARCHAR METADATA FROM 'file'
) WITH (connector = 'files', format = 'json', path = (bronze_files('adverse-events')));

-- A copy in another hour is another record.
CREATE VIEW distinct_vitals AS SELECT * FROM DEDUP(vitals, bronze_hour_of(bronze_file), patient_id, "timestamp", source, keep => 'last');
CREATE VIEW distinct_labs AS SELECT * FROM DEDUP(labs, bronze_hour_of(bronze_file), patient_id, "timestamp", test_name, lab_id, keep => 'last');
CREATE VIEW distinct_medications AS SELECT * FROM DEDUP(medications, bronze_hour_of(bronze_file), patient_id, "timestamp", drug_name, keep => 'last');
CREATE VIEW distinct_adverse_events AS SELECT * FROM DEDUP(adverse_events, bronze_hour_of(bronze_file), patient_id, event_timestamp, event_type, keep => 'last');

CREATE VIEW valid_vitals (
  CONSTRAINT missing_patient_id         EXPECT (patient_id IS NOT NULL)               ON VIOLATION QUARANTINE,
  CONSTRAINT missing_timestamp          EXPECT ("timestamp" IS NOT NULL)              ON VIOLATION QUARANTINE,
  CONSTRAINT missing_heart_rate         EXPECT (heart_rate IS NOT NULL)               ON VIOLATION QUARANTINE,
  CONSTRAINT missing_bp_systolic        EXPECT (blood_pressure_systolic IS NOT NULL)  ON VIOLATION QUARANTINE,
  CONSTRAINT missing_bp_diastolic       EXPECT (blood_pressure_diastolic IS NOT NULL) ON VIOLATION QUARANTINE,
  CONSTRAINT missing_temperature        EXPECT (temperature IS NOT NULL)              ON VIOLATION QUARANTINE,
  CONSTRAINT missing_spo2               EXPECT (spo2 IS NOT NULL)                     ON VIOLATION QUARANTINE,
  CONSTRAINT invalid_heart_rate         EXPECT (heart_rate IS NULL OR heart_rate BETWEEN 40 AND 200) ON VIOLATION QUARANTINE,
  CONSTRAINT invalid_bp_systolic        EXPECT (blood_pressure_systolic IS NULL OR blood_pressure_systolic BETWEEN 60 AND 250) ON VIOLATION QUARANTINE,
  CONSTRAINT invalid_bp_diastolic       EXPECT (blood_pressure_diastolic IS NULL OR blood_pressure_diastolic BETWEEN 40 AND 150) ON VIOLATION QUARANTINE,
  CONSTRAINT invalid_temperature        EXPECT (temperature IS NULL OR temperature BETWEEN 35 AND 42) ON VIOLATION QUARANTINE,
  CONSTRAINT invalid_spo2               EXPECT (spo2 IS NULL OR spo2 BETWEEN 70 AND 100) ON VIOLATION QUARANTINE
) AS SELECT * FROM distinct_vitals;

CREATE VIEW valid_labs (
  CONSTRAINT missing_patient_id EXPECT (patient_id IS NOT NULL)       ON VIOLATION QUARANTINE,
  CONSTRAINT missing_timestamp  EXPECT ("timestamp" IS NOT NULL)      ON VIOLATION QUARANTINE,
  CONSTRAINT missing_test_name  EXPECT (test_name IS NOT NULL)        ON VIOLATION QUARANTINE,
  CONSTRAINT missing_value      EXPECT (value IS NOT NULL)            ON VIOLATION QUARANTINE,
  CONSTRAINT negative_value     EXPECT (value IS NULL OR value >= 0)  ON VIOLATION QUARANTINE
) AS SELECT * FROM distinct_labs;

CREATE VIEW valid_medications (
  CONSTRAINT missing_patient_id EXPECT (patient_id IS NOT NULL)        ON VIOLATION QUARANTINE,
  CONSTRAINT missing_timestamp  EXPECT ("timestamp" IS NOT NULL)       ON VIOLATION QUARANTINE,
  CONSTRAINT missing_drug_name  EXPECT (drug_name IS NOT NULL)         ON VIOLATION QUARANTINE,
  CONSTRAINT missing_dosage     EXPECT (dosage IS NOT NULL)            ON VIOLATION QUARANTINE,
  CONSTRAINT negative_dosage    EXPECT (dosage IS NULL OR dosage >= 0) ON VIOLATION QUARANTINE
) AS SELECT * FROM distinct_medications;

CREATE VIEW valid_adverse_events (
  CONSTRAINT missing_patient_id EXPECT (patient_id IS NOT NULL)      ON VIOLATION QUARANTINE,
  CONSTRAINT missing_timestamp  EXPECT (event_timestamp IS NOT NULL) ON VIOLATION QUARANTINE,
  CONSTRAINT missing_event_type EXPECT (event_type IS NOT NULL)      ON VIOLATION QUARANTINE,
  CONSTRAINT missing_severity   EXPECT (severity IS NOT NULL)        ON VIOLATION QUARANTINE,
  CONSTRAINT invalid_severity   EXPECT (severity IS NULL OR severity IN ('grade_1', 'grade_2', 'grade_3', 'grade_4')) ON VIOLATION QUARANTINE
) AS SELECT * FROM distinct_adverse_events;

CREATE SINK silver_vitals WITH (
  connector = 'files', path = (silver_root() || '/patient-vitals'), format = 'parquet',
  partition_by = 'date', mode = 'replace', replace_by = (bronze_hour),
  replaces = 'SELECT bronze_hour_of(partition) FROM _partitions WHERE source = ''vitals'''
) AS SELECT
  patient_id, "timestamp", heart_rate, blood_pressure_systolic, blood_pressure_diastolic, temperature, spo2, source, trial_site, trial_arm,
  blood_pressure_systolic - blood_pressure_diastolic AS pulse_pressure,
  (blood_pressure_systolic + 2 * blood_pressure_diastolic) / 3 AS mean_arterial_pressure,
  heart_rate > 100 AS is_tachycardia,
  heart_rate < 60 AS is_bradycardia,
  blood_pressure_systolic >= 140 OR blood_pressure_diastolic >= 90 AS is_hypertensive,
  blood_pressure_systolic < 90 OR blood_pressure_diastolic < 60 AS is_hypotensive,
  temperature >= 38 AS is_febrile,
  temperature < 36 AS is_hypothermic,
  spo2 < 95 AS is_hypoxic,
  (7 + (source IS NOT NULL)::INTEGER + (trial_site IS NOT NULL)::INTEGER + (trial_arm IS NOT NULL)::INTEGER) / 10 AS data_quality_score,
  now()::TIMESTAMP AS processed_at,
  "timestamp"::DATE AS date,
  bronze_hour_of(bronze_file) AS bronze_hour
FROM valid_vitals;

CREATE SINK silver_labs WITH (
  connector = 'files', path = (silver_root() || '/lab-results'), format = 'parquet',
  partition_by = 'date', mode = 'replace', replace_by = (bronze_hour),
  replaces = 'SELECT bronze_hour_of(partition) FROM _partitions WHERE source = ''labs'''
) AS SELECT
  patient_id, "timestamp", upper(test_name) AS test_name, value, unit, lab_id, reference_range, performing_lab, trial_site,
  (4 + (unit IS NOT NULL)::INTEGER + (lab_id IS NOT NULL)::INTEGER + (reference_range IS NOT NULL)::INTEGER
     + (performing_lab IS NOT NULL)::INTEGER + (trial_site IS NOT NULL)::INTEGER) / 9 AS data_quality_score,
  now()::TIMESTAMP AS processed_at,
  "timestamp"::DATE AS date,
  bronze_hour_of(bronze_file) AS bronze_hour
FROM valid_labs;

CREATE SINK silver_medications WITH (
  connector = 'files', path = (silver_root() || '/medications'), format = 'parquet',
  partition_by = 'date', mode = 'replace', replace_by = (bronze_hour),
  replaces = 'SELECT bronze_hour_of(partition) FROM _partitions WHERE source = ''medications'''
) AS SELECT
  patient_id, "timestamp", upper(drug_name) AS drug_name, dosage, unit, route, frequency, administered_by, trial_site, trial_arm,
  (4 + (unit IS NOT NULL)::INTEGER + (route IS NOT NULL)::INTEGER + (frequency IS NOT NULL)::INTEGER
     + (administered_by IS NOT NULL)::INTEGER + (trial_site IS NOT NULL)::INTEGER + (trial_arm IS NOT NULL)::INTEGER) / 10 AS data_quality_score,
  now()::TIMESTAMP AS processed_at,
  "timestamp"::DATE AS date,
  bronze_hour_of(bronze_file) AS bronze_hour
FROM valid_medications;

CREATE SINK silver_adverse_events WITH (
  connector = 'files', path = (silver_root() || '/adverse-events'), format = 'parquet',
  partition_by = 'date', mode = 'replace', replace_by = (bronze_hour),
  replaces = 'SELECT bronze_hour_of(partition) FROM _partitions WHERE source = ''adverse_events'''
) AS SELECT
  patient_id, event_timestamp, upper(event_type) AS event_type, severity, right(severity, 1)::INTEGER AS severity_score,
  reported_by, report_timestamp, description, trial_site, trial_arm,
  (4 + (reported_by IS NOT NULL)::INTEGER + (report_timestamp IS NOT NULL)::INTEGER + (description IS NOT NULL)::INTEGER
     + (trial_site IS NOT NULL)::INTEGER + (trial_arm IS NOT NULL)::INTEGER) / 9 AS data_quality_score,
  now()::TIMESTAMP AS processed_at,
  event_timestamp::DATE AS date,
  bronze_hour_of(bronze_file) AS bronze_hour
FROM valid_adverse_events;

-- The figures of the run. Records that cannot be parsed are invalid, too; a value out of range counts
-- once, beside the sum.
CREATE MACRO topic_of(relation) AS
  CASE WHEN relation LIKE '%vitals' THEN 'patient-vitals' WHEN relation LIKE '%labs' THEN 'lab-results'
       WHEN relation LIKE '%medications' THEN 'medications' ELSE 'adverse-events' END;
CREATE MACRO percent_of(part, whole) AS CASE WHEN whole > 0 THEN printf('%.2f%%', 100.0 * part / whole) ELSE 'n/a' END;

REPORT ON STDERR TEMPLATE '{topic}: {read} read, {written} written, {duplicates} duplicates, {invalid} invalid, quality {quality}
' AS SELECT topic_of(relation) AS topic,
  sum(CASE WHEN kind = 'source' THEN rows_in ELSE 0 END) AS read,
  sum(CASE WHEN kind = 'sink' THEN passed ELSE 0 END) AS written,
  sum(duplicate) AS duplicates,
  sum(rejected + undecodable) AS invalid,
  percent_of(written, read) AS quality
FROM ledger GROUP BY topic ORDER BY topic;

REPORT ON STDOUT TEMPLATE '==================================================
PROCESSING METRICS
==================================================
records_read: {records_read}
records_written: {records_written}
duplicates_removed: {duplicates_removed}
invalid_records: {invalid_records}
out_of_range_values: {out_of_range_values}
==================================================
Data Quality: {quality}
==================================================
' AS SELECT
  coalesce(sum(rows_in) FILTER (kind = 'source'), 0) AS records_read,
  coalesce(sum(passed) FILTER (kind = 'sink'), 0) AS records_written,
  coalesce(sum(duplicate), 0) AS duplicates_removed,
  coalesce(sum(rejected + undecodable), 0) AS invalid_records,
  (SELECT coalesce(sum(violations), 0) FROM ledger_rejections WHERE relation = 'valid_vitals' AND reason LIKE 'invalid_%') AS out_of_range_values,
  percent_of(records_written, records_read) AS quality
FROM ledger;

CREATE METRIC data_records_processed_total TYPE counter HELP 'Records written to a layer.' AS
  SELECT 'silver' AS layer, topic_of(relation) AS topic, passed AS value FROM ledger WHERE kind = 'sink';
CREATE METRIC data_invalid_records_total TYPE counter HELP 'Records refused, by the first reason.' AS
  SELECT topic_of(relation) AS topic, reason, "rows" AS value FROM ledger_rejections;
CREATE METRIC data_duplicates_removed_total TYPE counter HELP 'Copies of records removed within an hour.' AS
  SELECT topic_of(relation) AS topic, duplicate AS value FROM ledger WHERE relation LIKE 'distinct_%';
CREATE METRIC data_quality_score TYPE gauge HELP 'Share of the records read that were written, of the newest run that read any.' AS
  SELECT topic_of(relation) AS topic,
         sum(CASE WHEN kind = 'sink' THEN passed ELSE 0 END) / nullif(sum(CASE WHEN kind = 'source' THEN rows_in ELSE 0 END), 0) AS value
  FROM ledger GROUP BY topic;
CREATE METRIC spark_job_duration_seconds TYPE gauge HELP 'Duration of the newest run.' AS SELECT seconds AS value FROM run;
CREATE METRIC spark_job_status TYPE gauge HELP '1: the newest run went well, 0: it failed.' AS SELECT status AS value FROM run;
CREATE METRIC spark_job_last_success_timestamp_seconds TYPE gauge HELP 'Start of the newest run that went well.' AS
  SELECT epoch(started) AS value FROM run WHERE status = 1;
