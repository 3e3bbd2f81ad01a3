-- SPDX-License-Identifier: MIT

TEST 'a jump';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 1}),
  ({'id': 2, 'ts': '2024-01-15 10:01:01', 'k': 'a', 'v': 1.5, 'n': 1}),
  ({'id': 3, 'ts': '2024-01-15 10:02:01', 'k': 'a', 'v': 9.0, 'n': 1}),
  ({'id': 4, 'ts': '2024-01-15 10:02:02', 'k': 'b', 'v': 9.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS VALUES ('a', 9.0);
