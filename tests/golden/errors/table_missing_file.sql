CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE TABLE cities AS SELECT * FROM read_csv('no_such_file.csv');
CREATE SINK out WITH (connector = 'console') AS SELECT e.id, c.name FROM events e LEFT JOIN cities c ON c.city = e.city;
