-- SPDX-License-Identifier: MIT
-- What requirement 001 and the exact rules of the devices system ask of devices.sql.

TEST 'one valid event among nulls and values out of range';
INSERT INTO events FROM 'fixtures/invalid.jsonl';
ADVANCE TIME TO TIMESTAMP '2024-01-15 11:00:00';
EXPECT device_minutes ROWS (device_id, device_type, event_count) VALUES ('dev_1', 'sensor_A', 1);
EXPECT LEDGER events (rows_in => 6, passed => 1, rejected => 5, undecodable => 0);

TEST 'five events with a wrong duration, battery and latitude leave two';
INSERT INTO events VALUES
  ({'event_id': 1, 'device_id': 'dev_1', 'device_type': 'camera', 'event_time': '2024-01-15T10:30:10Z', 'event_duration': 1.0,
    'location': {'latitude': 10.0, 'longitude': 20.0, 'city': 'A', 'country': 'X'}, 'metadata': {'firmware_version': '1', 'battery_level': 50, 'signal_strength': -50}}),
  ({'event_id': 2, 'device_id': 'dev_1', 'device_type': 'camera', 'event_time': '2024-01-15T10:30:11Z', 'event_duration': -1.0,
    'location': {'latitude': 10.0, 'longitude': 20.0, 'city': 'A', 'country': 'X'}, 'metadata': {'firmware_version': '1', 'battery_level': 50, 'signal_strength': -50}}),
  ({'event_id': 3, 'device_id': 'dev_1', 'device_type': 'camera', 'event_time': '2024-01-15T10:30:12Z', 'event_duration': 1.0,
    'location': {'latitude': 10.0, 'longitude': 20.0, 'city': 'A', 'country': 'X'}, 'metadata': {'firmware_version': '1', 'battery_level': 150, 'signal_strength': -50}}),
  ({'event_id': 4, 'device_id': 'dev_1', 'device_type': 'camera', 'event_time': '2024-01-15T10:30:13Z', 'event_duration': 1.0,
    'location': {'latitude': 200.0, 'longitude': 20.0, 'city': 'A', 'country': 'X'}, 'metadata': {'firmware_version': '1', 'battery_level': 50, 'signal_strength': -50}}),
  ({'event_id': 5, 'device_id': 'dev_2', 'device_type': 'camera', 'event_time': '2024-01-15T10:30:14Z', 'event_duration': 3.0,
    'location': {'latitude': 10.0, 'longitude': 20.0, 'city': 'B', 'country': 'Y'}, 'metadata': {'firmware_version': '2', 'battery_level': 70, 'signal_strength': -70}});
ADVANCE TIME TO TIMESTAMP '2024-01-15 11:00:00';
EXPECT device_minutes ROWS (device_id, event_count, avg_duration, city) VALUES ('dev_1', 1, 1.0, 'A'), ('dev_2', 1, 3.0, 'B');
EXPECT LEDGER events (rows_in => 5, passed => 2, rejected => 3);

TEST 'two equal events and a different one count as two';
INSERT INTO events VALUES
  ({'event_id': 7, 'device_id': 'dev_1', 'device_type': 'thermo', 'event_time': '2024-01-15T10:30:10Z', 'event_duration': 1.0,
    'location': {'latitude': 1.0, 'longitude': 2.0, 'city': 'A', 'country': 'X'}, 'metadata': {'firmware_version': '1', 'battery_level': 50, 'signal_strength': -50}}),
  ({'event_id': 7, 'device_id': 'dev_1', 'device_type': 'thermo', 'event_time': '2024-01-15T10:30:10Z', 'event_duration': 1.0,
    'location': {'latitude': 1.0, 'longitude': 2.0, 'city': 'A', 'country': 'X'}, 'metadata': {'firmware_version': '1', 'battery_level': 50, 'signal_strength': -50}}),
  ({'event_id': 8, 'device_id': 'dev_1', 'device_type': 'thermo', 'event_time': '2024-01-15T10:30:12Z', 'event_duration': 2.0,
    'location': {'latitude': 1.0, 'longitude': 2.0, 'city': 'A', 'country': 'X'}, 'metadata': {'firmware_version': '1', 'battery_level': 60, 'signal_strength': -40}});
ADVANCE TIME TO TIMESTAMP '2024-01-15 11:00:00';
EXPECT device_minutes ROWS (device_id, event_count, avg_duration, min_battery_level, min_signal_strength) VALUES ('dev_1', 2, 1.5, 50, -50);
EXPECT LEDGER fresh (duplicate => 1, late => 0);

TEST 'a duplicate in a later trigger is dropped, the same id of another device is not';
INSERT INTO events VALUES
  ({'event_id': 7, 'device_id': 'dev_1', 'device_type': 'thermo', 'event_time': '2024-01-15T10:30:10Z', 'event_duration': 1.0,
    'location': {'latitude': 1.0, 'longitude': 2.0, 'city': 'first', 'country': 'X'}, 'metadata': {'firmware_version': '1', 'battery_level': 50, 'signal_strength': -50}});
INSERT INTO events VALUES
  ({'event_id': 7, 'device_id': 'dev_1', 'device_type': 'thermo', 'event_time': '2024-01-15T10:30:20Z', 'event_duration': 9.0,
    'location': {'latitude': 1.0, 'longitude': 2.0, 'city': 'second', 'country': 'X'}, 'metadata': {'firmware_version': '1', 'battery_level': 50, 'signal_strength': -50}}),
  ({'event_id': 7, 'device_id': 'dev_2', 'device_type': 'thermo', 'event_time': '2024-01-15T10:30:20Z', 'event_duration': 4.0,
    'location': {'latitude': 1.0, 'longitude': 2.0, 'city': 'other', 'country': 'X'}, 'metadata': {'firmware_version': '1', 'battery_level': 50, 'signal_strength': -50}});
ADVANCE TIME TO TIMESTAMP '2024-01-15 11:00:00';
EXPECT device_minutes ROWS (device_id, event_count, max_duration, city) VALUES ('dev_1', 1, 1.0, 'first'), ('dev_2', 1, 4.0, 'other');
EXPECT LEDGER fresh (duplicate => 1);

TEST 'every form of event_time means the same minute';
INSERT INTO events FROM 'fixtures/times.jsonl';
ADVANCE TIME TO TIMESTAMP '2024-01-15 11:00:00';
EXPECT device_minutes ROWS (window_start, window_end, event_count, last_event_time)
  VALUES (TIMESTAMP '2024-01-15 10:30:00', TIMESTAMP '2024-01-15 10:31:00', 10, TIMESTAMP '2024-01-15 10:30:59.999999');

TEST 'what is not JSON or does not fit its column goes to quarantine, the rest counts';
INSERT INTO events FROM 'fixtures/malformed.jsonl';
ADVANCE TIME TO TIMESTAMP '2024-01-15 11:00:00';
EXPECT device_minutes ROWS (device_id, event_count, max_duration) VALUES ('dev_1', 3, 2.0);
EXPECT LEDGER events (rows_in => 14, passed => 3, undecodable => 11, rejected => 0);

TEST 'bounds: battery, signal and coordinates inclusive, duration exclusive, place may be null';
INSERT INTO events FROM 'fixtures/edges.jsonl';
ADVANCE TIME TO TIMESTAMP '2024-01-15 11:00:00';
EXPECT device_minutes ROWS (event_count, min_duration, max_duration, min_battery_level, min_signal_strength) VALUES (3, 0.001, 99.999, 0, -120);
EXPECT LEDGER events (rows_in => 11, passed => 3, rejected => 8);

TEST 'the columns taken from the first event of a group keep its nulls';
INSERT INTO events VALUES
  ({'event_id': 1, 'device_id': 'dev_1', 'device_type': 'camera', 'event_time': '2024-01-15T10:30:30Z', 'event_duration': 1.0,
    'location': {'latitude': 1.0, 'longitude': 2.0, 'city': NULL, 'country': 'X'}, 'metadata': {'battery_level': 50, 'signal_strength': -50}}),
  ({'event_id': 2, 'device_id': 'dev_1', 'device_type': 'camera', 'event_time': '2024-01-15T10:30:10Z', 'event_duration': 2.0,
    'location': {'latitude': 1.0, 'longitude': 2.0, 'city': 'B', 'country': 'Y'}, 'metadata': {'firmware_version': '2', 'battery_level': 40, 'signal_strength': -60}});
ADVANCE TIME TO TIMESTAMP '2024-01-15 11:00:00';
EXPECT device_minutes ROWS (city, country, firmware_version, event_count) VALUES (NULL, 'X', NULL, 2);

TEST 'windows are half open and appear when the watermark passes their end';
INSERT INTO events VALUES
  ({'event_id': 1, 'device_id': 'dev_1', 'device_type': 'camera', 'event_time': '2024-01-15T10:30:59.999999Z', 'event_duration': 1.0,
    'location': {'latitude': 1.0, 'longitude': 2.0, 'city': 'A', 'country': 'X'}, 'metadata': {'firmware_version': '1', 'battery_level': 50, 'signal_strength': -50}}),
  ({'event_id': 2, 'device_id': 'dev_1', 'device_type': 'camera', 'event_time': '2024-01-15T10:31:00Z', 'event_duration': 1.0,
    'location': {'latitude': 1.0, 'longitude': 2.0, 'city': 'A', 'country': 'X'}, 'metadata': {'firmware_version': '1', 'battery_level': 50, 'signal_strength': -50}});
EXPECT device_minutes EMPTY;
ADVANCE TIME TO TIMESTAMP '2024-01-15 11:00:00';
EXPECT device_minutes ROWS (window_start, event_count)
  VALUES (TIMESTAMP '2024-01-15 10:30:00', 1), (TIMESTAMP '2024-01-15 10:31:00', 1);

TEST 'late rows are kept, not counted';
INSERT INTO events VALUES
  ({'event_id': 1, 'device_id': 'dev_1', 'device_type': 'camera', 'event_time': '2024-01-15T10:30:10Z', 'event_duration': 1.0,
    'location': {'latitude': 1.0, 'longitude': 2.0, 'city': 'A', 'country': 'X'}, 'metadata': {'firmware_version': '1', 'battery_level': 50, 'signal_strength': -50}});
ADVANCE TIME TO TIMESTAMP '2024-01-15 11:00:00';
INSERT INTO events VALUES
  ({'event_id': 2, 'device_id': 'dev_1', 'device_type': 'camera', 'event_time': '2024-01-15T10:30:20Z', 'event_duration': 1.0,
    'location': {'latitude': 1.0, 'longitude': 2.0, 'city': 'A', 'country': 'X'}, 'metadata': {'firmware_version': '1', 'battery_level': 50, 'signal_strength': -50}});
EXPECT device_minutes ROWS (window_start, event_count) VALUES (TIMESTAMP '2024-01-15 10:30:00', 1);
EXPECT late_events ROWS (event_id, device_id, event_time) VALUES (2, 'dev_1', TIMESTAMP '2024-01-15 10:30:20');
EXPECT LEDGER events (rows_in => 2, passed => 2);
EXPECT LEDGER fresh (late => 1, duplicate => 0);

TEST 'rows of one trigger are judged by the watermark before it';
INSERT INTO events VALUES
  ({'event_id': 1, 'device_id': 'dev_1', 'device_type': 'camera', 'event_time': '2024-01-15T12:00:00Z', 'event_duration': 1.0,
    'location': {'latitude': 1.0, 'longitude': 2.0, 'city': 'A', 'country': 'X'}, 'metadata': {'firmware_version': '1', 'battery_level': 50, 'signal_strength': -50}}),
  ({'event_id': 2, 'device_id': 'dev_1', 'device_type': 'camera', 'event_time': '2024-01-15T10:30:20Z', 'event_duration': 1.0,
    'location': {'latitude': 1.0, 'longitude': 2.0, 'city': 'A', 'country': 'X'}, 'metadata': {'firmware_version': '1', 'battery_level': 50, 'signal_strength': -50}});
EXPECT late_events EMPTY;
EXPECT device_minutes ROWS (window_start, event_count) VALUES (TIMESTAMP '2024-01-15 10:30:00', 1);

TEST 'a key still remembered, its minute gone: late at the window';
INSERT INTO events VALUES
  ({'event_id': 1, 'device_id': 'dev_1', 'device_type': 'camera', 'event_time': '2024-01-15T10:30:10Z', 'event_duration': 1.0,
    'location': {'latitude': 1.0, 'longitude': 2.0, 'city': 'A', 'country': 'X'}, 'metadata': {'firmware_version': '1', 'battery_level': 50, 'signal_strength': -50}});
ADVANCE TIME TO TIMESTAMP '2024-01-15 10:45:00'; -- the watermark is 10:35
INSERT INTO events VALUES
  ({'event_id': 1, 'device_id': 'dev_1', 'device_type': 'camera', 'event_time': '2024-01-15T10:30:10Z', 'event_duration': 1.0,
    'location': {'latitude': 1.0, 'longitude': 2.0, 'city': 'A', 'country': 'X'}, 'metadata': {'firmware_version': '1', 'battery_level': 50, 'signal_strength': -50}}),
  ({'event_id': 2, 'device_id': 'dev_1', 'device_type': 'camera', 'event_time': '2024-01-15T10:30:20Z', 'event_duration': 1.0,
    'location': {'latitude': 1.0, 'longitude': 2.0, 'city': 'A', 'country': 'X'}, 'metadata': {'firmware_version': '1', 'battery_level': 50, 'signal_strength': -50}});
EXPECT device_minutes ROWS (window_start, event_count) VALUES (TIMESTAMP '2024-01-15 10:30:00', 1);
EXPECT late_events ROWS (event_id, event_time) VALUES (2, TIMESTAMP '2024-01-15 10:30:20');
EXPECT LEDGER fresh (duplicate => 1, late => 0);
EXPECT LEDGER device_minutes (late => 1);
