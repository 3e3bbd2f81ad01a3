-- SPDX-License-Identifier: MIT

TEST 'judged after WHERE';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 1}),
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': 'a', 'v': 9.0, 'n': 1}),
  ({'id': 3, 'ts': '2024-01-15 10:00:03', 'k': 'a', 'v': 1.0, 'n': 1}),
  ({'id': 4, 'ts': '2024-01-15 10:00:04', 'k': 'a', 'v': 9.0, 'n': 1});
EXPECT out ROWS VALUES (1), (3);
EXPECT LEDGER checked (rows_in => 4, filtered => 1, rejected.small => 1);
