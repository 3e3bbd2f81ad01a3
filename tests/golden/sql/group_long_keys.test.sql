-- SPDX-License-Identifier: MIT

TEST 'equal beginnings';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a long key with an end 1', 'v': 1.0, 'n': 1}),
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': 'a long key with an end 2', 'v': 1.0, 'n': 1}),
  ({'id': 3, 'ts': '2024-01-15 10:00:03', 'k': 'a long key with an end 1', 'v': 1.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS (k, rows) VALUES ('a long key with an end 1', 2), ('a long key with an end 2', 1);
