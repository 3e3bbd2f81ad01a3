-- SPDX-License-Identifier: MIT

TEST 'two rows';
INSERT INTO tagged VALUES ({'ts': '2024-01-15 10:00:01', 'tags': ['a', 'b', 'a']}), ({'ts': '2024-01-15 10:00:02', 'tags': ['b']});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS (tag, rows) VALUES ('a', 2), ('b', 2);
