CREATE SOURCE plain (id BIGINT, at_time TIMESTAMP) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT window_start, count(*) AS n FROM TUMBLE(plain, at_time, INTERVAL '1 minute') GROUP BY ALL;
