-- SPDX-License-Identifier: MIT
-- What requirement 000 asks of bronze_to_silver.sql.

TEST 'bounds are inclusive, values beside them are refused with a reason';
INSERT INTO vitals VALUES
  ({'patient_id': 'PT00001', 'timestamp': '2025-10-05T14:30:00Z', 'heart_rate': 40, 'blood_pressure_systolic': 60, 'blood_pressure_diastolic': 40, 'temperature': 35, 'spo2': 70, 'source': 'telemetry'}),
  ({'patient_id': 'PT00002', 'timestamp': '2025-10-05T14:30:00.5Z', 'heart_rate': 200, 'blood_pressure_systolic': 250, 'blood_pressure_diastolic': 150, 'temperature': 42, 'spo2': 100, 'source': 'telemetry'}),
  ({'patient_id': 'PT00003', 'timestamp': '2025-10-05T14:30:00Z', 'heart_rate': 39.9, 'blood_pressure_systolic': 120, 'blood_pressure_diastolic': 80, 'temperature': 37, 'spo2': 98, 'source': 'telemetry'}),
  ({'patient_id': 'PT00004', 'timestamp': '2025-10-05T14:30:00Z', 'heart_rate': 80, 'blood_pressure_systolic': 120, 'blood_pressure_diastolic': 80, 'temperature': 42.1, 'spo2': 101, 'source': 'telemetry'}),
  ({'patient_id': 'PT00005', 'timestamp': '2025-10-05T14:30:00Z', 'heart_rate': 80, 'blood_pressure_diastolic': 80, 'temperature': 37, 'spo2': 98, 'source': 'telemetry'});
EXPECT silver_vitals ROWS (patient_id, heart_rate, pulse_pressure, is_bradycardia, is_tachycardia, is_hypoxic) VALUES ('PT00001', 40, 20, true, false, true), ('PT00002', 200, 100, false, true, false);
EXPECT LEDGER valid_vitals (rejected => 3, rejected.invalid_heart_rate => 1, rejected.invalid_temperature => 1, rejected.invalid_spo2 => 0, rejected.missing_bp_systolic => 1);

TEST 'derived columns of vitals';
INSERT INTO vitals VALUES
  ({'patient_id': 'PT00123', 'timestamp': '2025-10-05T14:30:00Z', 'heart_rate': 82.3, 'blood_pressure_systolic': 140, 'blood_pressure_diastolic': 80, 'temperature': 38, 'spo2': 95, 'source': 'bedside_monitor', 'trial_site': 'site_01', 'trial_arm': 'control'});
EXPECT silver_vitals ROWS (patient_id, pulse_pressure, mean_arterial_pressure, is_hypertensive, is_hypotensive, is_febrile, is_hypothermic, is_hypoxic, data_quality_score, date)
  VALUES ('PT00123', 60, 100, true, false, true, false, false, 1, DATE '2025-10-05');

TEST 'the last copy of a record stays, also when it is a bad one';
INSERT INTO vitals VALUES
  ({'patient_id': 'PT00001', 'timestamp': '2025-10-05T14:30:00Z', 'heart_rate': 80, 'blood_pressure_systolic': 120, 'blood_pressure_diastolic': 80, 'temperature': 37, 'spo2': 98, 'source': 'telemetry'}),
  ({'patient_id': 'PT00001', 'timestamp': '2025-10-05T14:30:00Z', 'heart_rate': 81, 'blood_pressure_systolic': 120, 'blood_pressure_diastolic': 80, 'temperature': 37, 'spo2': 98, 'source': 'telemetry'}),
  ({'patient_id': 'PT00001', 'timestamp': '2025-10-05T14:30:00Z', 'heart_rate': 82, 'blood_pressure_systolic': 120, 'blood_pressure_diastolic': 80, 'temperature': 37, 'spo2': 98, 'source': 'icu_monitor'}),
  ({'patient_id': 'PT00002', 'timestamp': '2025-10-05T14:30:00Z', 'heart_rate': 80, 'blood_pressure_systolic': 120, 'blood_pressure_diastolic': 80, 'temperature': 37, 'spo2': 98, 'source': 'telemetry'}),
  ({'patient_id': 'PT00002', 'timestamp': '2025-10-05T14:30:00Z', 'heart_rate': 500, 'blood_pressure_systolic': 120, 'blood_pressure_diastolic': 80, 'temperature': 37, 'spo2': 98, 'source': 'telemetry'});
EXPECT silver_vitals ROWS (patient_id, heart_rate, source) VALUES ('PT00001', 81, 'telemetry'), ('PT00001', 82, 'icu_monitor');
EXPECT LEDGER distinct_vitals (rows_in => 5, duplicate => 2, passed => 3);
EXPECT LEDGER valid_vitals (rejected.invalid_heart_rate => 1);

TEST 'labs: zero stays, negative values and missing names go, names become upper case';
INSERT INTO labs VALUES
  ({'patient_id': 'PT00001', 'timestamp': '2025-10-05T14:30:00Z', 'test_name': 'Glucose', 'value': 0, 'unit': 'mg/dL', 'lab_id': 'L1'}),
  ({'patient_id': 'PT00001', 'timestamp': '2025-10-05T14:30:00Z', 'test_name': 'Glucose', 'value': -0.1, 'unit': 'mg/dL', 'lab_id': 'L2'}),
  ({'patient_id': 'PT00001', 'timestamp': '2025-10-05T14:30:00Z', 'value': 5, 'unit': 'mg/dL', 'lab_id': 'L3'});
EXPECT silver_labs ROWS (test_name, value, lab_id) VALUES ('GLUCOSE', 0, 'L1');
EXPECT LEDGER valid_labs (rejected.negative_value => 1, rejected.missing_test_name => 1);

TEST 'medications: negative dosages go, drug names become upper case';
INSERT INTO medications VALUES
  ({'patient_id': 'PT00001', 'timestamp': '2025-10-05T14:30:00Z', 'drug_name': 'Metformin', 'dosage': 500, 'unit': 'mg', 'route': 'oral', 'frequency': 'BID'}),
  ({'patient_id': 'PT00001', 'timestamp': '2025-10-05T14:30:01Z', 'drug_name': 'Metformin', 'dosage': -500, 'unit': 'mg', 'route': 'oral', 'frequency': 'BID'}),
  ({'patient_id': 'PT00001', 'timestamp': '2025-10-05T14:30:02Z', 'dosage': 500, 'unit': 'mg', 'route': 'oral', 'frequency': 'BID'});
EXPECT silver_medications ROWS (drug_name, dosage) VALUES ('METFORMIN', 500);
EXPECT LEDGER valid_medications (rejected.negative_dosage => 1, rejected.missing_drug_name => 1);

TEST 'adverse events: severity grades become scores';
INSERT INTO adverse_events VALUES
  ({'patient_id': 'PT00001', 'event_timestamp': '2025-10-05T14:30:00Z', 'event_type': 'arrhythmia', 'severity': 'grade_3', 'reported_by': 'nurse', 'report_timestamp': '2025-10-05T15:00:00Z'}),
  ({'patient_id': 'PT00002', 'event_timestamp': '2025-10-05T14:30:00Z', 'event_type': 'arrhythmia', 'severity': 'grade_5', 'reported_by': 'nurse'}),
  ({'patient_id': 'PT00003', 'event_timestamp': '2025-10-05T14:30:00Z', 'event_type': 'arrhythmia', 'reported_by': 'nurse'});
EXPECT silver_adverse_events ROWS (patient_id, event_type, severity, severity_score) VALUES ('PT00001', 'ARRHYTHMIA', 'grade_3', 3);
EXPECT LEDGER valid_adverse_events (rejected.invalid_severity => 1, rejected.missing_severity => 1);

TEST 'what cannot be parsed is invalid and stops nothing';
INSERT INTO medications VALUES ('not a record'), ('[1, 2]'), ('{"patient_id":"PT00001","timestamp":"yesterday"}'),
  ({'patient_id': 'PT00001', 'timestamp': '2025-10-05T14:30:00Z', 'drug_name': 'Aspirin', 'dosage': 81});
EXPECT silver_medications ROWS (drug_name) VALUES ('ASPIRIN');
EXPECT LEDGER medications (rows_in => 4, undecodable => 3, passed => 1);
