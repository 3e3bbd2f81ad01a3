-- SPDX-License-Identifier: MIT
-- Quarantine as JSON lines, for tools/torture: one line a refused row, its bytes as base64.
SET execution = 'batch';
SET checkpoint = '${FOLDER}/quarantine-checkpoint';

CREATE SOURCE quarantine (raw BLOB) WITH (
  connector = 'files', path = '${FOLDER}/checkpoint/quarantine/**/*.parquet', format = 'parquet'
);

CREATE SINK lines WITH (connector = 'files', path = '${FOLDER}/quarantine-out', format = 'json') AS
SELECT base64(raw) AS raw FROM quarantine;
