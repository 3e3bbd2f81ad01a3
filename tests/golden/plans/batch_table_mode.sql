-- args: --batch
CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, amount DOUBLE, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE VIEW per_city AS SELECT city, sum(amount) AS total FROM events GROUP BY city;
CREATE VIEW unused AS SELECT 1 AS one FROM events;
CREATE SINK lost WITH (connector = 'console');
CREATE SINK out WITH (connector = 'console') LATE INTO lost AS SELECT * FROM per_city QUALIFY row_number() OVER (ORDER BY total DESC) <= 3 ORDER BY total;
