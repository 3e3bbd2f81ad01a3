-- SPDX-License-Identifier: MIT
-- Table mode: DEDUP keeps the last copy, then constraints of views judge what is left.
SET execution = 'batch';
CREATE SOURCE readings (id BIGINT, value DOUBLE, unit VARCHAR, note VARCHAR)
WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');
CREATE VIEW fresh AS SELECT * FROM DEDUP(readings, id, unit, keep => 'last');
CREATE VIEW good (
  CONSTRAINT has_value EXPECT (value IS NOT NULL) ON VIOLATION QUARANTINE,
  CONSTRAINT in_range EXPECT (value BETWEEN 0 AND 100) ON VIOLATION QUARANTINE,
  CONSTRAINT short_note EXPECT (length(coalesce(note, '')) < 5) ON VIOLATION WARN,
  CONSTRAINT no_x EXPECT (unit <> 'x') ON VIOLATION DROP ROW
) AS SELECT * FROM fresh;
CREATE SINK out WITH (connector = 'console') AS SELECT id, value, unit FROM good;
CREATE SINK highest WITH (connector = 'console') AS SELECT max(value) AS value FROM good;
