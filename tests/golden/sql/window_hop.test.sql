-- SPDX-License-Identifier: MIT

TEST 'two windows a row';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:30', 'k': 'a', 'v': 1.0, 'n': 1}),
  ({'id': 2, 'ts': '2024-01-15 10:01:00', 'k': 'a', 'v': 2.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS VALUES
  (TIMESTAMP '2024-01-15 09:59:00', TIMESTAMP '2024-01-15 10:01:00', 1, 1.0),
  (TIMESTAMP '2024-01-15 10:00:00', TIMESTAMP '2024-01-15 10:02:00', 2, 3.0),
  (TIMESTAMP '2024-01-15 10:01:00', TIMESTAMP '2024-01-15 10:03:00', 1, 2.0);

TEST 'late only when all its windows have closed';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:30', 'k': 'a', 'v': 1.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 10:02:30';
INSERT INTO events VALUES
  ({'id': 2, 'ts': '2024-01-15 10:00:40', 'k': 'a', 'v': 2.0, 'n': 1});
INSERT INTO events VALUES
  ({'id': 3, 'ts': '2024-01-15 09:59:30', 'k': 'a', 'v': 4.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS (window_start, rows, v) VALUES (TIMESTAMP '2024-01-15 09:59:00', 1, 1.0), (TIMESTAMP '2024-01-15 10:00:00', 2, 3.0);
EXPECT LEDGER out (late => 1);
