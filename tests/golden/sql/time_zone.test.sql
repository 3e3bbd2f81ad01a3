-- SPDX-License-Identifier: MIT

TEST 'one row';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:30:01', 'k': 'a', 'v': 1.0, 'n': 1});
EXPECT out ROWS VALUES (1, '10:30', TIMESTAMP '2024-01-15 10:00:00', 1705314601000);
