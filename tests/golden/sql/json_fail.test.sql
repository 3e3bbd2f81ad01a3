-- SPDX-License-Identifier: MIT

TEST 'it ends';
INSERT INTO records VALUES ('{"id":1}'), ('x');
EXPECT ERROR 'records';
