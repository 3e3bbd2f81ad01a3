-- SPDX-License-Identifier: MIT

TEST 'before the close';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 1});
ADVANCE CLOCK BY INTERVAL '11 seconds';
EXPECT out ROWS (k, rows) VALUES ('a', 1);
INSERT INTO events VALUES
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': 'a', 'v': 1.0, 'n': 1}),
  ({'id': 3, 'ts': '2024-01-15 10:00:03', 'k': 'b', 'v': 1.0, 'n': 1});
ADVANCE CLOCK BY INTERVAL '11 seconds';
EXPECT out ROWS (k, rows) VALUES ('a', 2), ('b', 1);

TEST 'the last word at the close';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 1});
ADVANCE CLOCK BY INTERVAL '11 seconds';
INSERT INTO events VALUES
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': 'a', 'v': 1.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS (k, rows) VALUES ('a', 2);
