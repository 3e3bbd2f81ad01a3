-- SPDX-License-Identifier: MIT
-- what the connector knows of a row
CREATE SOURCE raw_events (id BIGINT, p VARCHAR METADATA FROM 'partition', o BIGINT METADATA FROM 'offset', value BLOB METADATA FROM 'value')
WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT id, p, o, value FROM raw_events;
