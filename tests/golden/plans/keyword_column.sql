-- Quoted, keywords are names like any other, also as arguments of DEDUP, TUMBLE and HOP.
CREATE SOURCE events (
  id BIGINT,
  "at" TIMESTAMP,
  "order" BIGINT,
  "group" VARCHAR,
  WATERMARK FOR "at" AS "at" - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in', format = 'json');
CREATE VIEW fresh AS SELECT * FROM DEDUP(events, id, "order");
CREATE SINK minutes WITH (connector = 'console') AS
SELECT window_start, "group", count(*) AS n
FROM TUMBLE(fresh, "at", INTERVAL '1 minute') GROUP BY window_start, "group";
CREATE SINK hops WITH (connector = 'console') AS
SELECT window_start, "order", max("at") AS "at"
FROM HOP(fresh, "at", INTERVAL '1 minute', INTERVAL '2 minutes') GROUP BY ALL;
