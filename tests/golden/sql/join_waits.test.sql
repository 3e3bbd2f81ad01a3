-- SPDX-License-Identifier: MIT

TEST 'one side ahead';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'x', 'v': 1.0, 'n': 1}),
  ({'id': 2, 'ts': '2024-01-15 11:00:00', 'k': 'y', 'v': 2.0, 'n': 1});
EXPECT out EMPTY;
INSERT INTO others VALUES
  ({'id': 3, 'ts': '2024-01-15 10:00:03', 'k': 'x', 'v': 4.0, 'n': 1});
EXPECT out EMPTY;
INSERT INTO others VALUES
  ({'id': 4, 'ts': '2024-01-15 11:00:00', 'k': 'q', 'v': 1.0, 'n': 1});
EXPECT out ROWS VALUES (TIMESTAMP '2024-01-15 10:00:00', 'x', 1, 4.0);
