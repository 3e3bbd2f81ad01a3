// SPDX-License-Identifier: MIT
// The states: closed, open, begun. Every failure that the client can repair by an abort leaves it
// open; every other closes it, and opening again (init_transactions, then the marks) finds out
// whether the last commit happened. So there is one way to resolve a doubt, used after a crash, a
// lost reply and a broker's death alike.
//
// retry.backoff.ms is 1: right after a commit the broker answers CONCURRENT_TRANSACTIONS to the
// next transaction's first request until the commit markers are written, some milliseconds; with
// librdkafka's 100 ms every second commit would wait that long (docs/decisions/005). The backoff
// grows by itself when it goes on.
#include "connectors/kafka/transaction.h"
#include "connectors/kafka/transaction_marks.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ANSWER_MS 10000
#define QUIET_MAX_US (15 * US_PER_SECOND) // without any acknowledgement
#define TOPICS_MAX 64

struct transaction {
    struct arena arena;
    struct transaction_options options;
    const char *progress_group;
    const char *topics[TOPICS_MAX];
    size_t topics_len;
    struct kafka_client *client; // NULL: closed
    rd_kafka_topic_t *handles[TOPICS_MAX];
    rd_kafka_queue_t *reports;
    rd_kafka_headers_t *headers; // checkpoint and epoch, copied into each record
    uint64_t headers_epoch;
    uint64_t epoch; // newest committed
    bool is_begun;
    uint16_t attempt; // of the transactions begun: reports of earlier ones may still come
    int64_t sent, acknowledged;
    rd_kafka_resp_err_t refusal; // of the first record that was not taken
    uint64_t refused_tag;
    int refused_topic;
};

struct transaction *transaction_new(const struct transaction_options *options)
{
    struct transaction *transaction = heap_new(sizeof(*transaction));
    struct arena *arena = &transaction->arena;
    transaction->options = *options;
    transaction->options.name = arena_cstr(arena, str_of(options->name));
    transaction->options.id = arena_cstr(arena, str_of(options->id));
    transaction->options.compression = arena_cstr(arena, str_of(options->compression));
    transaction->options.checkpoint = arena_str(arena, options->checkpoint);
    transaction->progress_group = arena_print(arena, "%s-progress", options->id).ptr;
    return transaction;
}

// What is not finished is aborted by whoever opens next.
static void client_close(struct transaction *transaction)
{
    transaction->is_begun = false;
    if (transaction->client == NULL)
        return;
    if (transaction->headers != NULL)
        rd_kafka_headers_destroy(transaction->headers);
    transaction->headers = NULL;
    for (size_t i = 0; i < transaction->topics_len; i++)
        if (transaction->handles[i] != NULL)
            rd_kafka_topic_destroy(transaction->handles[i]);
    memset(transaction->handles, 0, sizeof(transaction->handles));
    rd_kafka_queue_destroy(transaction->reports);
    rd_kafka_purge(transaction->client->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    kafka_client_free(transaction->client);
    transaction->client = NULL;
}

void transaction_free(struct transaction *transaction)
{
    if (transaction == NULL)
        return;
    client_close(transaction);
    arena_clear(&transaction->arena);
    heap_free(transaction);
}

int transaction_topic(struct transaction *transaction, const char *name)
{
    ASSERT(transaction->client == NULL);
    for (size_t i = 0; i < transaction->topics_len; i++)
        if (str_is(str_of(transaction->topics[i]), name))
            return (int)i;
    ASSERT(transaction->topics_len < TOPICS_MAX);
    transaction->topics[transaction->topics_len] = arena_cstr(&transaction->arena, str_of(name));
    return (int)transaction->topics_len++;
}

// ---- Errors ----------------------------------------------------------------------------------
static bool is_fenced(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
           code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

void transaction_abort(struct transaction *transaction)
{
    if (!transaction->is_begun)
        return;
    transaction->is_begun = false;
    rd_kafka_error_t *error = rd_kafka_abort_transaction(transaction->client->handle, ANSWER_MS);
    if (error == NULL)
        return;
    log_debug("%s: kafka: aborting a transaction: %s", transaction->options.name,
              rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    client_close(transaction);
}

// A newer writer ends this job; all else is tried again, from the start of the transaction. text:
// of the client, or NULL.
static bool fail_code(struct transaction *transaction, rd_kafka_resp_err_t code, const char *text,
                      bool needs_abort, const char *what, struct error *err)
{
    kafka_fail(transaction->client, code, text, err, "%s", what);
    err->kind = err->kind == ERROR_USER ? ERROR_USER : ERROR_RETRY;
    if (is_fenced(code))
        error_set(err, ERROR_FATAL,
                  "kafka: %s: fenced: another writer with transactional id '%s' has taken over and "
                  "goes on; this run ends (two sinks that spell bootstrap_servers differently do "
                  "this to each other, too)",
                  what, transaction->options.id);
    if (needs_abort && !is_fenced(code))
        transaction_abort(transaction);
    else
        client_close(transaction);
    return false;
}

// Takes error.
static bool fail(struct transaction *transaction, rd_kafka_error_t *error, const char *what,
                 struct error *err)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    char text[512];
    snprintf(text, sizeof(text), "%s", rd_kafka_error_string(error));
    bool needs_abort = rd_kafka_error_txn_requires_abort(error);
    rd_kafka_error_destroy(error);
    if (code == RD_KAFKA_RESP_ERR__FATAL)
        code = rd_kafka_fatal_error(transaction->client->handle, text, sizeof(text));
    return fail_code(transaction, code, text, needs_abort, what, err);
}

// ---- Opening ---------------------------------------------------------------------------------
static bool client_make(struct transaction *transaction, struct error *err)
{
    const struct transaction_options *options = &transaction->options;
    rd_kafka_conf_t *conf =
        kafka_conf_new(options->client, options->values, options->values_len, err);
    if (conf == NULL)
        return false;
    const struct {
        const char *name, *value;
    } defaults[] = {
        {"linger.ms", "1"},
        {"compression.type", options->compression},
        {"partitioner", "murmur2_random"}, // as Java's clients do it
        {"batch.size", "1000000"},
        {"queue.buffering.max.messages", "500000"},
        {"queue.buffering.max.kbytes", "65536"},
        {"retry.backoff.ms", "1"},
        {"retry.backoff.max.ms", "200"},
        {"topic.metadata.propagation.max.ms", "5000"},
        // A batch is one transaction from its first row to its last: as long as brokers allow.
        {"transaction.timeout.ms", options->has_marks ? "60000" : "900000"},
    };
    for (size_t i = 0; i < COUNT_OF(defaults); i++)
        kafka_conf_default(conf, options->values, options->values_len, defaults[i].name,
                           defaults[i].value);
    kafka_conf_set(conf, "transactional.id", options->id);
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR);
    transaction->client =
        kafka_client_new(RD_KAFKA_PRODUCER, conf, options->name, options->client, err);
    if (transaction->client == NULL)
        return false;
    transaction->reports = rd_kafka_queue_get_main(transaction->client->handle);
    for (size_t i = 0; i < transaction->topics_len; i++) {
        transaction->handles[i] =
            rd_kafka_topic_new(transaction->client->handle, transaction->topics[i], NULL);
        if (transaction->handles[i] == NULL)
            return error_set(err, ERROR_USER, "kafka: topic '%s': %s", transaction->topics[i],
                             rd_kafka_err2str(rd_kafka_last_error()));
    }
    return true;
}

static bool marks_check(struct transaction *transaction, const struct transaction_marks *marks,
                        struct error *err)
{
    const struct transaction_options *options = &transaction->options;
    transaction->epoch = 0;
    for (size_t i = 0; i < transaction->topics_len; i++) {
        const struct transaction_mark *mark = &marks->list[i];
        if (mark->checkpoint.len == 0)
            continue;
        if (!str_equal(mark->checkpoint, options->checkpoint))
            return error_set_exit(
                err, ERROR_FATAL, EXIT_REFUSED,
                "topic '%s' holds rows of this pipeline from checkpoint %.*s, and this one is "
                "%.*s: going on would write rows twice. Use that checkpoint again, or accept with: "
                "firesteel state adopt",
                transaction->topics[i], STR_ARGS(mark->checkpoint), STR_ARGS(options->checkpoint));
        if (mark->generation > options->generation)
            return error_set_exit(
                err, ERROR_FATAL, EXIT_REFUSED,
                "topic '%s' was written by run %" PRIu64 " of this checkpoint up to epoch %" PRIu64
                ", and this is run %" PRIu64
                ": the checkpoint is older than the sink, or another run goes on with it. Restore "
                "the newer checkpoint, or accept with: firesteel state adopt",
                transaction->topics[i], mark->generation, mark->epoch, options->generation);
        if (mark->epoch > transaction->epoch)
            transaction->epoch = mark->epoch;
    }
    return true;
}

static bool init(struct transaction *transaction, struct error *err)
{
    if (!client_make(transaction, err)) {
        client_close(transaction);
        return false;
    }
    rd_kafka_error_t *error = rd_kafka_init_transactions(transaction->client->handle, ANSWER_MS);
    if (error != NULL) {
        rd_kafka_poll(transaction->client->handle, 0); // takes in why
        return fail(transaction, error, "opening transactions", err);
    }
    kafka_client_is_well(transaction->client);
    return true;
}

// Marks are read through a consumer that joins nothing: librdkafka (2.15.1) dereferences a null
// pointer when the coordinator tells a producer's admin call that it has moved.
static struct kafka_client *reader_make(const struct transaction *transaction, struct error *err)
{
    const struct transaction_options *options = &transaction->options;
    rd_kafka_conf_t *conf =
        kafka_conf_new(options->client, options->values, options->values_len, err);
    if (conf == NULL)
        return NULL;
    kafka_conf_set(conf, "group.id", transaction->progress_group);
    struct kafka_client *reader =
        kafka_client_new(RD_KAFKA_CONSUMER, conf, options->name, options->client, err);
    if (reader != NULL)
        kafka_client_is_well(
            reader); // the producer had its answer: what is refused now was allowed
    return reader;
}

static bool marks_load(struct transaction *transaction, struct transaction_marks *marks,
                       struct error *err)
{
    *marks = (struct transaction_marks){
        .list = ARENA_ARRAY(&transaction->arena, struct transaction_mark, transaction->topics_len),
        .topics = transaction->topics,
        .len = transaction->topics_len};
    struct kafka_client *reader = reader_make(transaction, err);
    bool is_read = reader != NULL && transaction_marks_read(reader, transaction->progress_group,
                                                            marks, &transaction->arena, err);
    kafka_client_free(reader);
    if (!is_read)
        client_close(transaction);
    return is_read;
}

bool transaction_open(struct transaction *transaction, uint64_t *epoch, struct error *err)
{
    *epoch = 0;
    if (transaction->client == NULL) {
        struct transaction_marks marks;
        transaction->epoch = 0;
        if (!init(transaction, err))
            return false;
        if (!transaction->options.has_marks)
            return true;
        if (!marks_load(transaction, &marks, err))
            return false;
        if (!marks_check(transaction, &marks, err)) {
            client_close(transaction);
            return false;
        }
    }
    *epoch = transaction->epoch;
    return true;
}

bool transaction_check_topics(struct transaction *transaction, struct error *err)
{
    for (size_t i = 0; i < transaction->topics_len; i++) {
        const struct rd_kafka_metadata *metadata;
        rd_kafka_resp_err_t code = rd_kafka_metadata(transaction->client->handle, 0,
                                                     transaction->handles[i], &metadata, ANSWER_MS);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            return kafka_fail(transaction->client, code, NULL, err, "looking for topic '%s'",
                              transaction->topics[i]);
        code = metadata->topic_cnt > 0 ? metadata->topics[0].err
                                       : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        rd_kafka_metadata_destroy(metadata);
        if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            return error_set(
                err, ERROR_USER,
                "kafka: there is no topic '%s' at %s: make it (with as many partitions "
                "as it shall have), or correct the option topic",
                transaction->topics[i], transaction->client->servers);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            return kafka_fail(transaction->client, code, NULL, err, "looking for topic '%s'",
                              transaction->topics[i]);
    }
    return true;
}

// ---- One delivery ----------------------------------------------------------------------------
bool transaction_begin(struct transaction *transaction, struct error *err)
{
    rd_kafka_error_t *error = rd_kafka_begin_transaction(transaction->client->handle);
    if (error != NULL)
        return fail(transaction, error, "beginning a transaction", err);
    transaction->is_begun = true;
    transaction->attempt++;
    transaction->sent = transaction->acknowledged = 0;
    transaction->refusal = RD_KAFKA_RESP_ERR_NO_ERROR;
    transaction->refused_tag = UINT64_MAX;
    FAILPOINT("kafka.begun");
    return true;
}

static void report_take(struct transaction *transaction, const rd_kafka_message_t *message)
{
    uint64_t tag = (uint64_t)(uintptr_t)message->_private;
    if (tag >> TRANSACTION_TAG_BITS != transaction->attempt)
        return;
    transaction->acknowledged++;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    // After the first refusal the client purges the rest; that one is the reason.
    if (transaction->refusal != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    transaction->refusal = message->err;
    transaction->refused_tag = tag & (((uint64_t)1 << TRANSACTION_TAG_BITS) - 1);
    for (size_t i = 0; i < transaction->topics_len; i++)
        if (transaction->handles[i] == message->rkt)
            transaction->refused_topic = (int)i;
}

// False when there was nothing.
static bool reports_take(struct transaction *transaction, int wait_ms)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(transaction->reports, wait_ms);
    bool has_any = event != NULL;
    for (; event != NULL; event = rd_kafka_queue_poll(transaction->reports, 0)) {
        const rd_kafka_message_t *message;
        while (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR &&
               (message = rd_kafka_event_message_next(event)) != NULL)
            report_take(transaction, message);
        rd_kafka_event_destroy(event);
    }
    return has_any;
}

static rd_kafka_headers_t *headers_make(struct transaction *transaction,
                                        const struct record *record, uint64_t epoch)
{
    if (transaction->headers == NULL || transaction->headers_epoch != epoch) {
        char text[24];
        int len = snprintf(text, sizeof(text), "%" PRIu64, epoch);
        if (transaction->headers != NULL)
            rd_kafka_headers_destroy(transaction->headers);
        transaction->headers = rd_kafka_headers_new(2);
        transaction->headers_epoch = epoch;
        rd_kafka_header_add(transaction->headers, "checkpoint", -1,
                            transaction->options.checkpoint.ptr,
                            (ssize_t)transaction->options.checkpoint.len);
        rd_kafka_header_add(transaction->headers, "epoch", -1, text, len);
    }
    rd_kafka_headers_t *headers = rd_kafka_headers_copy(transaction->headers);
    for (size_t i = 0; i < record->headers_len; i++) {
        const struct record_header *header = &record->headers[i];
        rd_kafka_header_add(headers, header->name.ptr, (ssize_t)header->name.len, header->value.ptr,
                            (ssize_t)header->value.len);
    }
    return headers;
}

static bool refuse_record(struct transaction *transaction, rd_kafka_resp_err_t code, int topic,
                          uint64_t tag, struct error *err)
{
    transaction->refusal = code;
    transaction->refused_tag = tag;
    if (code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
        error_set(err, ERROR_DATA, "kafka: topic '%s' has no such partition",
                  transaction->topics[topic]);
    else
        kafka_fail(transaction->client, code, NULL, err, "writing to topic '%s'",
                   transaction->topics[topic]);
    if (code == RD_KAFKA_RESP_ERR__FATAL)
        code = rd_kafka_fatal_error(transaction->client->handle, NULL, 0);
    if (err->kind != ERROR_DATA)
        return fail_code(transaction, code, NULL, true, "writing records", err);
    transaction_abort(transaction);
    return false;
}

bool transaction_send(struct transaction *transaction, int topic, const struct record *record,
                      uint64_t epoch, uint64_t tag, struct error *err)
{
    rd_kafka_headers_t *headers = headers_make(transaction, record, epoch);
    rd_kafka_vu_t values[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = transaction->handles[topic]},
        {.vtype = RD_KAFKA_VTYPE_PARTITION,
         .u.i32 = record->partition < 0 ? RD_KAFKA_PARTITION_UA : record->partition},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {.ptr = (void *)record->value.ptr, .size = record->value.len}},
        {.vtype = RD_KAFKA_VTYPE_KEY,
         .u.mem = {.ptr = (void *)record->key.ptr, .size = record->key.len}},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE,
         .u.ptr =
             (void *)(uintptr_t)((uint64_t)transaction->attempt << TRANSACTION_TAG_BITS | tag)},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    ASSERT(tag >> TRANSACTION_TAG_BITS == 0);
    int64_t quiet_since_us = clock_monotonic_us();
    for (;;) {
        rd_kafka_error_t *error =
            rd_kafka_produceva(transaction->client->handle, values, COUNT_OF(values));
        if (error == NULL)
            break;
        rd_kafka_resp_err_t code = rd_kafka_error_code(error);
        rd_kafka_error_destroy(error);
        int64_t now_us = clock_monotonic_us();
        bool is_full = code == RD_KAFKA_RESP_ERR__QUEUE_FULL;
        if (is_full && reports_take(transaction, 10))
            quiet_since_us = now_us;
        if (!is_full || now_us - quiet_since_us > QUIET_MAX_US ||
            transaction->refusal != RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_headers_destroy(headers);
            return refuse_record(transaction, is_full ? RD_KAFKA_RESP_ERR__TIMED_OUT : code, topic,
                                 tag, err);
        }
    }
    if (++transaction->sent % 1024 == 0)
        reports_take(transaction, 0);
    return true;
}

bool transaction_settle(struct transaction *transaction, struct error *err)
{
    int64_t quiet_since_us = clock_monotonic_us();
    while (transaction->acknowledged < transaction->sent) {
        if (reports_take(transaction, 50))
            quiet_since_us = clock_monotonic_us();
        else if (clock_monotonic_us() - quiet_since_us > QUIET_MAX_US)
            return refuse_record(transaction, RD_KAFKA_RESP_ERR__TIMED_OUT, 0, 0, err);
    }
    if (transaction->refusal == RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    return refuse_record(transaction, transaction->refusal, transaction->refused_topic,
                         transaction->refused_tag, err);
}

static bool marks_send(struct transaction *transaction, const uint64_t *epochs, struct error *err)
{
    const struct transaction_options *options = &transaction->options;
    rd_kafka_topic_partition_list_t *offsets =
        rd_kafka_topic_partition_list_new((int)transaction->topics_len);
    for (size_t i = 0; i < transaction->topics_len; i++)
        transaction_mark_add(offsets, transaction->topics[i], epochs[i], options->checkpoint,
                             options->generation);
    rd_kafka_consumer_group_metadata_t *group =
        rd_kafka_consumer_group_metadata_new(transaction->progress_group);
    rd_kafka_error_t *error = rd_kafka_send_offsets_to_transaction(transaction->client->handle,
                                                                   offsets, group, ANSWER_MS);
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(offsets);
    return error == NULL || fail(transaction, error, "marking the epoch", err);
}

bool transaction_end(struct transaction *transaction, struct error *err)
{
    FAILPOINT("kafka.before_commit");
    rd_kafka_error_t *error = rd_kafka_commit_transaction(transaction->client->handle, ANSWER_MS);
    if (error != NULL)
        return fail(transaction, error, "committing a transaction", err);
    transaction->is_begun = false;
    FAILPOINT("kafka.committed");
    kafka_client_is_well(transaction->client);
    return true;
}

bool transaction_commit(struct transaction *transaction, uint64_t epoch, struct error *err)
{
    uint64_t epochs[TOPICS_MAX];
    for (size_t i = 0; i < transaction->topics_len; i++)
        epochs[i] = epoch;
    // The marks go while the records are still under way: their round trips overlap.
    if (!marks_send(transaction, epochs, err) || !transaction_settle(transaction, err) ||
        !transaction_end(transaction, err))
        return false;
    transaction->epoch = epoch;
    return true;
}

uint64_t transaction_failed_tag(const struct transaction *transaction, bool *is_too_large)
{
    *is_too_large = transaction->refusal == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
                    transaction->refusal == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE;
    return transaction->refused_tag;
}

bool transaction_adopt(struct transaction *transaction, struct buf *before, struct error *err)
{
    struct transaction_marks marks;
    uint64_t epochs[TOPICS_MAX];
    client_close(transaction);
    if (!init(transaction, err) || !marks_load(transaction, &marks, err))
        return false;
    for (size_t i = 0; i < transaction->topics_len; i++) {
        const struct transaction_mark *mark = &marks.list[i];
        bool is_own = str_equal(mark->checkpoint, transaction->options.checkpoint);
        epochs[i] = is_own ? mark->epoch : 0;
        if (mark->checkpoint.len > 0)
            buf_print(before, "%s%.*s", before->len > 0 ? ", " : "", STR_ARGS(mark->checkpoint));
    }
    bool is_done = transaction_begin(transaction, err) && marks_send(transaction, epochs, err) &&
                   transaction_end(transaction, err);
    client_close(transaction);
    return is_done;
}
