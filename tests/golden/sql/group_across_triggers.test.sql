-- SPDX-License-Identifier: MIT

TEST 'three triggers';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': NULL});
EXPECT out EMPTY;
INSERT INTO events VALUES
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': 'a', 'v': 2.0, 'n': 7});
INSERT INTO events VALUES
  ({'id': 3, 'ts': '2024-01-15 10:00:03', 'k': 'a', 'v': 4.0, 'n': 5});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS (k, rows, v, f, l, n) VALUES ('a', 3, 7.0, 1, 3, 5);
