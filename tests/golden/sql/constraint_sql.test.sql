-- SPDX-License-Identifier: MIT

TEST 'lengths and patterns';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'abc', 'v': 1.0, 'n': 1}),
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': 'ab', 'v': 1.0, 'n': 1}),
  ({'id': 3, 'ts': '2024-01-15 10:00:03', 'k': 'xbc', 'v': 1.0, 'n': 1}),
  ({'id': 4, 'ts': '2024-01-15 10:00:04', 'k': NULL, 'v': 1.0, 'n': 1});
EXPECT out ROWS VALUES (1);
EXPECT LEDGER events (rejected.long => 2, rejected.begins => 1);
