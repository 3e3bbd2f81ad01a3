-- args: -D WHERE="it's; --"
CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SINK out WITH (connector = 'files', path = 'x', formt = '${WHERE}') AS SELECT '${WHERE}' AS a FROM event;
