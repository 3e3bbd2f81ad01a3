CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM events;
CREATE METRIC m TYPE gauge AS SELECT 1;
CREATE METRIC m TYPE histogram AS SELECT 1 AS value;
CREATE METRIC m TYPE counter AS SELECT rows_ind AS value FROM ledger;
