-- SPDX-License-Identifier: MIT

TEST 'copies in later triggers';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 10}),
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': 'a', 'v': 2.0, 'n': 20}),
  ({'id': 3, 'ts': '2024-01-15 10:00:03', 'k': 'a', 'v': 4.0, 'n': NULL}),
  ({'id': 4, 'ts': '2024-01-15 10:00:04', 'k': 'b', 'v': 8.0, 'n': 40}),
  ({'id': 5, 'ts': '2024-01-15 10:01:05', 'k': 'a', 'v': 16.0, 'n': 50});
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 10}),
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': 'a', 'v': 2.0, 'n': 20}),
  ({'id': 3, 'ts': '2024-01-15 10:00:03', 'k': 'a', 'v': 4.0, 'n': NULL}),
  ({'id': 4, 'ts': '2024-01-15 10:00:04', 'k': 'b', 'v': 8.0, 'n': 40}),
  ({'id': 5, 'ts': '2024-01-15 10:01:05', 'k': 'a', 'v': 16.0, 'n': 50});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT minutes ROWS VALUES (TIMESTAMP '2024-01-15 10:00:00', 3), (TIMESTAMP '2024-01-15 10:01:00', 1);
EXPECT hours ROWS VALUES (TIMESTAMP '2024-01-15 10:00:00', 5);
EXPECT LEDGER fresh (rows_in => 10, duplicate => 5);
