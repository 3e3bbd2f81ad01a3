-- SPDX-License-Identifier: MIT

TEST 'an old row moves nothing';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:05:00', 'k': 'a', 'v': 1.0, 'n': 1});
INSERT INTO events VALUES
  ({'id': 2, 'ts': '2024-01-15 10:04:00', 'k': 'a', 'v': 1.0, 'n': 1});
INSERT INTO events VALUES
  ({'id': 3, 'ts': '2024-01-15 10:02:30', 'k': 'a', 'v': 1.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS VALUES (TIMESTAMP '2024-01-15 10:05:00', 1), (TIMESTAMP '2024-01-15 10:04:00', 1);
EXPECT LEDGER out (late => 1);
