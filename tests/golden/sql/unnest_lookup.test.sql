-- SPDX-License-Identifier: MIT

TEST 'matches of elements';
INSERT INTO tagged VALUES ({'id': 1, 'tags': ['a', 'x']}), ({'id': 0, 'tags': ['a']}), ({'id': 2, 'tags': ['b', 'b']});
EXPECT out ROWS VALUES (1, 'Anna'), (2, 'Bert'), (2, 'Bert');
