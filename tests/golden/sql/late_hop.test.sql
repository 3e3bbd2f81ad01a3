-- SPDX-License-Identifier: MIT

TEST 'one of two';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:03:30', 'k': 'a', 'v': 1.0, 'n': 1});
INSERT INTO events VALUES
  ({'id': 2, 'ts': '2024-01-15 10:01:30', 'k': 'a', 'v': 1.0, 'n': 1}),
  ({'id': 3, 'ts': '2024-01-15 10:00:30', 'k': 'a', 'v': 1.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT late ROWS (id) VALUES (3);
EXPECT out ROWS VALUES (TIMESTAMP '2024-01-15 10:01:00', 1), (TIMESTAMP '2024-01-15 10:02:00', 1), (TIMESTAMP '2024-01-15 10:03:00', 1);
