-- command: check --json
CREATE SOURCE events (
  id BIGINT,
  kind VARCHAR,
  at_time TIMESTAMP,
  CONSTRAINT has_id EXPECT (idd IS NOT NULL) ON VIOLATION DROP ROW,
  WATERMARK FOR at_time AS at_time - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in', format = 'json');
CREATE VIEW fresh AS SELECT * FROM DEDUP(events, id);
CREATE SINK late WITH (connector = 'files', path = 'late', format = 'json');
CREATE SINK rows WITH (connector = 'files', path = 'rows', format = 'json', roll_age = '5 seconds') FROM frsh;
CREATE SINK shown WITH (connector = 'console') AS SELECT id FROM frsh;
CREATE SINK minutes WITH (connector = 'files', path = 'out', format = 'parquet') LATE INTO late AS
SELECT window_start, kind, count(*) AS n FROM TUMBLE(fresh, at_time, INTERVAL '1 minute') GROUP BY ALL;
