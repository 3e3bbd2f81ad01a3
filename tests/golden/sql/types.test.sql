-- SPDX-License-Identifier: MIT

TEST 'whole';
INSERT INTO typed VALUES ({'id': 1, 'd': '2024-02-29', 'u': '550e8400-e29b-41d4-a716-446655440000', 'dec': 12.34, 'l': [1.5, NULL], 'st': {'a': 1, 'b': 'x'}, 'm': MAP {'p': 1}}), ({'id': 2});
EXPECT out ROWS VALUES
  (1, DATE '2024-02-29', '550e8400-e29b-41d4-a716-446655440000', 12.34, [1.5, NULL], {'a': 1, 'b': 'x'}, MAP {'p': 1}),
  (2, NULL, NULL, NULL, NULL, NULL, NULL);
