CREATE SOURCE events (id BIGINT WITH (connector = 'files', path = 'x');
CREATE VIEW v AS SELECT id FROM events;
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM v;
