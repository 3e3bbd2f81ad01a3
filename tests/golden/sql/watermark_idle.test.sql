-- SPDX-License-Identifier: MIT

TEST 'held back, then not' WITHOUT CRASH;
INSERT INTO events PARTITION 0 VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 1});
INSERT INTO events PARTITION 1 VALUES
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': 'a', 'v': 1.0, 'n': 1});
ADVANCE CLOCK BY INTERVAL '20 seconds';
INSERT INTO events PARTITION 0 VALUES
  ({'id': 3, 'ts': '2024-01-15 10:05:00', 'k': 'a', 'v': 1.0, 'n': 1});
EXPECT out EMPTY;
ADVANCE CLOCK BY INTERVAL '20 seconds';
EXPECT out ROWS VALUES (TIMESTAMP '2024-01-15 10:00:00', 2);

TEST 'it may come back, late' WITHOUT CRASH;
INSERT INTO events PARTITION 0 VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 1});
INSERT INTO events PARTITION 1 VALUES
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': 'a', 'v': 1.0, 'n': 1});
ADVANCE CLOCK BY INTERVAL '20 seconds';
INSERT INTO events PARTITION 0 VALUES
  ({'id': 3, 'ts': '2024-01-15 10:05:00', 'k': 'a', 'v': 1.0, 'n': 1});
ADVANCE CLOCK BY INTERVAL '20 seconds';
INSERT INTO events PARTITION 1 VALUES
  ({'id': 4, 'ts': '2024-01-15 10:00:30', 'k': 'a', 'v': 1.0, 'n': 1});
EXPECT LEDGER out (late => 1);
