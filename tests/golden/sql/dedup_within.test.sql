-- SPDX-License-Identifier: MIT

TEST 'remembered';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:00', 'k': 'a', 'v': 1.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 10:10:00';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:09:00', 'k': 'a', 'v': 2.0, 'n': 1});
EXPECT out ROWS VALUES (1, 1.0);
EXPECT LEDGER fresh (duplicate => 1, late => 0);

TEST 'too old to be judged is late';
INSERT INTO events VALUES
  ({'id': 9, 'ts': '2024-01-15 12:00:00', 'k': 'a', 'v': 1.0, 'n': 1});
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 11:00:00', 'k': 'a', 'v': 2.0, 'n': 1});
EXPECT out ROWS VALUES (9, 1.0);
EXPECT late ROWS (id, _relation) VALUES (1, 'fresh');
EXPECT LEDGER fresh (late => 1);

TEST 'forgotten in the end';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:00', 'k': 'a', 'v': 1.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 10:40:00';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:39:30', 'k': 'a', 'v': 2.0, 'n': 1});
EXPECT out ROWS VALUES (1, 1.0), (1, 2.0);
