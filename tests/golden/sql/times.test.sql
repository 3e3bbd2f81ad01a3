-- SPDX-License-Identifier: MIT

TEST 'texts';
INSERT INTO times VALUES
  ({'id': 1, 't': '2024-01-15T10:30:00Z'}), ({'id': 2, 't': '2024-01-15 10:30:00'}), ({'id': 3, 't': '2024-01-15T12:30:00+02:00'}),
  ({'id': 4, 't': '2024-01-15T05:00:00-0530'}), ({'id': 5, 't': '2024-01-15T10:30:00.123456789Z'}), ({'id': 6, 't': '2024-01-15T10:30:00.5'});
EXPECT out ROWS (id, t) VALUES
  (1, TIMESTAMP '2024-01-15 10:30:00'), (2, TIMESTAMP '2024-01-15 10:30:00'), (3, TIMESTAMP '2024-01-15 10:30:00'),
  (4, TIMESTAMP '2024-01-15 10:30:00'), (5, TIMESTAMP '2024-01-15 10:30:00.123456'), (6, TIMESTAMP '2024-01-15 10:30:00.5');

TEST 'numbers';
INSERT INTO times VALUES ({'id': 1, 'ms': 1705314600123, 's': 1705314600, 'us': 1705314600123456});
EXPECT out ROWS (ms, s, us) VALUES (TIMESTAMP '2024-01-15 10:30:00.123', TIMESTAMP '2024-01-15 10:30:00', TIMESTAMP '2024-01-15 10:30:00.123456');

TEST 'what is no time';
INSERT INTO times VALUES ({'id': 1, 't': 'yesterday'}), ({'id': 2, 't': '2024-13-01 00:00:00'}), ({'id': 3, 't': 1705314600});
EXPECT out EMPTY;
EXPECT LEDGER times (undecodable => 3);
