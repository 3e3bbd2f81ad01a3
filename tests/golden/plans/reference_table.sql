CREATE TABLE cities AS SELECT * FROM (VALUES ('x', 1), ('y', 2)) AS t(city, rank);
CREATE MACRO twice(n) AS n * 2;
CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, amount DOUBLE, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SINK out WITH (connector = 'console') AS SELECT e.id, twice(c.rank) AS r FROM events e LEFT JOIN cities c ON c.city = e.city;
