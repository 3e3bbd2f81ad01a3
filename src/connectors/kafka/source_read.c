// SPDX-License-Identifier: MIT
// Messages into batches. All partitions feed one queue of librdkafka, which is emptied by a
// callback: that takes the queue's lock once a call instead of once a message. The callback copies
// the payload, once, behind the one before it; offsets and positions are numbers; nothing is
// allocated.
//
// A position moves by messages and by librdkafka's "end of partition": transaction markers and
// aborted records take offsets too but give no message, so the end of a log may be behind the last
// message that is ever seen.
#include "connectors/kafka/kafka_source.h"

#include "base/failpoint.h"
#include "base/log.h"
#include "formats/utf8.h"
#include <string.h>

#define PADDING 64 // readable bytes behind a payload
#define ROOM_BYTES_MIN ((size_t)1 << 20)
#define WAIT_MS 20
#define START_WAIT_MS 50
#define QUIET_US (2 * US_PER_SECOND) // nothing for so long: trouble of the cluster is ours
#define LAG_EVERY_US US_PER_SECOND

static char *room_for(struct source *source, size_t len)
{
    if (UNLIKELY((size_t)(source->room_end - source->room) < len)) {
        size_t bytes = len > source->room_bytes ? len : source->room_bytes;
        source->room = arena_bytes(&source->batch->arena, bytes + PADDING);
        source->room_end = source->room + bytes;
    }
    char *room = source->room;
    source->room += len;
    return room;
}

static struct str keep(struct source *source, struct str bytes)
{
    char *copy = room_for(source, bytes.len);
    memcpy(copy, bytes.ptr, bytes.len);
    return (struct str){copy, bytes.len};
}

// Bytes that are no text become \x and hexadecimal digits, since VARCHAR holds only UTF-8.
static void print_bytes(struct buf *out, struct str bytes)
{
    if (utf8_is_valid(bytes.ptr, bytes.len)) {
        buf_add_str(out, bytes);
        return;
    }
    buf_add_cstr(out, "\\x");
    for (size_t i = 0; i < bytes.len; i++)
        buf_print(out, "%02x", (unsigned char)bytes.ptr[i]);
}

static struct str key_text(struct source *source, const rd_kafka_message_t *message)
{
    struct str key = {message->key, message->key_len};
    if (key.ptr == NULL || key.len == 0)
        return key.ptr == NULL ? (struct str){0} : STR("");
    if (utf8_is_valid(key.ptr, key.len))
        return keep(source, key);
    AUTO(buf_clear) struct buf text = {0};
    print_bytes(&text, key);
    return keep(source, buf_str(&text));
}

// {"name":"value",..} in the order of the message; a header without a value is null.
static struct str headers_text(struct source *source, const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return (struct str){0};
    AUTO(buf_clear) struct buf text = {0}, value_text = {0};
    const char *name;
    const void *value;
    size_t size;
    for (size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
         i++) {
        buf_add_char(&text, i > 0 ? ',' : '{');
        buf_reset(&value_text);
        print_bytes(&value_text, str_of(name));
        buf_add_json_string(&text, buf_str(&value_text));
        buf_add_char(&text, ':');
        buf_reset(&value_text);
        if (value != NULL)
            print_bytes(&value_text, (struct str){value, size});
        if (value == NULL)
            buf_add_cstr(&text, "null");
        else
            buf_add_json_string(&text, buf_str(&value_text));
    }
    buf_add_char(&text, '}');
    return keep(source, buf_str(&text));
}

static void add_metadata(struct source *source, const rd_kafka_message_t *message, size_t row)
{
    struct batch *batch = source->batch;
    if (source->context.wants_timestamps) {
        rd_kafka_timestamp_type_t type;
        int64_t time_ms = rd_kafka_message_timestamp(message, &type);
        batch->timestamps_us[row] =
            type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? 0 : time_ms * US_PER_MS;
    }
    if (source->context.wants_keys)
        batch->keys[row] = key_text(source, message);
    if (source->context.wants_headers)
        batch->headers[row] = headers_text(source, message);
}

static void touch(struct source *source, uint32_t index)
{
    if (LIKELY(source->states[index].is_touched))
        return;
    source->states[index].is_touched = true;
    if (source->touched_len == source->touched_capacity) {
        source->touched_capacity =
            source->touched_capacity == 0 ? 16 : source->touched_capacity * 2;
        source->touched =
            heap_resize(source->touched, source->touched_capacity * sizeof(*source->touched));
    }
    source->touched[source->touched_len++] = index;
}

// The partition a message belongs to; UINT32_MAX: none of ours. Messages come in runs.
static uint32_t index_of(struct source *source, const rd_kafka_message_t *message)
{
    if (LIKELY(message->rkt == source->last_topic && message->partition == source->last_number))
        return source->last_index;
    int64_t index = -1;
    for (size_t t = 0; index < 0 && t < source->topics_len; t++)
        if (message->rkt != NULL && source->topics[t]->handle == message->rkt)
            index = source_partition_find(source->topics[t], message->partition);
    if (index < 0)
        return UINT32_MAX;
    source->last_topic = message->rkt;
    source->last_number = message->partition;
    source->last_index = (uint32_t)index;
    return source->last_index;
}

static void end_partition(struct source *source, uint32_t index)
{
    struct partition_state *state = &source->states[index];
    source->partitions[index].offset = state->end;
    source->partitions[index].is_end = true;
    state->phase = PHASE_ENDED;
    touch(source, index);
}

// ---- What is no message ----------------------------------------------------------------------
static void take_end(struct source *source, uint32_t index, int64_t offset)
{
    struct partition *partition = &source->partitions[index];
    source->got_anything = true;
    if (offset >= source->states[index].end) {
        end_partition(source, index);
        return;
    }
    if (offset > partition->offset) // markers and aborted records lie between
        partition->offset = offset;
    partition->is_end = true;
    touch(source, index);
}

static void take_error(struct source *source, const rd_kafka_message_t *message, uint32_t index)
{
    struct topic *topic = source->states[index].topic;
    const char *text = rd_kafka_message_errstr(message);
    log_debug("source %.*s: kafka: %.*s: %s", STR_ARGS(source->context.name),
              STR_ARGS(source->partitions[index].name), text);
    switch ((int)message->err) {
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__LOG_TRUNCATION:
        source->states[index].phase = PHASE_LOST;
        touch(source, index);
        metadata_request(source);
        return;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_INCONSISTENT_TOPIC_ID:
        metadata_request(source); // what is there now says whether this passes
        return;
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
        error_set(&source->error, ERROR_FATAL,
                  "kafka: topic '%.*s', partition %d: damaged records at offset %lld or behind: "
                  "%s; the broker's log must be repaired, or a new checkpoint started behind them",
                  STR_ARGS(topic->name), message->partition,
                  (long long)source->partitions[index].offset, text);
        return;
    default:
        kafka_fail(source->client, message->err, text, &source->error,
                   "reading topic '%.*s', partition %d", STR_ARGS(topic->name), message->partition);
    }
}

// ---- Messages --------------------------------------------------------------------------------
static void on_message(rd_kafka_message_t *message, void *opaque)
{
    struct source *source = opaque;
    uint32_t index = index_of(source, message);
    if (UNLIKELY(index == UINT32_MAX || source->states[index].phase != PHASE_READING))
        return;
    if (UNLIKELY(message->err != RD_KAFKA_RESP_ERR_NO_ERROR)) {
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            take_end(source, index, message->offset);
        else
            take_error(source, message, index);
        return;
    }
    struct partition *partition = &source->partitions[index];
    struct batch *batch = source->batch;
    source->got_anything = true;
    if (UNLIKELY(message->offset >= source->states[index].end)) {
        end_partition(source, index);
        return;
    }
    if (UNLIKELY(message->offset < partition->offset))
        return;
    char *payload = room_for(source, message->len);
    if (message->len > 0)
        memcpy(payload, message->payload, message->len);
    size_t row = batch->rows;
    batch_add(batch, payload, message->len, index, message->offset);
    if (source->context.wants_timestamps || source->context.wants_keys ||
        source->context.wants_headers)
        add_metadata(source, message, row);
    partition->offset = message->offset + 1;
    partition->line++;
    partition->is_end = false;
    touch(source, index);
    if (batch->rows >= source->rows_max || batch->bytes >= source->bytes_max)
        rd_kafka_yield(source->client->handle);
}

// max_offsets_per_trigger: how many rows this commit_interval may still take.
static size_t rows_left(struct source *source, size_t rows_max)
{
    if (source->trigger_rows_max == 0)
        return rows_max;
    int64_t now_us = clock_monotonic_us();
    if (now_us - source->trigger_since_us >= source->context.commit_interval_us) {
        source->trigger_since_us = now_us;
        source->trigger_rows = 0;
    }
    int64_t left = source->trigger_rows_max - source->trigger_rows;
    return left <= 0 ? 0 : (size_t)left < rows_max ? (size_t)left : rows_max;
}

static void give_positions(struct source *source)
{
    for (size_t i = 0; i < source->touched_len; i++) {
        uint32_t index = source->touched[i];
        struct partition_state *state = &source->states[index];
        const struct partition *partition = &source->partitions[index];
        state->is_touched = false;
        if (state->phase != PHASE_READING)
            source_stop(source, index);
        if (partition->offset >= state->end && state->phase == PHASE_READING) {
            source_stop(source, index);
            state->phase = PHASE_ENDED;
        }
        bool is_end = partition->is_end || state->phase == PHASE_ENDED;
        state->is_announced = state->is_announced || state->phase == PHASE_ENDED;
        batch_position_set(source->batch, index, partition->offset, partition->line, is_end, false);
    }
    source->touched_len = 0;
}

static void take_messages(struct source *source, struct batch *batch, size_t rows_max,
                          size_t bytes_max)
{
    source->batch = batch;
    source->rows_max = rows_left(source, rows_max);
    source->bytes_max = bytes_max;
    source->room = source->room_end = NULL;
    // One block for all: the arena keeps its largest one, so that batches cost no page faults.
    source->room_bytes = source->last_bytes + source->last_bytes / 4;
    if (source->room_bytes < ROOM_BYTES_MIN)
        source->room_bytes = ROOM_BYTES_MIN;
    source->got_anything = false;
    if (source->rows_max == 0) {
        clock_sleep_us(5 * US_PER_MS);
        return;
    }
    rd_kafka_consume_callback_queue(source->queue, WAIT_MS, on_message, source);
    batch->arrival_us = batch->rows > 0 ? clock_monotonic_us() : 0;
    source->last_bytes = batch->bytes;
    source->trigger_rows += (int64_t)batch->rows;
    give_positions(source);
    if (source->got_anything) {
        source->got_us = clock_monotonic_us();
        kafka_client_is_well(source->client);
    }
}

static void set_lag(struct source *source)
{
    int64_t now_us = clock_monotonic_us();
    if (now_us - source->lag_us < LAG_EVERY_US)
        return;
    source->lag_us = now_us;
    for (size_t i = 0; i < source->len; i++) {
        struct partition_state *state = &source->states[i];
        int64_t low, high;
        if (state->phase != PHASE_READING ||
            rd_kafka_get_watermark_offsets(source->client->handle, state->topic->name.ptr,
                                           state->number, &low,
                                           &high) != RD_KAFKA_RESP_ERR_NO_ERROR ||
            high < 0)
            continue;
        int64_t lag = high - source->partitions[i].offset;
        metric_set(state->lag, lag > 0 ? lag : 0);
    }
}

// ---- Trouble and the end ---------------------------------------------------------------------
// A run with an end does not wait for ever.
static bool fail(struct source *source, struct error *err)
{
    int64_t now_us = clock_monotonic_us();
    if (!source_is_bounded(source) || err->kind != ERROR_RETRY)
        return false;
    if (source->down_since_us == 0)
        source->down_since_us = now_us;
    if (now_us - source->down_since_us < source->options->give_up_after_us)
        return false;
    char text[40];
    AUTO(buf_clear) struct buf said = {0};
    buf_add_cstr(&said, err->text);
    return error_set_exit(err, ERROR_FATAL, EXIT_LATER, "%s; gave up after %s", buf_cstr(&said),
                          duration_print(source->options->give_up_after_us, text));
}

static bool is_complete(const struct source *source)
{
    if (!source_is_bounded(source) || !source->discovery.was_done)
        return false;
    for (size_t i = 0; i < source->len; i++) {
        const struct partition_state *state = &source->states[i];
        if ((state->phase != PHASE_ENDED && state->phase != PHASE_IGNORED) || !state->is_announced)
            return false;
    }
    return true;
}

// The client says that nobody is there: kept as trouble until an answer comes.
static void note_outage(struct source *source)
{
    struct discovery *discovery = &source->discovery;
    if (!source->client->is_down || discovery->trouble.kind != ERROR_NONE)
        return;
    kafka_fail(source->client, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, NULL, &discovery->trouble,
               "reading");
    if (discovery->step == DISCOVERY_NONE)
        discovery->due_us = 0;
}

bool source_read(struct source *source, struct batch *batch, size_t rows_max, size_t bytes_max,
                 enum read_state *state, struct error *err)
{
    struct error trouble = {0};
    *state = READ_IDLE;
    batch_reset(batch);
    batch_want(batch, source->context.wants_timestamps, source->context.wants_keys,
               source->context.wants_headers);
    rd_kafka_poll(source->client->handle, 0);
    note_outage(source);
    bool is_well = metadata_run(source, source->discovery.was_done ? 0 : START_WAIT_MS, &trouble);
    if (!is_well && (!source->discovery.was_done || trouble.kind != ERROR_RETRY)) {
        *err = trouble;
        return fail(source, err);
    }
    decide_announce(source, batch);
    FAILPOINT("kafka.decided");
    if (batch->positions_len == 0 && source->discovery.was_done)
        take_messages(source, batch, rows_max, bytes_max);
    if (batch->rows == 0 && batch->positions_len == 0) {
        if (source->error.kind != ERROR_NONE) {
            *err = source->error;
            source->error.kind = ERROR_NONE;
            return fail(source, err);
        }
        bool is_quiet = clock_monotonic_us() - source->got_us > QUIET_US;
        if (!is_well && is_quiet) {
            *err = trouble;
            return fail(source, err);
        }
    }
    if (is_well)
        source->down_since_us = 0;
    set_lag(source);
    source_commit_group(source);
    if (batch->rows > 0 || batch->positions_len > 0)
        *state = READ_ROWS;
    else if (is_complete(source))
        *state = READ_END;
    return true;
}
