-- SPDX-License-Identifier: MIT

TEST 'in one trigger and in two';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 1}),
  ({'id': 1, 'ts': '2024-01-15 10:00:02', 'k': 'a', 'v': 2.0, 'n': 1}),
  ({'id': 1, 'ts': '2024-01-15 10:00:03', 'k': 'b', 'v': 3.0, 'n': 1});
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:04', 'k': 'a', 'v': 4.0, 'n': 1}),
  ({'id': 2, 'ts': '2024-01-15 10:00:05', 'k': 'a', 'v': 5.0, 'n': 1});
EXPECT out ROWS VALUES (1, 'a', 1.0), (1, 'b', 3.0), (2, 'a', 5.0);
EXPECT LEDGER fresh (rows_in => 5, duplicate => 2, passed => 3);

TEST 'NULL is a key too';
INSERT INTO events VALUES
  ({'id': NULL, 'ts': '2024-01-15 10:00:01', 'k': NULL, 'v': 1.0, 'n': 1}),
  ({'id': NULL, 'ts': '2024-01-15 10:00:02', 'k': NULL, 'v': 2.0, 'n': 1});
EXPECT out ROWS VALUES (NULL, NULL, 1.0);
