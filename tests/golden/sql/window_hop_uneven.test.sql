-- SPDX-License-Identifier: MIT

TEST 'one or two windows a row';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:30', 'k': 'a', 'v': 1.0, 'n': 1}),
  ({'id': 2, 'ts': '2024-01-15 10:01:30', 'k': 'a', 'v': 2.0, 'n': 1}),
  ({'id': 3, 'ts': '2024-01-15 10:02:00', 'k': 'a', 'v': 2.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS VALUES (TIMESTAMP '2024-01-15 09:58:00', 1), (TIMESTAMP '2024-01-15 10:00:00', 3), (TIMESTAMP '2024-01-15 10:02:00', 1);
