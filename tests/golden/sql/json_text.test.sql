-- SPDX-License-Identifier: MIT

TEST 'source text';
INSERT INTO records VALUES ('{"id":1,"s":1.50}'), ('{"id":2,"s":true}'), ('{"id":3,"s":{"a": [1, 2]}}'), ('{"id":4,"s":[1,"x"]}'), ('{"id":5,"s":null}'), ('{"id":6,"s":"\u00e4\n"}');
EXPECT out ROWS VALUES (1, '1.50'), (2, 'true'), (3, '{"a": [1, 2]}'), (4, '[1,"x"]'), (5, NULL), (6, 'ä' || chr(10));
