-- command: run --once --wait-for postgres
CREATE SOURCE events (id BIGINT)
WITH (connector = 'kafka', topic = 't', bootstrap_servers = '127.0.0.1:1, localhost:1');
CREATE SINK shown WITH (connector = 'console') FROM events;
