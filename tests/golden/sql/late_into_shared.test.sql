-- SPDX-License-Identifier: MIT

TEST 'each says who';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:10:00', 'k': 'a', 'v': 1.0, 'n': 1});
INSERT INTO events VALUES
  ({'id': 2, 'ts': '2024-01-15 10:00:00', 'k': 'a', 'v': 1.0, 'n': 1}),
  ({'id': 3, 'ts': '2024-01-15 10:08:30', 'k': 'a', 'v': 1.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT late ROWS (id, _relation) VALUES (2, 'fresh'), (3, 'out');
EXPECT LEDGER fresh (late => 1); EXPECT LEDGER out (late => 1);
