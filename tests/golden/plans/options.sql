-- args: -D S3_BUCKET=bucket
CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, amount DOUBLE, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
CREATE SINK a WITH (connector = ('con' || 'sole'), enabled = ('${S3_BUCKET:-}' <> ''), topic = 'ignored', bootstrap_servers = 'ignored') FROM events;
CREATE SINK b WITH (connector = 'files', path = 'out', enabled = ('${S3_BUCKET:-}' = '')) FROM events;
