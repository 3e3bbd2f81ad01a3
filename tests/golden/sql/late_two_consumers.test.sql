-- SPDX-License-Identifier: MIT

TEST 'judged by each';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:05:00', 'k': 'a', 'v': 1.0, 'n': 1});
INSERT INTO events VALUES
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': 'b', 'v': 2.0, 'n': 7});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT minutes ROWS VALUES (TIMESTAMP '2024-01-15 10:05:00', 1);
EXPECT hours ROWS VALUES (TIMESTAMP '2024-01-15 10:00:00', 2);
EXPECT LEDGER minutes (late => 1); EXPECT LEDGER hours (late => 0);
