-- SPDX-License-Identifier: MIT

TEST 'nested, missing, NULL';
INSERT INTO devices VALUES
  ({'id': 1, 'meta': {'battery': 80}, 'location': {'city': 'Oslo', 'lat': 1.5}}),
  ('{"id": 2, "meta": {}, "location": null}'),
  ({'id': 3});
EXPECT out ROWS VALUES (1, 80, 'Oslo', 3.0), (2, NULL, NULL, NULL), (3, NULL, NULL, NULL);
