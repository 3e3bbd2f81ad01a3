CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM events;
REPORT ON STDOUT TEMPLATE '{rows} {rest}' AS SELECT sum(rows_in) AS rows FROM ledger;
REPORT ON STDOUT AS SELECT relation, rows_in FROM ledger;
REPORT ON PAPER AS SELECT 1;
