-- SPDX-License-Identifier: MIT

TEST 'one is left';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 1}),
  ({'id': 2, 'ts': NULL, 'k': 'a', 'v': 1.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS VALUES (TIMESTAMP '2024-01-15 10:00:00', 1);
EXPECT LEDGER events (rows_in => 2, passed => 2);
