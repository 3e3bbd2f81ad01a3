-- SPDX-License-Identifier: MIT
-- all forms of a time, always UTC
CREATE SOURCE times (id BIGINT, t TIMESTAMP, ms TIMESTAMP FORMAT 'unix_ms', s TIMESTAMP FORMAT 'unix_s', us TIMESTAMP FORMAT 'unix_us')
WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT id, t, ms, s, us FROM times;
