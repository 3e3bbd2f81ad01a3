SET execution = 'batch';
CREATE SOURCE events (id BIGINT, city VARCHAR) WITH (connector = 'files', path = 'in/*.jsonl');
CREATE VIEW counted (CONSTRAINT some EXPECT (n > 0)) AS SELECT city, count(*) AS n FROM events GROUP BY city;
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM counted;
