CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = ('a' || ));
CREATE SINK out WITH (connector = 'console', enabled = (id > 0)) AS SELECT * FROM events;
CREATE SINK two WITH (connector = 'console', enabled = (NULL)) AS SELECT * FROM events;
