CREATE SOURCE events (id BIGINT) WITH (
  connector = 'kafka', topic = 't', bootstrap_servers = 'h:9092',
  properties.linger.ms = 5, properties.sasl.jaas = 'never shown', sasl_password = 'nor this'
);
CREATE SINK out WITH (connector = 'console', properties.linger.ms = 5) FROM events;
