-- SPDX-License-Identifier: MIT

TEST 'the run ends';
INSERT INTO events VALUES
  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': 'a', 'v': 90.0, 'n': 1});
EXPECT ERROR 'small';
