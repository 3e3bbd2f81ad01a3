-- SPDX-License-Identifier: MIT

TEST 'the slower one holds it';
INSERT INTO events PARTITION 0 VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 1});
INSERT INTO events PARTITION 1 VALUES
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': 'a', 'v': 1.0, 'n': 1});
INSERT INTO events PARTITION 0 VALUES
  ({'id': 3, 'ts': '2024-01-15 10:05:00', 'k': 'a', 'v': 1.0, 'n': 1});
EXPECT out EMPTY;
INSERT INTO events PARTITION 1 VALUES
  ({'id': 4, 'ts': '2024-01-15 10:05:00', 'k': 'a', 'v': 1.0, 'n': 1});
EXPECT out ROWS VALUES (TIMESTAMP '2024-01-15 10:00:00', 2);
