-- SPDX-License-Identifier: MIT

TEST 'none, one, two';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 1}),
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': 'b', 'v': 1.0, 'n': 1}),
  ({'id': 3, 'ts': '2024-01-15 10:00:03', 'k': 'c', 'v': 1.0, 'n': 1}),
  ({'id': 4, 'ts': '2024-01-15 10:00:04', 'k': NULL, 'v': 1.0, 'n': 1});
EXPECT out ROWS VALUES (1, 'Anna'), (2, 'Bert'), (2, 'Bob');
