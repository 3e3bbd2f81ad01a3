-- SPDX-License-Identifier: MIT

TEST 'partition, offset and payload';
INSERT INTO raw_events VALUES ('{"id":1}'), ('{"id":2}');
INSERT INTO raw_events PARTITION 1 VALUES ('{"id":3}');
EXPECT out ROWS VALUES
  (1, '0', 0, '{"id":1}'::BLOB), (2, '0', 1, '{"id":2}'::BLOB), (3, '1', 0, '{"id":3}'::BLOB);
