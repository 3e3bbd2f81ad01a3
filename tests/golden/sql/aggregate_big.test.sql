-- SPDX-License-Identifier: MIT

TEST 'two of the largest';
INSERT INTO events VALUES
  ({'id': 9223372036854775807, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 1}),
  ({'id': 9223372036854775807, 'ts': '2024-01-15 10:00:02', 'k': 'a', 'v': 1.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS (s) VALUES (18446744073709551614);
