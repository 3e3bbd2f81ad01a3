-- SPDX-License-Identifier: MIT
-- What requirement 003 and the exact rules of the telemetra system ask of telemetra.sql.

TEST 'sentiment: set of words against the lexicon, whatever the case and the punctuation';
INSERT INTO chat VALUES
  ({'event_id': '0', 'timestamp': '2024-01-15T10:00:05Z', 'stream_id': 'all_good', 'user_id': 'u', 'message': 'this is awesome and amazing! Love it!'}),
  ({'event_id': '1', 'timestamp': '2024-01-15T10:00:05Z', 'stream_id': 'all_bad', 'user_id': 'u', 'message': 'terrible and boring, hate it'}),
  ({'event_id': '2', 'timestamp': '2024-01-15T10:00:05Z', 'stream_id': 'mixed', 'user_id': 'u', 'message': 'great but terrible'}),
  ({'event_id': '3', 'timestamp': '2024-01-15T10:00:05Z', 'stream_id': 'empty', 'user_id': 'u', 'message': ''}),
  ({'event_id': '4', 'timestamp': '2024-01-15T10:00:05Z', 'stream_id': 'null', 'user_id': 'u', 'message': NULL}),
  ({'event_id': '5', 'timestamp': '2024-01-15T10:00:05Z', 'stream_id': 'case', 'user_id': 'u', 'message': 'THIS IS AWESOME And AMAZING! lOVE IT!'}),
  ({'event_id': '6', 'timestamp': '2024-01-15T10:00:05Z', 'stream_id': 'twice', 'user_id': 'u', 'message': 'bad bad BAD love'}),
  ({'event_id': '7', 'timestamp': '2024-01-15T10:00:05Z', 'stream_id': 'part', 'user_id': 'u', 'message': 'lovely greatness badly'}),
  ({'event_id': '8', 'timestamp': '2024-01-15T10:00:05Z', 'stream_id': 'wide', 'user_id': 'u', 'message': 'Ünïcode→great… ne pas'});
ADVANCE TIME TO TIMESTAMP '2024-01-15 10:01:10';
EXPECT chat_summary_minute ROWS (window_start, stream_id, avg_sentiment, positive_count, negative_count) VALUES
  (TIMESTAMP '2024-01-15 09:59:10', 'all_good', 1.0, 1, 0),
  (TIMESTAMP '2024-01-15 09:59:20', 'all_good', 1.0, 1, 0),
  (TIMESTAMP '2024-01-15 09:59:30', 'all_good', 1.0, 1, 0),
  (TIMESTAMP '2024-01-15 09:59:40', 'all_good', 1.0, 1, 0),
  (TIMESTAMP '2024-01-15 09:59:50', 'all_good', 1.0, 1, 0),
  (TIMESTAMP '2024-01-15 10:00:00', 'all_good', 1.0, 1, 0),
  (TIMESTAMP '2024-01-15 09:59:10', 'all_bad', -1.0, 0, 1),
  (TIMESTAMP '2024-01-15 09:59:20', 'all_bad', -1.0, 0, 1),
  (TIMESTAMP '2024-01-15 09:59:30', 'all_bad', -1.0, 0, 1),
  (TIMESTAMP '2024-01-15 09:59:40', 'all_bad', -1.0, 0, 1),
  (TIMESTAMP '2024-01-15 09:59:50', 'all_bad', -1.0, 0, 1),
  (TIMESTAMP '2024-01-15 10:00:00', 'all_bad', -1.0, 0, 1),
  (TIMESTAMP '2024-01-15 09:59:10', 'mixed', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:20', 'mixed', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:30', 'mixed', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:40', 'mixed', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:50', 'mixed', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 10:00:00', 'mixed', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:10', 'empty', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:20', 'empty', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:30', 'empty', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:40', 'empty', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:50', 'empty', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 10:00:00', 'empty', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:10', 'null', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:20', 'null', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:30', 'null', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:40', 'null', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:50', 'null', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 10:00:00', 'null', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:10', 'case', 1.0, 1, 0),
  (TIMESTAMP '2024-01-15 09:59:20', 'case', 1.0, 1, 0),
  (TIMESTAMP '2024-01-15 09:59:30', 'case', 1.0, 1, 0),
  (TIMESTAMP '2024-01-15 09:59:40', 'case', 1.0, 1, 0),
  (TIMESTAMP '2024-01-15 09:59:50', 'case', 1.0, 1, 0),
  (TIMESTAMP '2024-01-15 10:00:00', 'case', 1.0, 1, 0),
  (TIMESTAMP '2024-01-15 09:59:10', 'twice', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:20', 'twice', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:30', 'twice', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:40', 'twice', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:50', 'twice', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 10:00:00', 'twice', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:10', 'part', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:20', 'part', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:30', 'part', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:40', 'part', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:50', 'part', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 10:00:00', 'part', 0.0, 0, 0),
  (TIMESTAMP '2024-01-15 09:59:10', 'wide', 1.0, 1, 0),
  (TIMESTAMP '2024-01-15 09:59:20', 'wide', 1.0, 1, 0),
  (TIMESTAMP '2024-01-15 09:59:30', 'wide', 1.0, 1, 0),
  (TIMESTAMP '2024-01-15 09:59:40', 'wide', 1.0, 1, 0),
  (TIMESTAMP '2024-01-15 09:59:50', 'wide', 1.0, 1, 0),
  (TIMESTAMP '2024-01-15 10:00:00', 'wide', 1.0, 1, 0);

TEST 'both shapes, exact chatters, emotes with ties by name, rate, viewers of the same window';
INSERT INTO chat VALUES
  ({'event_id': '1', 'timestamp': '2024-01-15T12:00:01+02:00', 'stream_id': 's', 'user_id': 'a', 'message': 'nice', 'emotes': ['Kappa', 'LUL']}),
  ({'message_id': '2', 'timestamp': '2024-01-15T10:00:02Z', 'channel': 's', 'user_id': 'b', 'message': 'bad', 'emotes': ['LUL', 'LUL', 'Zed', 'Abe']}),
  ({'message_id': '3', 'timestamp': '2024-01-15T10:00:03Z', 'channel': 's', 'user_id': 'a', 'message': 'plain', 'badges': ['x']});
INSERT INTO viewer VALUES
  ({'event_id': 'v1', 'timestamp': '2024-01-15T10:00:04Z', 'channel': 's', 'viewer_count': 100}),
  ({'event_id': 'v2', 'timestamp': '2024-01-15T10:00:08Z', 'stream_id': 's', 'viewer_count': 201}),
  ({'event_id': 'v3', 'timestamp': '2024-01-15T10:00:08Z', 'stream_id': 'silent', 'viewer_count': 7}),
  ({'event_id': 'v4', 'timestamp': '2024-01-15T10:01:05Z', 'stream_id': 's', 'viewer_count': 999});
ADVANCE TIME TO TIMESTAMP '2024-01-15 10:01:10';
EXPECT chat_summary_minute ROWS (window_start, window_end, stream_id, chat_count, unique_chatters, avg_sentiment, positive_count, negative_count, chat_rate, avg_viewers, top_emotes, z_score, is_anomaly) VALUES
  (TIMESTAMP '2024-01-15 09:59:10', TIMESTAMP '2024-01-15 10:00:10', 's', 3, 2, 0.0, 1, 1, 0.05, 150.5, ['LUL', 'Abe', 'Kappa', 'Zed'], 0.0, false),
  (TIMESTAMP '2024-01-15 09:59:20', TIMESTAMP '2024-01-15 10:00:20', 's', 3, 2, 0.0, 1, 1, 0.05, 150.5, ['LUL', 'Abe', 'Kappa', 'Zed'], 0.0, false),
  (TIMESTAMP '2024-01-15 09:59:30', TIMESTAMP '2024-01-15 10:00:30', 's', 3, 2, 0.0, 1, 1, 0.05, 150.5, ['LUL', 'Abe', 'Kappa', 'Zed'], 0.0, false),
  (TIMESTAMP '2024-01-15 09:59:40', TIMESTAMP '2024-01-15 10:00:40', 's', 3, 2, 0.0, 1, 1, 0.05, 150.5, ['LUL', 'Abe', 'Kappa', 'Zed'], 0.0, false),
  (TIMESTAMP '2024-01-15 09:59:50', TIMESTAMP '2024-01-15 10:00:50', 's', 3, 2, 0.0, 1, 1, 0.05, 150.5, ['LUL', 'Abe', 'Kappa', 'Zed'], 0.0, false),
  (TIMESTAMP '2024-01-15 10:00:00', TIMESTAMP '2024-01-15 10:01:00', 's', 3, 2, 0.0, 1, 1, 0.05, 150.5, ['LUL', 'Abe', 'Kappa', 'Zed'], 0.0, false);
EXPECT moments EMPTY;

TEST 'no viewers is 0.0, no emotes is an empty list';
INSERT INTO chat VALUES
  ({'event_id': '1', 'timestamp': '2024-01-15T10:00:51Z', 'stream_id': 's', 'user_id': 'a', 'message': 'hi'});
ADVANCE TIME TO TIMESTAMP '2024-01-15 10:01:10';
EXPECT chat_summary_minute ROWS (window_start, chat_count, avg_viewers, top_emotes) VALUES (TIMESTAMP '2024-01-15 10:00:00', 1, 0.0, []);

TEST 'rows without stream or time, and what does not decode, are in quarantine';
INSERT INTO chat VALUES
  ({'event_id': '1', 'timestamp': '2024-01-15T10:00:01Z', 'user_id': 'a', 'message': 'hi'}),
  ({'event_id': '2', 'stream_id': 's', 'user_id': 'a', 'message': 'hi'}),
  ({'event_id': '3', 'timestamp': 'soon', 'stream_id': 's', 'user_id': 'a', 'message': 'hi'});
INSERT INTO viewer VALUES
  ({'event_id': '1', 'timestamp': '2024-01-15T10:00:01Z', 'channel': 's', 'viewer_count': -1});
ADVANCE TIME TO TIMESTAMP '2024-01-15 10:05:00';
EXPECT chat_summary_minute EMPTY;
EXPECT LEDGER chat (rows_in => 3, passed => 0, rejected => 2, undecodable => 1);
EXPECT LEDGER viewer (rows_in => 1, rejected => 1);

TEST 'late for one window is not late for the next; late for all is counted';
INSERT INTO chat VALUES
  ({'event_id': '1', 'timestamp': '2024-01-15T10:00:05Z', 'stream_id': 's', 'user_id': 'a', 'message': 'hi', 'emotes': ['A']});
ADVANCE TIME TO TIMESTAMP '2024-01-15 10:00:40';
INSERT INTO chat VALUES
  ({'event_id': '2', 'timestamp': '2024-01-15T10:00:06Z', 'stream_id': 's', 'user_id': 'b', 'message': 'hi', 'emotes': ['A', 'B']}),
  ({'event_id': '3', 'timestamp': '2024-01-15T09:59:36Z', 'stream_id': 's', 'user_id': 'c', 'message': 'hi', 'emotes': ['C']}),
  ({'event_id': '4', 'timestamp': '2024-01-15T09:59:29Z', 'stream_id': 's', 'user_id': 'd', 'message': 'hi', 'emotes': ['D']});
ADVANCE TIME TO TIMESTAMP '2024-01-15 10:01:10';
EXPECT chat_summary_minute ROWS (window_start, chat_count, unique_chatters, top_emotes) VALUES
  (TIMESTAMP '2024-01-15 09:59:10', 1, 1, ['A']),
  (TIMESTAMP '2024-01-15 09:59:20', 1, 1, ['A']),
  (TIMESTAMP '2024-01-15 09:59:30', 1, 1, ['A']),
  (TIMESTAMP '2024-01-15 09:59:40', 2, 2, ['A', 'B']),
  (TIMESTAMP '2024-01-15 09:59:50', 2, 2, ['A', 'B']),
  (TIMESTAMP '2024-01-15 10:00:00', 2, 2, ['A', 'B']);
EXPECT LEDGER chat_windows (late => 2);

TEST 'anomalies: ten rows before, at least three, no deviation no anomaly, streams apart';
INSERT INTO chat VALUES
  ({'event_id': '1', 'timestamp': '2024-01-15T10:00:05Z', 'stream_id': 's', 'user_id': 'u0', 'message': 'hi'}),
  ({'event_id': '2', 'timestamp': '2024-01-15T10:00:05Z', 'stream_id': 's', 'user_id': 'u1', 'message': 'hi'}),
  ({'event_id': '3', 'timestamp': '2024-01-15T10:01:05Z', 'stream_id': 's', 'user_id': 'u0', 'message': 'hi'}),
  ({'event_id': '4', 'timestamp': '2024-01-15T10:01:05Z', 'stream_id': 's', 'user_id': 'u1', 'message': 'hi'}),
  ({'event_id': '5', 'timestamp': '2024-01-15T10:01:05Z', 'stream_id': 's', 'user_id': 'u2', 'message': 'hi'}),
  ({'event_id': '6', 'timestamp': '2024-01-15T10:02:05Z', 'stream_id': 's', 'user_id': 'u0', 'message': 'hi'}),
  ({'event_id': '7', 'timestamp': '2024-01-15T10:02:05Z', 'stream_id': 's', 'user_id': 'u1', 'message': 'hi'}),
  ({'event_id': '8', 'timestamp': '2024-01-15T10:03:05Z', 'stream_id': 's', 'user_id': 'u0', 'message': 'hi'}),
  ({'event_id': '9', 'timestamp': '2024-01-15T10:03:05Z', 'stream_id': 's', 'user_id': 'u1', 'message': 'hi'}),
  ({'event_id': '10', 'timestamp': '2024-01-15T10:03:05Z', 'stream_id': 's', 'user_id': 'u2', 'message': 'hi'}),
  ({'event_id': '11', 'timestamp': '2024-01-15T10:03:05Z', 'stream_id': 's', 'user_id': 'u3', 'message': 'hi'}),
  ({'event_id': '12', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u0', 'message': 'hi'}),
  ({'event_id': '13', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u1', 'message': 'hi'}),
  ({'event_id': '14', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u2', 'message': 'hi'}),
  ({'event_id': '15', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u3', 'message': 'hi'}),
  ({'event_id': '16', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u4', 'message': 'hi'}),
  ({'event_id': '17', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u5', 'message': 'hi'}),
  ({'event_id': '18', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u6', 'message': 'hi'}),
  ({'event_id': '19', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u7', 'message': 'hi'}),
  ({'event_id': '20', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u8', 'message': 'hi'}),
  ({'event_id': '21', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u9', 'message': 'hi'}),
  ({'event_id': '22', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u10', 'message': 'hi'}),
  ({'event_id': '23', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u11', 'message': 'hi'}),
  ({'event_id': '24', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u12', 'message': 'hi'}),
  ({'event_id': '25', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u13', 'message': 'hi'}),
  ({'event_id': '26', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u14', 'message': 'hi'}),
  ({'event_id': '27', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u15', 'message': 'hi'}),
  ({'event_id': '28', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u16', 'message': 'hi'}),
  ({'event_id': '29', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u17', 'message': 'hi'}),
  ({'event_id': '30', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u18', 'message': 'hi'}),
  ({'event_id': '31', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u19', 'message': 'hi'}),
  ({'event_id': '32', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u20', 'message': 'hi'}),
  ({'event_id': '33', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u21', 'message': 'hi'}),
  ({'event_id': '34', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u22', 'message': 'hi'}),
  ({'event_id': '35', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u23', 'message': 'hi'}),
  ({'event_id': '36', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u24', 'message': 'hi'}),
  ({'event_id': '37', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u25', 'message': 'hi'}),
  ({'event_id': '38', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u26', 'message': 'hi'}),
  ({'event_id': '39', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u27', 'message': 'hi'}),
  ({'event_id': '40', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u28', 'message': 'hi'}),
  ({'event_id': '41', 'timestamp': '2024-01-15T10:04:05Z', 'stream_id': 's', 'user_id': 'u29', 'message': 'hi'}),
  ({'event_id': '0', 'timestamp': '2024-01-15T10:04:06Z', 'stream_id': 'other', 'user_id': 'u', 'message': 'hi'});
ADVANCE TIME TO TIMESTAMP '2024-01-15 10:10:00';
EXPECT chat_summary_minute ROWS (window_start, stream_id, chat_count, z_score, is_anomaly) VALUES
  (TIMESTAMP '2024-01-15 09:59:10', 's', 2, 0.000000000000, false),
  (TIMESTAMP '2024-01-15 09:59:20', 's', 2, 0.000000000000, false),
  (TIMESTAMP '2024-01-15 09:59:30', 's', 2, 0.000000000000, false),
  (TIMESTAMP '2024-01-15 09:59:40', 's', 2, 0.000000000000, false),
  (TIMESTAMP '2024-01-15 09:59:50', 's', 2, 0.000000000000, false),
  (TIMESTAMP '2024-01-15 10:00:00', 's', 2, 0.000000000000, false),
  (TIMESTAMP '2024-01-15 10:00:10', 's', 3, 0.000000000000, false),
  (TIMESTAMP '2024-01-15 10:00:20', 's', 3, 2.449489742783, false),
  (TIMESTAMP '2024-01-15 10:00:30', 's', 3, 1.732050807569, false),
  (TIMESTAMP '2024-01-15 10:00:40', 's', 3, 1.414213562373, false),
  (TIMESTAMP '2024-01-15 10:00:50', 's', 3, 1.224744871392, false),
  (TIMESTAMP '2024-01-15 10:01:00', 's', 3, 1.000000000000, false),
  (TIMESTAMP '2024-01-15 10:01:10', 's', 2, -1.224744871392, false),
  (TIMESTAMP '2024-01-15 10:01:20', 's', 2, -1.224744871392, false),
  (TIMESTAMP '2024-01-15 10:01:30', 's', 2, -1.224744871392, false),
  (TIMESTAMP '2024-01-15 10:01:40', 's', 2, -1.224744871392, false),
  (TIMESTAMP '2024-01-15 10:01:50', 's', 2, -1.224744871392, false),
  (TIMESTAMP '2024-01-15 10:02:00', 's', 2, -1.000000000000, false),
  (TIMESTAMP '2024-01-15 10:02:10', 's', 4, 3.265986323711, true),
  (TIMESTAMP '2024-01-15 10:02:20', 's', 4, 2.236067977500, false),
  (TIMESTAMP '2024-01-15 10:02:30', 's', 4, 1.750000000000, false),
  (TIMESTAMP '2024-01-15 10:02:40', 's', 4, 1.444444444444, false),
  (TIMESTAMP '2024-01-15 10:02:50', 's', 4, 1.224744871392, false),
  (TIMESTAMP '2024-01-15 10:03:00', 's', 4, 1.000000000000, false),
  (TIMESTAMP '2024-01-15 10:03:10', 's', 30, 27.352635461079, true),
  (TIMESTAMP '2024-01-15 10:03:20', 's', 30, 2.981423970000, false),
  (TIMESTAMP '2024-01-15 10:03:30', 's', 30, 1.994681313162, false),
  (TIMESTAMP '2024-01-15 10:03:40', 's', 30, 1.525723691655, false),
  (TIMESTAMP '2024-01-15 10:03:50', 's', 30, 1.224744871392, false),
  (TIMESTAMP '2024-01-15 10:04:00', 's', 30, 1.000000000000, false),
  (TIMESTAMP '2024-01-15 10:03:10', 'other', 1, 0.0000, false),
  (TIMESTAMP '2024-01-15 10:03:20', 'other', 1, 0.0000, false),
  (TIMESTAMP '2024-01-15 10:03:30', 'other', 1, 0.0000, false),
  (TIMESTAMP '2024-01-15 10:03:40', 'other', 1, 0.0000, false),
  (TIMESTAMP '2024-01-15 10:03:50', 'other', 1, 0.0000, false),
  (TIMESTAMP '2024-01-15 10:04:00', 'other', 1, 0.0000, false);
EXPECT moments ROWS (stream_id, timestamp, moment_type, description) VALUES
  ('s', TIMESTAMP '2024-01-15 10:02:10', 'chat_spike', 'chat_rate: 0.07, z_score: 3.27, chat_count: 4'),
  ('s', TIMESTAMP '2024-01-15 10:03:10', 'chat_spike', 'chat_rate: 0.50, z_score: 27.35, chat_count: 30');
