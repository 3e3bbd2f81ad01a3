-- SPDX-License-Identifier: MIT

TEST 'none of an empty list or NULL';
INSERT INTO tagged VALUES ({'id': 1, 'tags': ['a', 'b']}), ({'id': 2, 'tags': []}), ({'id': 3}), ({'id': 4, 'tags': ['c']});
EXPECT out ROWS VALUES (1, 'a'), (1, 'b'), (4, 'c');
