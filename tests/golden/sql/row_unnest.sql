-- SPDX-License-Identifier: MIT
-- UNNEST makes a row of each element
CREATE SOURCE tagged (id BIGINT, tags VARCHAR[]) WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT id, unnest(tags) AS tag FROM tagged;
