-- SPDX-License-Identifier: MIT

TEST 'before the close';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 1});
ADVANCE CLOCK BY INTERVAL '11 seconds';
EXPECT out ROWS (k, rows) VALUES ('a', 1);
