-- SPDX-License-Identifier: MIT
-- bronze.sql: bytes pass unchanged; what is no JSON object is kept aside.

TEST 'the bytes of a record are not touched';
INSERT INTO vitals_raw VALUES ('{"patient_id": "PT00001",  "heart_rate":82.30}'), ('{"patient_id":"PT00002"}');
EXPECT bronze_vitals ROWS (raw) VALUES ('{"patient_id": "PT00001",  "heart_rate":82.30}'::BLOB), ('{"patient_id":"PT00002"}'::BLOB);
EXPECT bronze_labs EMPTY;

TEST 'a record that is no JSON stops nothing';
INSERT INTO labs_raw VALUES ('oops'), ('{"patient_id":"PT00001"}'), ('[1]');
EXPECT bronze_labs ROWS (raw) VALUES ('{"patient_id":"PT00001"}'::BLOB);
EXPECT LEDGER labs_raw (rows_in => 3, undecodable => 2);
