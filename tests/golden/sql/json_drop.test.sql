-- SPDX-License-Identifier: MIT

TEST 'one';
INSERT INTO records VALUES ('x'), ('{"id":1}');
EXPECT out ROWS VALUES (1);
EXPECT LEDGER records (rows_in => 2, undecodable => 1);
