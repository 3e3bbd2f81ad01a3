-- SPDX-License-Identifier: MIT

TEST 'values enter and leave with their rows, and a row late for one window counts in the next';
INSERT INTO events VALUES
  ({'ts': '2024-01-15 10:00:10', 'k': 'a', 'u': 'a user with a long name', 'n': 1, 'tags': ['x', 'y', 'x']}),
  ({'ts': '2024-01-15 10:00:20', 'k': 'a', 'u': 'bob', 'n': 2, 'tags': ['y', NULL]}),
  ({'ts': '2024-01-15 10:01:10', 'k': 'a', 'u': 'bob', 'n': 3, 'tags': []}),
  ({'ts': '2024-01-15 10:01:20', 'k': 'b', 'u': NULL, 'n': NULL, 'tags': NULL});
ADVANCE TIME TO TIMESTAMP '2024-01-15 10:01:30';
INSERT INTO events VALUES
  ({'ts': '2024-01-15 10:00:50', 'k': 'a', 'u': 'carl', 'n': 2, 'tags': ['z', 'a tag with a long name']}),
  ({'ts': '2024-01-15 10:02:10', 'k': 'a', 'u': 'bob', 'n': 3, 'tags': ['z']});
ADVANCE TIME TO TIMESTAMP '2024-01-15 10:02:40';
INSERT INTO events VALUES
  ({'ts': '2024-01-15 10:01:50', 'k': 'a', 'u': 'carl', 'n': 9, 'tags': ['z']}),
  ({'ts': '2024-01-15 10:03:10', 'k': 'a', 'u': 'dora', 'n': 3, 'tags': ['y']});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS (window_start, k, rows, users, large, most, tags) VALUES
  (TIMESTAMP '2024-01-15 09:58:00', 'a', 2, 2, 1, ['a user with a long name', 'bob'], ['x', 'y']),
  (TIMESTAMP '2024-01-15 09:59:00', 'a', 4, 3, 2, ['bob', 'a user with a long name'], ['x', 'y', 'a tag with a long name']),
  (TIMESTAMP '2024-01-15 09:59:00', 'b', 1, 0, 0, NULL, NULL),
  (TIMESTAMP '2024-01-15 10:00:00', 'a', 6, 3, 3, ['bob', 'carl'], ['z', 'x', 'y']),
  (TIMESTAMP '2024-01-15 10:00:00', 'b', 1, 0, 0, NULL, NULL),
  (TIMESTAMP '2024-01-15 10:01:00', 'a', 4, 3, 2, ['bob', 'carl'], ['z', 'y']),
  (TIMESTAMP '2024-01-15 10:01:00', 'b', 1, 0, 0, NULL, NULL),
  (TIMESTAMP '2024-01-15 10:02:00', 'a', 2, 2, 1, ['bob', 'dora'], ['y', 'z']),
  (TIMESTAMP '2024-01-15 10:03:00', 'a', 1, 1, 1, ['dora'], ['y']);
