-- SPDX-License-Identifier: MIT

TEST 'one is left';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 1}),
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': NULL, 'v': 1.0, 'n': 1}),
  ({'id': 3, 'ts': '2024-01-15 10:00:03', 'k': 'b', 'v': -1.0, 'n': 1}),
  ({'id': 4, 'ts': '2024-01-15 10:00:04', 'k': NULL, 'v': NULL, 'n': 1});
EXPECT out ROWS VALUES (1);
EXPECT LEDGER events (rows_in => 4, passed => 1, rejected => 3, rejected.has_k => 2, rejected.positive => 1);
