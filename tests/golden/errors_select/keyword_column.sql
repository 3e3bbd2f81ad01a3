-- Names that are keywords must be quoted; the message says so at the name itself.
CREATE SOURCE events (
  id BIGINT,
  "at" TIMESTAMP,
  "order" BIGINT,
  "group" VARCHAR,
  twice BIGINT AS (orders),
  CONSTRAINT ordered EXPECT (order > 0),
  WATERMARK FOR "at" AS "at" - INTERVAL '1 minute'
) WITH (connector = 'files', path = 'in', format = 'json');
CREATE VIEW fresh AS SELECT * FROM DEDUP(events, id, order);
CREATE VIEW again AS SELECT * FROM DEDUP(events, "order", at);
CREATE SINK minutes WITH (connector = 'console') AS
SELECT window_start, count(*) AS n FROM TUMBLE(fresh, at, INTERVAL '1 minute') GROUP BY ALL;
CREATE SINK hops WITH (connector = 'console') AS
SELECT window_start, "group", count(*) AS n
FROM HOP(again, at, INTERVAL '1 minute', INTERVAL '2 minutes') GROUP BY ALL;
CREATE SINK plain WITH (connector = 'console') AS SELECT id, group FROM events;
