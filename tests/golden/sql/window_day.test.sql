-- SPDX-License-Identifier: MIT

TEST 'midnight begins a day';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '1969-12-31 23:59:59', 'k': 'a', 'v': 1.0, 'n': 1}),
  ({'id': 2, 'ts': '1970-01-01 00:00:00', 'k': 'a', 'v': 1.0, 'n': 1}),
  ({'id': 3, 'ts': '2024-02-29 12:00:00', 'k': 'a', 'v': 1.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-03-02 00:00:00';
EXPECT out ROWS VALUES (TIMESTAMP '1969-12-31 00:00:00', 1), (TIMESTAMP '1970-01-01 00:00:00', 1), (TIMESTAMP '2024-02-29 00:00:00', 1);
