-- SPDX-License-Identifier: MIT

TEST 'infinity is the largest';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 1}),
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': 'a', 'v': 2.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS (m, l) VALUES ('Infinity'::DOUBLE, 1.0);
