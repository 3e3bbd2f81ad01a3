-- SPDX-License-Identifier: MIT

TEST 'all at once';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 1}),
  ({'id': 2, 'ts': '2024-01-15 10:01:01', 'k': 'a', 'v': 2.0, 'n': 1}),
  ({'id': 3, 'ts': '2024-01-15 10:02:01', 'k': 'a', 'v': 4.0, 'n': 1}),
  ({'id': 4, 'ts': '2024-01-15 10:02:01', 'k': 'b', 'v': 8.0, 'n': 1}),
  ({'id': 5, 'ts': '2024-01-15 10:03:01', 'k': 'a', 'v': 16.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS (k, v, two, before) VALUES ('a', 1.0, 1.0, 0), ('a', 2.0, 3.0, 1), ('a', 4.0, 6.0, 2), ('a', 16.0, 20.0, 2), ('b', 8.0, 8.0, 0);

TEST 'window by window';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 10:02:00';
EXPECT out ROWS (two) VALUES (1.0);
INSERT INTO events VALUES
  ({'id': 2, 'ts': '2024-01-15 10:02:01', 'k': 'a', 'v': 2.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 10:10:00';
EXPECT out ROWS (v, two, before) VALUES (1.0, 1.0, 0), (2.0, 3.0, 1);
