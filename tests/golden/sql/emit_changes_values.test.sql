-- SPDX-License-Identifier: MIT

TEST 'windows take turns: open, closed, open again';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:30', 'u': 'a'}), ({'id': 2, 'ts': '2024-01-15 10:01:10', 'u': 'b'});
ADVANCE CLOCK BY INTERVAL '11 seconds';
EXPECT out ROWS VALUES
  (TIMESTAMP '2024-01-15 09:59:00', 1, ['a']), (TIMESTAMP '2024-01-15 10:00:00', 2, ['a', 'b']),
  (TIMESTAMP '2024-01-15 10:01:00', 1, ['b']);
INSERT INTO events VALUES
  ({'id': 3, 'ts': '2024-01-15 10:02:10', 'u': 'c'}), ({'id': 4, 'ts': '2024-01-15 10:01:50', 'u': 'c'}),
  ({'id': 5, 'ts': '2024-01-15 10:00:50', 'u': 'a'});
ADVANCE TIME TO TIMESTAMP '2024-01-15 10:02:10';
ADVANCE CLOCK BY INTERVAL '11 seconds';
INSERT INTO events VALUES
  ({'id': 6, 'ts': '2024-01-15 10:00:10', 'u': 'd'}), ({'id': 7, 'ts': '2024-01-15 10:03:10', 'u': 'b'});
ADVANCE CLOCK BY INTERVAL '11 seconds';
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS VALUES
  (TIMESTAMP '2024-01-15 09:59:00', 1, ['a']), (TIMESTAMP '2024-01-15 10:00:00', 4, ['a', 'b']),
  (TIMESTAMP '2024-01-15 10:01:00', 2, ['c', 'b']), (TIMESTAMP '2024-01-15 10:02:00', 2, ['b', 'c']),
  (TIMESTAMP '2024-01-15 10:03:00', 1, ['b']);
