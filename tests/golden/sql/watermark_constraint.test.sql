-- SPDX-License-Identifier: MIT

TEST 'a bad row from far ahead';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 1}),
  ({'id': 2, 'ts': '2024-01-15 18:00:00', 'k': NULL, 'v': 1.0, 'n': 1});
INSERT INTO events VALUES
  ({'id': 3, 'ts': '2024-01-15 10:00:02', 'k': 'a', 'v': 1.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS VALUES (TIMESTAMP '2024-01-15 10:00:00', 2);
EXPECT LEDGER out (late => 0);
