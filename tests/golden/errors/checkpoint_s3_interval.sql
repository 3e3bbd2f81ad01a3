SET checkpoint = 's3://bucket/prefix';
SET commit_interval = INTERVAL '100 milliseconds';
SET quarantine = 's3://bucket/elsewhere';
CREATE SOURCE events (event_id BIGINT) WITH (connector = 'generator', rows = 1);
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM events;
