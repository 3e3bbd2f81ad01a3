-- SPDX-License-Identifier: MIT

TEST 'six rows';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'x', 'v': 1.0, 'n': 1}),
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': 'y', 'v': 1.0, 'n': 1}),
  ({'id': 3, 'ts': '2024-01-15 10:00:03', 'k': 'y', 'v': 2.0, 'n': 1}),
  ({'id': 4, 'ts': '2024-01-15 10:00:04', 'k': 'z', 'v': 3.0, 'n': 2}),
  ({'id': 5, 'ts': '2024-01-15 10:00:05', 'k': 'z', 'v': 3.0, 'n': 2}),
  ({'id': 6, 'ts': '2024-01-15 10:00:06', 'k': 'z', 'v': 3.0, 'n': 2});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS (most, two, all_v) VALUES ('z', ['z', 'y'], [3.0, 1.0, 2.0]);

TEST 'ties are in order of the value';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'q', 'v': 1.0, 'n': 1}),
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': 'p', 'v': 1.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS (two) VALUES (['p', 'q']);
