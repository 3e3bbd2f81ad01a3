-- SPDX-License-Identifier: MIT

TEST 'by arrival';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 10}),
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': 'a', 'v': 2.0, 'n': 20}),
  ({'id': 3, 'ts': '2024-01-15 10:00:03', 'k': 'a', 'v': 4.0, 'n': NULL}),
  ({'id': 4, 'ts': '2024-01-15 10:00:04', 'k': 'b', 'v': 8.0, 'n': 40}),
  ({'id': 5, 'ts': '2024-01-15 10:01:05', 'k': 'a', 'v': 16.0, 'n': 50});
EXPECT out ROWS VALUES ('a', 5), ('b', 4);
