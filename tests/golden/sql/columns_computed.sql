-- SPDX-License-Identifier: MIT
-- computed columns, columns from elsewhere in the record
CREATE SOURCE devices (
  id BIGINT, battery INTEGER FROM 'meta.battery', location STRUCT(city VARCHAR, lat DOUBLE),
  city VARCHAR AS (location.city), twice DOUBLE AS (location.lat * 2)
) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT id, battery, city, twice FROM devices;
