-- SPDX-License-Identifier: MIT

TEST 'matches and misses';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'x', 'v': 1.0, 'n': 1}),
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': 'y', 'v': 2.0, 'n': 1});
INSERT INTO others VALUES
  ({'id': 3, 'ts': '2024-01-15 10:00:03', 'k': 'y', 'v': 4.0, 'n': 1}),
  ({'id': 4, 'ts': '2024-01-15 10:00:04', 'k': 'z', 'v': 8.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS (k, rows, v) VALUES ('x', 1, NULL), ('y', 1, 4.0), ('z', NULL, 8.0);
