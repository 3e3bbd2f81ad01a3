-- SPDX-License-Identifier: MIT
-- firesteel serve pipelines/clinical: silver each hour, and the figures of the runs on port 8000.
CREATE SCHEDULE hourly EVERY INTERVAL '1 hour' RUN 'bronze_to_silver.sql' WITH (retries = 3, catch_up = true);
