-- SPDX-License-Identifier: MIT
-- Live chat: sliding windows per stream, sentiment, top emotes, viewers, and moments where the chat
-- rate stands out.
--
--   KAFKA_BOOTSTRAP_SERVERS empty    generator in, JSON lines under OUTPUT_PATH (the embedded default)
--   set                              Kafka in, PostgreSQL out
--
-- The figures and what they mean: README.md.

SET pipeline = 'telemetra';
SET checkpoint = '${CHECKPOINT_LOCATION:-/tmp/spark-checkpoints}';
SET commit_interval = INTERVAL '${TRIGGER_INTERVAL:-10 seconds}';

-- The words that count, 1 or -1 each; a file beside this one, meant to be edited.
CREATE TABLE lexicon AS
SELECT lower(trim(word)) AS word, polarity
FROM read_csv('${LEXICON:-lexicon.csv}', header = true, columns = {'word': 'VARCHAR', 'polarity': 'INTEGER'});

-- Both shapes of events are in use: stream_id or channel.
CREATE SOURCE chat (
  stream_id  VARCHAR,
  channel    VARCHAR,
  timestamp  TIMESTAMP,
  user_id    VARCHAR,
  message    VARCHAR,
  emotes     VARCHAR[],
  CONSTRAINT stream    EXPECT (stream_id IS NOT NULL OR channel IS NOT NULL) ON VIOLATION QUARANTINE,
  CONSTRAINT timestamp EXPECT (timestamp IS NOT NULL)                        ON VIOLATION QUARANTINE,
  WATERMARK FOR timestamp AS timestamp - INTERVAL '${WATERMARK_DELAY:-10 seconds}' IDLE TIMEOUT INTERVAL '30 seconds'
) WITH (
  connector = (CASE WHEN '${KAFKA_BOOTSTRAP_SERVERS:-}' = '' THEN 'generator' ELSE 'kafka' END),
  format = 'json',
  -- Kafka
  bootstrap_servers = '${KAFKA_BOOTSTRAP_SERVERS:-kafka:9092}',
  topic = '${KAFKA_CHAT_TOPIC:-telemetra.events.chat}',
  starting_offsets = '${KAFKA_STARTING_OFFSETS:-latest}',
  max_offsets_per_trigger = '${MAX_OFFSETS_PER_TRIGGER:-}',
  -- Generator
  profile = 'twitch',
  events = 'chat',
  channels = '${CHANNELS:-demo_stream}',
  rate = '${RATE_PER_SEC:-10}',
  rows = '${GENERATOR_ROWS:-0}',
  seed = '${GENERATOR_SEED:-1}',
  start = '${GENERATOR_START:-now}',
  span = '${GENERATOR_SPAN:-1 hour}',
  bursts = '${GENERATOR_BURSTS:-4}'
);

CREATE SOURCE viewer (
  stream_id    VARCHAR,
  channel      VARCHAR,
  timestamp    TIMESTAMP,
  viewer_count BIGINT,
  CONSTRAINT stream    EXPECT (stream_id IS NOT NULL OR channel IS NOT NULL) ON VIOLATION QUARANTINE,
  CONSTRAINT timestamp EXPECT (timestamp IS NOT NULL)                        ON VIOLATION QUARANTINE,
  CONSTRAINT viewers   EXPECT (viewer_count >= 0)                            ON VIOLATION QUARANTINE,
  WATERMARK FOR timestamp AS timestamp - INTERVAL '${WATERMARK_DELAY:-10 seconds}' IDLE TIMEOUT INTERVAL '30 seconds'
) WITH (
  connector = (CASE WHEN '${KAFKA_BOOTSTRAP_SERVERS:-}' = '' THEN 'generator' ELSE 'kafka' END),
  format = 'json',
  -- Kafka
  bootstrap_servers = '${KAFKA_BOOTSTRAP_SERVERS:-kafka:9092}',
  topic = '${KAFKA_VIEWER_TOPIC:-telemetra.events.viewer}',
  starting_offsets = '${KAFKA_STARTING_OFFSETS:-latest}',
  max_offsets_per_trigger = '${MAX_OFFSETS_PER_TRIGGER:-}',
  -- Generator
  profile = 'twitch',
  events = 'viewer',
  channels = '${CHANNELS:-demo_stream}',
  rate = '${RATE_PER_SEC:-10}',
  rows = '${GENERATOR_ROWS:-0}',
  seed = '${GENERATOR_SEED:-1}',
  start = '${GENERATOR_START:-now}',
  span = '${GENERATOR_SPAN:-1 hour}'
);

-- sentiment(): of the different words of a message (runs of letters, digits and apostrophes, in lower
-- case) p and n are in the two lists; (p - n) / (p + n), 0 when there is none.
CREATE VIEW messages AS
SELECT coalesce(stream_id, channel) AS stream_id, timestamp, user_id, emotes,
       sentiment(message, (SELECT list(word) FROM lexicon WHERE polarity > 0),
                 (SELECT list(word) FROM lexicon WHERE polarity < 0)) AS sentiment
FROM chat;

CREATE VIEW chat_windows AS
SELECT window_start, window_end, stream_id,
       count(*)                              AS chat_count,
       count(DISTINCT user_id)               AS unique_chatters,
       avg(sentiment)                        AS avg_sentiment,
       count(*) FILTER (WHERE sentiment > 0) AS positive_count,
       count(*) FILTER (WHERE sentiment < 0) AS negative_count,
       top_k_elements(emotes, 10)  AS top_emotes
FROM HOP(messages, timestamp, INTERVAL '${SLIDE_DURATION:-10 seconds}', INTERVAL '${WINDOW_DURATION:-1 minute}')
GROUP BY window_start, window_end, stream_id;

CREATE VIEW viewer_rows AS
SELECT coalesce(stream_id, channel) AS stream_id, timestamp, viewer_count FROM viewer;

CREATE VIEW viewer_windows AS
SELECT window_start, window_end, stream_id, avg(viewer_count) AS avg_viewers
FROM HOP(viewer_rows, timestamp, INTERVAL '${SLIDE_DURATION:-10 seconds}', INTERVAL '${WINDOW_DURATION:-1 minute}')
GROUP BY window_start, window_end, stream_id;

-- Windows with viewers and no chat give no row.
CREATE VIEW joined AS
SELECT c.window_start, c.window_end, c.stream_id, c.chat_count, c.unique_chatters, c.avg_sentiment,
       c.positive_count, c.negative_count,
       c.chat_count / (epoch_us(c.window_end - c.window_start) / 1e6) AS chat_rate,
       coalesce(v.avg_viewers, 0.0) AS avg_viewers, coalesce(c.top_emotes, []) AS top_emotes
FROM chat_windows c LEFT JOIN viewer_windows v
  ON c.window_start = v.window_start AND c.window_end = v.window_end AND c.stream_id = v.stream_id;

-- The ten rows before; with ANOMALY_BASELINE = inclusive the current one is the eleventh. Then no z can
-- be above sqrt(11 - 1) = 3.162, and thresholds of 3.2 and more never fire.
CREATE VIEW baselines AS
SELECT *,
       count(*)              OVER baseline AS baseline_rows,
       avg(chat_rate)        OVER baseline AS baseline_mean,
       stddev_pop(chat_rate) OVER baseline AS baseline_spread
FROM joined
WINDOW baseline AS (
  PARTITION BY stream_id ORDER BY window_start ROWS BETWEEN 10 PRECEDING
  AND (CASE WHEN '${ANOMALY_BASELINE:-exclusive}' = 'inclusive' THEN 0 ELSE 1 END) PRECEDING);

-- Equal values must give exactly 0, in whatever order they were summed.
CREATE VIEW scored AS
SELECT * EXCLUDE (baseline_rows, baseline_mean, baseline_spread),
       CASE WHEN baseline_rows < 3 OR baseline_spread IS NULL OR baseline_spread < 1e-12 THEN 0.0::DOUBLE
            ELSE (chat_rate - baseline_mean) / baseline_spread END AS z_score
FROM baselines;

CREATE SINK chat_summary_minute WITH (
  connector = (CASE WHEN '${KAFKA_BOOTSTRAP_SERVERS:-}' = '' THEN 'files' ELSE 'postgres' END),
  -- PostgreSQL
  url = '${POSTGRES_URL:-jdbc:postgresql://postgres:5432/telemetra}',
  user = '${POSTGRES_USER:-telemetra}',
  password = '${POSTGRES_PASSWORD:-telemetra}',
  table = 'chat_summary_minute',
  ddl = 'CREATE TABLE IF NOT EXISTS chat_summary_minute (
    id SERIAL PRIMARY KEY,
    stream_id VARCHAR(255) NOT NULL,
    window_start TIMESTAMP NOT NULL,
    window_end TIMESTAMP NOT NULL,
    chat_count INTEGER DEFAULT 0,
    unique_chatters INTEGER DEFAULT 0,
    avg_sentiment DOUBLE PRECISION,
    positive_count INTEGER DEFAULT 0,
    negative_count INTEGER DEFAULT 0,
    chat_rate DOUBLE PRECISION,
    avg_viewers DOUBLE PRECISION,
    top_emotes TEXT[],
    z_score DOUBLE PRECISION,
    is_anomaly BOOLEAN DEFAULT FALSE,
    processed_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
  );
  CREATE INDEX IF NOT EXISTS idx_chat_summary_stream ON chat_summary_minute(stream_id, window_start DESC);',
  -- Files
  path = '${OUTPUT_PATH:-/tmp/telemetra}/chat_summary_minute',
  format = 'json'
) AS
SELECT stream_id, window_start, window_end, chat_count::INTEGER AS chat_count,
       unique_chatters::INTEGER AS unique_chatters, avg_sentiment,
       positive_count::INTEGER AS positive_count, negative_count::INTEGER AS negative_count,
       chat_rate, avg_viewers, top_emotes, z_score, z_score > ${ANOMALY_THRESHOLD:-3.0} AS is_anomaly
FROM scored;

CREATE SINK moments WITH (
  connector = (CASE WHEN '${KAFKA_BOOTSTRAP_SERVERS:-}' = '' THEN 'files' ELSE 'postgres' END),
  -- PostgreSQL
  url = '${POSTGRES_URL:-jdbc:postgresql://postgres:5432/telemetra}',
  user = '${POSTGRES_USER:-telemetra}',
  password = '${POSTGRES_PASSWORD:-telemetra}',
  table = 'moments',
  ddl = 'CREATE TABLE IF NOT EXISTS moments (
    id SERIAL PRIMARY KEY,
    stream_id VARCHAR(255) NOT NULL,
    timestamp TIMESTAMP NOT NULL,
    moment_type VARCHAR(50) NOT NULL,
    description TEXT,
    intensity DOUBLE PRECISION,
    metadata JSONB,
    detected_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
  );
  CREATE INDEX IF NOT EXISTS idx_moments_stream ON moments(stream_id, timestamp DESC);',
  -- Files
  path = '${OUTPUT_PATH:-/tmp/telemetra}/moments',
  format = 'json'
) AS
SELECT stream_id, window_start AS timestamp, 'chat_spike' AS moment_type,
       printf('chat_rate: %.2f, z_score: %.2f, chat_count: %d', chat_rate, z_score, chat_count) AS description,
       chat_rate AS intensity,
       to_json({'chat_count': chat_count, 'unique_chatters': unique_chatters, 'avg_viewers': avg_viewers, 'z_score': z_score})::VARCHAR AS metadata
FROM scored
WHERE z_score > ${ANOMALY_THRESHOLD:-3.0};
