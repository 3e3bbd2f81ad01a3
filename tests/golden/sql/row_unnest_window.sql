-- SPDX-License-Identifier: MIT
-- elements counted by window
CREATE SOURCE tagged (ts TIMESTAMP, tags VARCHAR[], WATERMARK FOR ts AS ts - INTERVAL '1 minute')
WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE VIEW elements AS SELECT ts, unnest(tags) AS tag FROM tagged;
CREATE SINK out WITH (connector = 'console') AS
SELECT window_start, tag, count(*) AS rows FROM TUMBLE(elements, ts, INTERVAL '1 minute') GROUP BY window_start, tag;
