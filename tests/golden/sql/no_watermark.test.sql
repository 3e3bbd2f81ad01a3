-- SPDX-License-Identifier: MIT

TEST 'at once';
INSERT INTO plain VALUES ({'id': 1});
EXPECT out ROWS VALUES (1);
INSERT INTO plain VALUES ({'id': 2});
EXPECT out ROWS VALUES (1), (2);
