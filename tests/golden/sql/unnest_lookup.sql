-- SPDX-License-Identifier: MIT
-- UNNEST in one view, a lookup in the next
CREATE SOURCE tagged (id BIGINT, tags VARCHAR[]) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE TABLE names AS SELECT * FROM (VALUES ('a', 'Anna'), ('b', 'Bert')) AS t(k, name);
CREATE VIEW elements AS SELECT id, unnest(tags) AS tag FROM tagged WHERE id > 0;
CREATE SINK out WITH (connector = 'console') AS
SELECT e.id, n.name FROM elements e JOIN names n ON n.k = e.tag;
