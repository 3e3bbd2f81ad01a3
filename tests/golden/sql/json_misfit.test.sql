-- SPDX-License-Identifier: MIT

TEST 'one good among bad';
INSERT INTO records VALUES ('{"id":1}'), ('{"id":"85"}'), ('{"id":85.0}'), ('{"id":2,"small":128}'), ('{"id":3,"d":NaN}'), ('{"id":4,"b":1}'), ('{"id":5,"l":[1,"a"]}'), ('{"id":6} x'), (''), ('null'), ('[1]'), (BLOB '{"s":"\xFF"}'), ('{''id'': 7}');
EXPECT out ROWS (id) VALUES (1);
EXPECT LEDGER records (rows_in => 13, passed => 1, undecodable => 12);

TEST 'the last of equal keys, names by case';
INSERT INTO records VALUES ('{"id":1,"id":2}'), ('{"ID":3}');
EXPECT out ROWS (id) VALUES (2), (NULL);
