-- args: -D "NAME=it's" -D N=5 -D COL=city -D DB_PASSWORD=hunter2 -- first
CREATE SOURCE events (id BIGINT, time TIMESTAMP, city VARCHAR, amount DOUBLE, WATERMARK FOR time AS time - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl');
SET lanes = ${N};
SET quarantine = '${1}/${NO_SUCH:-default of ${N}}';
CREATE SINK out WITH (connector = 'console') AS
  SELECT ${COL}, '${NAME}' AS quoted, id + ${N} AS more, '${NAME:+set}' AS a, '${NO_SUCH:+set}' AS b, '$${KEPT}' AS c
  FROM events WHERE city <> '${NAME}';
