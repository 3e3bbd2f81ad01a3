-- SPDX-License-Identifier: MIT

TEST 'drop beats warn';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': NULL, 'v': 1.0, 'n': 1}),
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': NULL, 'v': -1.0, 'n': 1}),
  ({'id': 3, 'ts': '2024-01-15 10:00:03', 'k': 'a', 'v': -1.0, 'n': 1});
EXPECT out ROWS VALUES (1);
EXPECT LEDGER events (passed => 1, rejected => 2);
