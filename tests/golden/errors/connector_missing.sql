CREATE SOURCE events (id BIGINT) WITH (path = 'x');
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM events;
