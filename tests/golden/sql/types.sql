-- SPDX-License-Identifier: MIT
-- types of all kinds pass through
CREATE SOURCE typed (id BIGINT, d DATE, u UUID, dec DECIMAL(10, 2), l DOUBLE[], st STRUCT(a INTEGER, b VARCHAR), m MAP(VARCHAR, INTEGER))
WITH (connector = 'files', path = 'in/*.jsonl', format = 'json');

CREATE SINK out WITH (connector = 'console') AS
SELECT id, d, u, dec, l, st, m FROM typed;
