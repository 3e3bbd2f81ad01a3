-- SPDX-License-Identifier: MIT

TEST 'half past the quarter';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:14:59.999999', 'k': 'a', 'v': 1.0, 'n': 1}),
  ({'id': 2, 'ts': '2024-01-15 10:15:00', 'k': 'a', 'v': 2.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS VALUES (TIMESTAMP '2024-01-15 09:15:00', TIMESTAMP '2024-01-15 10:15:00', 1), (TIMESTAMP '2024-01-15 10:15:00', TIMESTAMP '2024-01-15 11:15:00', 1);
