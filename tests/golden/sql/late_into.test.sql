-- SPDX-License-Identifier: MIT

TEST 'one late row';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.0, 'n': 1}),
  ({'id': 2, 'ts': '2024-01-15 10:05:00', 'k': 'a', 'v': 1.0, 'n': 1});
INSERT INTO events VALUES
  ({'id': 3, 'ts': '2024-01-15 10:00:02', 'k': 'b', 'v': 2.0, 'n': 7});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT out ROWS VALUES (TIMESTAMP '2024-01-15 10:00:00', 1), (TIMESTAMP '2024-01-15 10:05:00', 1);
EXPECT late ROWS (id, ts, k, v, n, _relation, _watermark, _source, _partition, _offset) VALUES
  (3, TIMESTAMP '2024-01-15 10:00:02', 'b', 2.0, 7, 'out', TIMESTAMP '2024-01-15 10:04:00', 'events', '0', 2);
EXPECT LEDGER out (late => 1);

TEST 'a row exactly at the watermark is not late';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:02:00', 'k': 'a', 'v': 1.0, 'n': 1});
INSERT INTO events VALUES
  ({'id': 2, 'ts': '2024-01-15 10:01:00', 'k': 'a', 'v': 1.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT late EMPTY;
EXPECT out ROWS VALUES (TIMESTAMP '2024-01-15 10:02:00', 1), (TIMESTAMP '2024-01-15 10:01:00', 1);

TEST 'a window that ends at the watermark is closed';
INSERT INTO events VALUES
  ({'id': 1, 'ts': '2024-01-15 10:02:00', 'k': 'a', 'v': 1.0, 'n': 1});
INSERT INTO events VALUES
  ({'id': 2, 'ts': '2024-01-15 10:00:59', 'k': 'a', 'v': 1.0, 'n': 1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 23:00:00';
EXPECT late ROWS (id) VALUES (2);
