-- SPDX-License-Identifier: MIT

TEST 'nothing before';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 1});
ADVANCE CLOCK BY INTERVAL '1 hour';
EXPECT out EMPTY;
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS VALUES (TIMESTAMP '2024-01-15 10:00:00', 1);
