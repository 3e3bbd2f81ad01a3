-- SPDX-License-Identifier: MIT

TEST 'grows';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:30', 'k': 'a', 'v': 1.0, 'n': 1});
ADVANCE CLOCK BY INTERVAL '11 seconds';
EXPECT out ROWS (k, m) VALUES ('a', 1.0);
INSERT INTO events VALUES
  ({'id': 2, 'ts': '2024-01-15 10:00:31', 'k': 'a', 'v': 3.0, 'n': 1});
ADVANCE CLOCK BY INTERVAL '11 seconds';
EXPECT out ROWS (k, m) VALUES ('a', 2.0);
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS (k, m) VALUES ('a', 2.0);
