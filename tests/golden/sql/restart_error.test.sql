-- SPDX-License-Identifier: MIT

TEST 'committed rows stay';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 1});
EXPECT out ROWS VALUES (1);
INSERT INTO events VALUES
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': NULL, 'v': 1.0, 'n': 1});
EXPECT ERROR 'has_k';
