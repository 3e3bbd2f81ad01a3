-- SPDX-License-Identifier: MIT

TEST 'NULL in one key, in both';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': NULL, 'v': 1.0, 'n': 1}),
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': NULL, 'v': 1.0, 'n': 1}),
  ({'id': 3, 'ts': '2024-01-15 10:00:03', 'k': NULL, 'v': 1.0, 'n': NULL}),
  ({'id': 4, 'ts': '2024-01-15 10:00:04', 'k': '', 'v': 1.0, 'n': NULL}),
  ({'id': 5, 'ts': '2024-01-15 10:00:05', 'k': NULL, 'v': 1.0, 'n': NULL});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS (k, n, rows) VALUES (NULL, 1, 2), (NULL, NULL, 2), ('', NULL, 1);
