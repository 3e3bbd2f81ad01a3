-- SPDX-License-Identifier: MIT

TEST 'fields, not rows';
INSERT INTO records VALUES ('{"id":1,"small":300,"d":2.5}'), ('{"id":"x","small":3}');
EXPECT out ROWS VALUES (1, NULL, 2.5), (NULL, 3, NULL);
EXPECT LEDGER records (undecodable => 0);
