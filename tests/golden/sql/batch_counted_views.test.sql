-- SPDX-License-Identifier: MIT
TEST 'the last copy counts, also when it is a bad one';
INSERT INTO readings VALUES
  ({'id': 1, 'value': 10, 'unit': 'c', 'note': 'first'}),
  ({'id': 1, 'value': 11, 'unit': 'c', 'note': 'b'}),
  ({'id': 2, 'value': 20, 'unit': 'c'}),
  ({'id': 2, 'value': 120, 'unit': 'c'}),
  ({'id': 3, 'value': 130, 'unit': 'c'}),
  ({'id': 3, 'value': 30, 'unit': 'c'}),
  ({'id': 4, 'unit': 'c'}),
  ({'id': 5, 'value': 50, 'unit': 'x'}),
  ({'id': 6, 'value': 60, 'unit': 'c', 'note': 'very long'}),
  ({'value': 70}), ({'value': 71});
EXPECT out ROWS (id, value, unit) VALUES (1, 11, 'c'), (3, 30, 'c'), (6, 60, 'c');
EXPECT highest ROWS (value) VALUES (60);
EXPECT LEDGER fresh (rows_in => 11, duplicate => 4, passed => 7);
EXPECT LEDGER good (rows_in => 7, rejected => 4, passed => 3, warned => 1);
EXPECT LEDGER good (rejected.has_value => 1, rejected.in_range => 1, rejected.no_x => 2);

TEST 'a WARN constraint that refuses nobody';
INSERT INTO readings VALUES ({'id': 1, 'value': 10, 'unit': 'c', 'note': 'much too long'});
EXPECT out ROWS (id) VALUES (1);
EXPECT LEDGER good (rows_in => 1, rejected => 0, warned => 1);

TEST 'nothing at all';
EXPECT out EMPTY;
EXPECT LEDGER fresh (rows_in => 0, duplicate => 0);
