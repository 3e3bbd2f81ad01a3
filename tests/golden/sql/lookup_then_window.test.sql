-- SPDX-License-Identifier: MIT

TEST 'grouped by what was looked up';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 1}),
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': 'a', 'v': 2.0, 'n': 1}),
  ({'id': 3, 'ts': '2024-01-15 10:00:03', 'k': 'c', 'v': 4.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS (name, v) VALUES ('Anna', 3.0), (NULL, 4.0);
