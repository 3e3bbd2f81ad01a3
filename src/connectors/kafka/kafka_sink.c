// SPDX-License-Identifier: MIT
// Kafka as a sink, exactly once. deliver only remembers the rows; commit sends those of all sinks
// of the group in one transaction, so that topics which change together are seen together by
// readers of committed records. What the transaction remembers at the broker, and how a doubt about
// a commit is resolved: transaction.h. The group's transaction belongs to its first sink; recover
// opens one for its own topic only and closes it again, since only the newest may live.
//
// Batch: one transaction for the whole run, committed by finish; it has no marks, a run that is
// repeated writes again.
#include "connectors/kafka/kafka_sink.h"
#include "connectors/kafka/transaction.h"

#include "base/clock.h"
#include "base/log.h"
#include <inttypes.h>
#include <stdio.h>

#define PAUSE_US (300 * US_PER_MS) // between two tries at start

struct kafka_sink_options {
    struct kafka_client_options client;
    struct str topic, key, headers, partition, transactional_id;
    int format, compression;
    int64_t give_up_after_us;
};

static const char *const format_words[] = {"json", "raw", NULL};
static const char *const compression_words[] = {"lz4", "zstd", "snappy", "gzip", "none", NULL};
static const char *const row_options[] = {"key", "headers", "partition", NULL};

#define OPTION(name_, kind_, fallback_, member, help_)                                             \
    {                                                                                              \
        .name = name_, .kind = kind_, .fallback = fallback_, .help = help_,                        \
        .offset = offsetof(struct kafka_sink_options, member)                                      \
    }
static const struct option kafka_sink_options[] = {
    OPTION("topic", OPTION_TEXT, NULL, topic, "topic to write to; it must be there"),
    KAFKA_CLIENT_OPTIONS(struct kafka_sink_options),
    OPTION("key", OPTION_TEXT, "", key,
           "key of the records: an expression over the row, key = (device_id)"),
    OPTION("headers", OPTION_TEXT, "", headers,
           "headers: an expression that gives a struct, headers = ({'source': device_id})"),
    OPTION("partition", OPTION_TEXT, "", partition,
           "partition: an expression, partition = (id % 4); else by the key as Java's clients do, "
           "without key in turn"),
    {.name = "format",
     .kind = OPTION_WORD,
     .fallback = "json",
     .help = "json: an object of the columns; raw: the bytes of the only column",
     .offset = offsetof(struct kafka_sink_options, format),
     .words = format_words},
    {.name = "compression",
     .kind = OPTION_WORD,
     .fallback = "lz4",
     .help = "of batches: lz4, zstd, snappy, gzip, none",
     .offset = offsetof(struct kafka_sink_options, compression),
     .words = compression_words},
    OPTION("transactional_id", OPTION_TEXT, "", transactional_id,
           "names this pipeline at the broker; default firesteel-<pipeline>"),
    OPTION("give_up_after", OPTION_DURATION, "20 seconds", give_up_after_us,
           "at start: no broker for so long ends the run (exit 75)"),
};

struct sink {
    const struct kafka_sink_options *options;
    struct sink_context context;
    struct arena arena;
    const char *topic, *id, *name;
    struct record_shape shape;
    struct record record;
    struct chunk *chunk;
    // Rows of the delivery that commit will send; the engine keeps them until then.
    const struct segment *const *segments;
    size_t segments_len;
    int topic_index;                 // in the group's transaction
    struct transaction *transaction; // of the group's first sink
    bool has_sent;                   // batch: earlier deliveries are in the open transaction
};

static void kafka_close(struct sink *sink)
{
    transaction_free(sink->transaction);
    if (sink->chunk != NULL)
        chunk_free(sink->chunk);
    record_clear(&sink->record);
    arena_clear(&sink->arena);
    heap_free(sink);
}

static bool is_batch(const struct sink *sink)
{
    return sink->context.execution == EXECUTION_BATCH;
}

static struct transaction *transaction_make(const struct sink *sink)
{
    const struct transaction_options options = {
        .client = &sink->options->client,
        .values = sink->context.values,
        .values_len = sink->context.values_len,
        .name = sink->name,
        .id = sink->id,
        .compression = compression_words[sink->options->compression],
        .checkpoint = sink->context.checkpoint,
        .generation = sink->context.generation,
        .has_marks = !is_batch(sink),
    };
    return transaction_new(&options);
}

static bool topic_check(struct str topic, struct error *err)
{
    if (topic.len == 0)
        return error_set(err, ERROR_USER, "kafka: topic is empty");
    for (size_t i = 0; i < topic.len; i++) {
        char c = topic.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
        if (!is_plain || topic.len > 249)
            return error_set(err, ERROR_USER,
                             "kafka: topic = '%.*s': a topic has at most 249 letters, digits, '.', "
                             "'_' and '-'",
                             STR_ARGS(topic));
    }
    return true;
}

static bool shape_init(struct sink *sink, struct error *err)
{
    const struct kafka_sink_options *options = sink->options;
    struct record_shape *shape = &sink->shape;
    *shape = (struct record_shape){.format = (enum record_format)options->format,
                                   .columns = sink->context.columns,
                                   .columns_len = sink->context.columns_len};
    if (!record_shape_init(shape, options->key.len > 0, options->headers.len > 0,
                           options->partition.len > 0, err))
        return false;
    // The last of several rows with a key replaces the others, as compacted topics have it.
    if (!sink->context.emits_changes || shape->key >= 0)
        return true;
    shape->upsert_keys = ARENA_ARRAY(&sink->arena, int, sink->context.keys_len);
    for (size_t k = 0; k < sink->context.keys_len; k++)
        for (size_t i = 0; i < sink->context.columns_len; i++)
            if (str_equal_nocase(sink->context.columns[i].name, sink->context.keys[k])) {
                shape->upsert_keys[shape->upsert_keys_len++] = (int)i;
                break;
            }
    return true;
}

static bool sink_init(struct sink *sink, struct error *err)
{
    const struct kafka_sink_options *options = sink->options;
    struct arena *arena = &sink->arena;
    sink->topic = arena_cstr(arena, options->topic);
    sink->name = arena_print(arena, "sink %.*s", STR_ARGS(sink->context.name)).ptr;
    struct str id = options->transactional_id;
    if (id.len == 0)
        id = arena_print(arena, "firesteel-%.*s", STR_ARGS(sink->context.pipeline));
    sink->id = arena_print(arena, "%.*s%s", STR_ARGS(id), is_batch(sink) ? "-batch" : "").ptr;
    if (!topic_check(options->topic, err) || !shape_init(sink, err))
        return false;
    // Mistakes in the options show now, not at the first row.
    rd_kafka_conf_t *conf =
        kafka_conf_new(&options->client, sink->context.values, sink->context.values_len, err);
    if (conf == NULL)
        return false;
    rd_kafka_conf_destroy(conf);
    const struct type **types = ARENA_ARRAY(arena, const struct type *, sink->context.columns_len);
    for (size_t i = 0; i < sink->context.columns_len; i++)
        types[i] = sink->context.columns[i].type;
    sink->chunk = chunk_new(types, sink->context.columns_len);
    return true;
}

static struct sink *kafka_open(const void *options, const struct sink_context *context,
                               struct error *err)
{
    struct sink *sink = heap_new(sizeof(*sink));
    sink->options = options;
    sink->context = *context;
    if (sink_init(sink, err))
        return sink;
    kafka_close(sink);
    return NULL;
}

static void kafka_group_key(const struct sink *sink, struct buf *out)
{
    const struct kafka_sink_options *options = sink->options;
    buf_print(out, "%.*s %s %.*s %s %s", STR_ARGS(options->client.bootstrap_servers),
              kafka_protocol_words[options->client.security_protocol],
              STR_ARGS(options->client.sasl_username), compression_words[options->compression],
              sink->id);
}

static bool recover_once(struct sink *sink, uint64_t *epoch, struct error *err)
{
    *epoch = 0;
    struct transaction *transaction = transaction_make(sink);
    transaction_topic(transaction, sink->topic);
    bool is_good =
        transaction_open(transaction, epoch, err) && transaction_check_topics(transaction, err);
    transaction_free(transaction);
    return is_good;
}

static bool kafka_recover(struct sink *sink, uint64_t *epoch, struct error *err)
{
    int64_t until_us = clock_monotonic_us() + sink->options->give_up_after_us;
    bool is_said = false;
    while (!recover_once(sink, epoch, err)) {
        if (err->kind != ERROR_RETRY || clock_monotonic_us() >= until_us)
            return false;
        if (!is_said)
            log_warn("%s: cannot begin, trying again: %s", sink->name, err->text);
        is_said = true;
        error_clear(err);
        clock_sleep_us(PAUSE_US);
    }
    return true;
}

static bool kafka_deliver(struct sink *sink, const struct delivery *delivery,
                          struct error *err UNUSED)
{
    sink->segments = delivery->segments;
    sink->segments_len = delivery->segments_len;
    return true;
}

// ---- Commit ----------------------------------------------------------------------------------
#define TAG_SINK_SHIFT 40 // rows below, sinks above
#define TAG_ROW_MASK ((UINT64_C(1) << TAG_SINK_SHIFT) - 1)

// Which column is to blame for a record that is too large.
static bool blame(struct sink *sink, uint64_t wanted, bool is_too_large, uint64_t epoch,
                  struct error *err)
{
    int64_t left = (int64_t)wanted;
    for (size_t s = 0; s < sink->segments_len; s++) {
        const struct segment *segment = sink->segments[s];
        if (left >= segment->rows) {
            left -= segment->rows;
            continue;
        }
        AUTO(buf_clear) struct buf text = {0};
        buf_add_cstr(&text, err->text);
        if (is_too_large) {
            size_t bytes;
            segment_read(segment, left, 1, sink->chunk);
            struct str widest = record_widest(&sink->shape, sink->chunk, 0, &bytes);
            buf_print(&text, "; its widest column is %.*s with %zu bytes", STR_ARGS(widest), bytes);
        }
        return error_set(err, ERROR_DATA, "row %" PRIu64 " of epoch %" PRIu64 " for %s: %s",
                         wanted + 1, epoch, sink->name, buf_cstr(&text));
    }
    return false;
}

static bool rows_send(struct sink *sink, struct transaction *transaction, uint64_t epoch,
                      uint64_t sink_tag, struct error *err)
{
    uint64_t row = 0;
    for (size_t s = 0; s < sink->segments_len; s++) {
        const struct segment *segment = sink->segments[s];
        for (int64_t at = 0; at < segment->rows; at += ROWS_PER_VECTOR) {
            int64_t left = segment->rows - at;
            size_t count = left < ROWS_PER_VECTOR ? (size_t)left : ROWS_PER_VECTOR;
            segment_read(segment, at, count, sink->chunk);
            for (size_t i = 0; i < count; i++, row++) {
                if (!record_encode(&sink->shape, sink->chunk, i, &sink->record, err)) {
                    transaction_abort(transaction);
                    return error_wrap(err, "%s: row %" PRIu64 " of epoch %" PRIu64, sink->name,
                                      row + 1, epoch);
                }
                if (!transaction_send(transaction, sink->topic_index, &sink->record, epoch,
                                      sink_tag | row, err))
                    return false;
            }
        }
    }
    return true;
}

static struct transaction *group_transaction(struct sink *const *sinks, size_t sinks_len)
{
    struct sink *first = sinks[0];
    if (first->transaction != NULL)
        return first->transaction;
    first->transaction = transaction_make(first);
    for (size_t i = 0; i < sinks_len; i++)
        sinks[i]->topic_index = transaction_topic(first->transaction, sinks[i]->topic);
    return first->transaction;
}

static bool group_send(struct sink *const *sinks, size_t sinks_len, struct transaction *transaction,
                       uint64_t epoch, struct error *err)
{
    for (size_t i = 0; i < sinks_len; i++)
        if (!rows_send(sinks[i], transaction, epoch, (uint64_t)i << TAG_SINK_SHIFT, err))
            return false;
    return is_batch(sinks[0]) ? transaction_settle(transaction, err)
                              : transaction_commit(transaction, epoch, err);
}

static void rows_forget(struct sink *const *sinks, size_t sinks_len)
{
    for (size_t i = 0; i < sinks_len; i++) {
        sinks[i]->segments = NULL;
        sinks[i]->segments_len = 0;
    }
}

static bool kafka_commit(struct sink *const *sinks, size_t sinks_len, uint64_t epoch,
                         struct error *err)
{
    struct sink *first = sinks[0];
    struct transaction *transaction = group_transaction(sinks, sinks_len);
    uint64_t committed = 0;
    bool is_good = transaction_open(transaction, &committed, err);
    bool is_there = is_good && !is_batch(first) && committed >= epoch;
    if (is_good && !is_there)
        is_good = ((is_batch(first) && first->has_sent) || transaction_begin(transaction, err)) &&
                  group_send(sinks, sinks_len, transaction, epoch, err);
    if (!is_good && err->kind == ERROR_DATA) {
        bool is_too_large;
        uint64_t tag = transaction_failed_tag(transaction, &is_too_large);
        if (tag >> TAG_SINK_SHIFT < sinks_len)
            blame(sinks[tag >> TAG_SINK_SHIFT], tag & TAG_ROW_MASK, is_too_large, epoch, err);
    }
    if (!is_good && is_batch(first) && first->has_sent && err->kind == ERROR_RETRY) {
        err->kind = ERROR_FATAL; // what was sent before is gone with the transaction
        error_wrap(err, "the run's transaction is lost, nothing of it is readable; run it again");
    }
    rows_forget(sinks, sinks_len);
    first->has_sent = is_good;
    return is_good;
}

static bool kafka_finish(struct sink *sink, struct error *err)
{
    if (!is_batch(sink) || sink->transaction == NULL || !sink->has_sent)
        return true;
    sink->has_sent = false;
    return transaction_end(sink->transaction, err);
}

static bool kafka_adopt(struct sink *sink, struct buf *before, struct error *err)
{
    struct transaction *transaction = transaction_make(sink);
    transaction_topic(transaction, sink->topic);
    bool is_good = transaction_adopt(transaction, before, err);
    transaction_free(transaction);
    return is_good;
}

const struct sink_type kafka_sink_type = {
    .name = "kafka",
    .summary = "topics of a Kafka cluster, a transaction for each commit",
    .options = kafka_sink_options,
    .options_len = COUNT_OF(kafka_sink_options),
    .options_size = sizeof(struct kafka_sink_options),
    .promise = PROMISE_EXACTLY_ONCE,
    .takes_changes = true,
    .row_options = row_options,
    .open = kafka_open,
    .group_key = kafka_group_key,
    .recover = kafka_recover,
    .deliver = kafka_deliver,
    .commit = kafka_commit,
    .finish = kafka_finish,
    .adopt = kafka_adopt,
    .close = kafka_close,
};
