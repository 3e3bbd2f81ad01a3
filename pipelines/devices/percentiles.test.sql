-- SPDX-License-Identifier: MIT
-- percentiles.sql: outliers go, small type-days go, the percentile interpolates.

TEST 'five hundred events of a day and one far outlier; fewer of another type';
INSERT INTO events FROM 'fixtures/percentiles.jsonl';
EXPECT percentiles ROWS (device_type, event_date, percentile_95, mean_duration, total_events, distinct_devices)
  VALUES ('sensor_A', DATE '2024-01-15', 2.0, 1.5, 500, 10);
