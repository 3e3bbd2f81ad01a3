// SPDX-License-Identifier: MIT
// The Kafka sink against librdkafka's mock cluster, which answers with errors as it is told: each
// request of a transaction fails once, in each way that matters. The mock keeps no isolation and
// marks at once, so what readers see is tested with a real broker (tests/services/kafka_sink).
#include "connector_case.h"

#include "connectors/kafka/kafka_sink.h"
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

enum request {
    REQUEST_PRODUCE = 0,
    REQUEST_OFFSET_FETCH = 9,
    REQUEST_FIND_COORDINATOR = 10,
    REQUEST_INIT_PRODUCER = 22,
    REQUEST_ADD_PARTITIONS = 24,
    REQUEST_ADD_OFFSETS = 25,
    REQUEST_END = 26,
    REQUEST_OFFSET_COMMIT = 28,
};

static rd_kafka_t *host;
static rd_kafka_mock_cluster_t *cluster;
static struct column *columns;
static size_t columns_len;
static struct segment *segments[8];
static size_t segments_len;

static int cluster_begin(void **state)
{
    if (case_begin(state) != 0)
        return -1;
    log_set_level(LOG_OFF);
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    cluster = rd_kafka_mock_cluster_new(host, 1);
    rd_kafka_mock_topic_create(cluster, "t", 4, 1);
    columns = NULL;
    segments_len = segments_of("SELECT i AS id, 'k' || i % 5 AS _key FROM range(100) t(i)",
                               segments, COUNT_OF(segments), &columns, &columns_len);
    return 0;
}

static int cluster_end(void **state)
{
    for (size_t i = 0; i < segments_len; i++)
        segment_free(segments[i]);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(host);
    return case_end(state);
}

static struct sink *sink_new(const char *checkpoint, uint64_t generation, const char *topic,
                             struct error *err)
{
    const struct sink_type *type = &kafka_sink_type;
    const struct option_value values[] = {
        {.name = STR("topic"), .value = str_of(topic)},
        {.name = STR("bootstrap_servers"),
         .value = str_of(rd_kafka_mock_cluster_bootstraps(cluster))},
        {.name = STR("key"), .value = STR("_key")},
        {.name = STR("properties.message.max.bytes"), .value = STR("5000")},
    };
    size_t bad;
    void *options = arena_new(&case_arena, type->options_size);
    assert_true(
        option_fill(type->options, type->options_len, values, 3, options, &case_arena, &bad, err));
    struct option_value *kept = ARENA_ARRAY(&case_arena, struct option_value, COUNT_OF(values));
    memcpy(kept, values, sizeof(values));
    struct sink_context context = {.pipeline = STR("p"),
                                   .name = STR("out"),
                                   .checkpoint = str_of(checkpoint),
                                   .generation = generation,
                                   .clock = &clock_system,
                                   .columns = columns,
                                   .columns_len = columns_len,
                                   .values = kept,
                                   .values_len = COUNT_OF(values),
                                   .database = database};
    return type->open(options, &context, err);
}

static bool deliver(struct sink *sink, uint64_t epoch, struct error *err)
{
    const struct delivery delivery = {.epoch = epoch,
                                      .previous_epoch = epoch - 1,
                                      .segments = (const struct segment *const *)segments,
                                      .segments_len = segments_len,
                                      .rows = 100};
    error_clear(err);
    return kafka_sink_type.deliver(sink, &delivery, err) &&
           kafka_sink_type.commit(&sink, 1, epoch, err);
}

#define CHECKPOINT "11111111-2222-3333-4444-555555555555"
#define OTHER "99999999-2222-3333-4444-555555555555"

// The mock forgets offsets of transactions: a mark as a consumer would commit it.
static void mark_put(const char *checkpoint, uint64_t generation, int64_t epoch)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster), text,
                      sizeof(text));
    rd_kafka_conf_set(conf, "group.id", "firesteel-p-progress", text, sizeof(text));
    rd_kafka_t *consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *mark = rd_kafka_topic_partition_list_add(list, "t", 0);
    snprintf(text, sizeof(text), "%s %d", checkpoint, (int)generation);
    mark->offset = epoch;
    mark->metadata = strdup(text);
    mark->metadata_size = strlen(text);
    assert_int_equal(rd_kafka_commit(consumer, list, 0), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
}

static int64_t records(void)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster), text,
                      sizeof(text));
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    int64_t all = 0;
    for (int32_t i = 0; i < 4; i++) {
        int64_t low, high;
        assert_int_equal(rd_kafka_query_watermark_offsets(client, "t", i, &low, &high, 5000), 0);
        all += high;
    }
    rd_kafka_destroy(client);
    return all;
}

static void marks_tell_what_was_committed(void **state)
{
    (void)state;
    struct error err = {0};
    uint64_t epoch = 1;
    struct sink *sink = sink_new(CHECKPOINT, 2, "t", &err);
    CHECK(kafka_sink_type.recover(sink, &epoch, &err));
    assert_int_equal(epoch, 0);
    mark_put(CHECKPOINT, 1, 7);
    CHECK(kafka_sink_type.recover(sink, &epoch, &err));
    assert_int_equal(epoch, 7);
    CHECK(deliver(sink, 7, &err)); // its commit's reply was lost: nothing is sent again
    assert_int_equal(records(), 0);
    CHECK(deliver(sink, 8, &err));
    int64_t written = records(); // and the mock's markers
    assert_true(written >= 100);
    CHECK(deliver(sink, 8, &err));
    assert_int_equal(records(), written);
    kafka_sink_type.close(sink);
}

static void strangers_and_older_copies_are_refused(void **state)
{
    (void)state;
    struct error err = {0};
    mark_put(CHECKPOINT, 3, 7);
    const struct {
        const char *checkpoint, *text;
        uint64_t generation;
    } cases[] = {{CHECKPOINT, "was written by run 3 of this checkpoint up to epoch 7", 2},
                 {OTHER, "from checkpoint " CHECKPOINT, 4}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t epoch;
        AUTO(buf_clear) struct buf before = {0};
        struct sink *sink = sink_new(cases[i].checkpoint, cases[i].generation, "t", &err);
        assert_false(kafka_sink_type.recover(sink, &epoch, &err));
        assert_int_equal(error_exit_code(&err), EXIT_REFUSED);
        assert_non_null(strstr(err.text, cases[i].text));
        assert_false(
            deliver(sink, 8, &err)); // nor later, should somebody have taken over meanwhile
        assert_int_equal(error_exit_code(&err), EXIT_REFUSED);
        error_clear(&err);
        CHECK(kafka_sink_type.adopt(sink, &before, &err));
        assert_string_equal(buf_cstr(&before), CHECKPOINT);
        kafka_sink_type.close(sink);
    }
    assert_int_equal(records(), 0);
}

static void a_missing_topic_is_named(void **state)
{
    (void)state;
    struct error err = {0};
    uint64_t epoch;
    rd_kafka_mock_topic_set_error(cluster, "nothing", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    struct sink *sink = sink_new(CHECKPOINT, 1, "nothing", &err);
    assert_false(kafka_sink_type.recover(sink, &epoch, &err));
    assert_int_equal(err.kind, ERROR_USER);
    assert_non_null(strstr(err.text, "there is no topic 'nothing'"));
    kafka_sink_type.close(sink);
}

enum outcome { OUTCOME_DONE, OUTCOME_AGAIN, OUTCOME_DATA, OUTCOME_FATAL };
static const struct {
    const char *name;
    enum request request;
    rd_kafka_resp_err_t code;
    enum outcome outcome; // of the first try; AGAIN: the second one succeeds
} errors[] = {
    {"find coordinator", REQUEST_FIND_COORDINATOR, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
     OUTCOME_DONE},
    {"init, loading", REQUEST_INIT_PRODUCER, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
     OUTCOME_DONE},
    {"init, fenced", REQUEST_INIT_PRODUCER, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, OUTCOME_FATAL},
    {"marks, loading", REQUEST_OFFSET_FETCH, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
     OUTCOME_DONE},
    {"marks, unstable", REQUEST_OFFSET_FETCH, RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT,
     OUTCOME_DONE},
    {"marks, not allowed", REQUEST_OFFSET_FETCH, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
     OUTCOME_AGAIN},
    {"add partitions, busy", REQUEST_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
     OUTCOME_DONE},
    {"add partitions, not allowed", REQUEST_ADD_PARTITIONS,
     RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, OUTCOME_AGAIN},
    {"produce, moved", REQUEST_PRODUCE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, OUTCOME_DONE},
    {"produce, refused", REQUEST_PRODUCE, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
     OUTCOME_AGAIN},
    {"produce, too large", REQUEST_PRODUCE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, OUTCOME_DATA},
    {"add offsets, busy", REQUEST_ADD_OFFSETS, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
     OUTCOME_DONE},
    {"add offsets, not allowed", REQUEST_ADD_OFFSETS, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
     OUTCOME_AGAIN},
    {"offsets, loading", REQUEST_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
     OUTCOME_DONE},
    {"offsets, not allowed", REQUEST_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
     OUTCOME_AGAIN},
    {"end, loading", REQUEST_END, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, OUTCOME_DONE},
    {"end, wrong state", REQUEST_END, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, OUTCOME_AGAIN},
    {"end, fenced", REQUEST_END, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, OUTCOME_FATAL},
};

static enum outcome outcome_of(bool is_done, const struct error *err)
{
    if (is_done)
        return OUTCOME_DONE;
    return err->kind == ERROR_DATA    ? OUTCOME_DATA
           : err->kind == ERROR_RETRY ? OUTCOME_AGAIN
                                      : OUTCOME_FATAL;
}

// As the outbox does it; the client asks again about a topic that was refused after a moment.
static void deliver_until_done(struct sink *sink, uint64_t epoch)
{
    struct error err = {0};
    int64_t until_us = clock_monotonic_us() + 20 * US_PER_SECOND;
    while (!deliver(sink, epoch, &err)) {
        assert_int_equal(err.kind, ERROR_RETRY);
        assert_true(clock_monotonic_us() < until_us);
        clock_sleep_us(50 * US_PER_MS);
    }
}

static void every_request_may_fail(void **state)
{
    (void)state;
    bool is_right = true;
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        struct error err = {0};
        bool is_first = errors[i].request == REQUEST_INIT_PRODUCER ||
                        errors[i].request == REQUEST_FIND_COORDINATOR ||
                        errors[i].request == REQUEST_OFFSET_FETCH;
        const char *checkpoint = arena_print(&case_arena, "checkpoint-%zu", i).ptr;
        const char *topic = arena_print(&case_arena, "t%zu", i).ptr;
        rd_kafka_mock_topic_create(cluster, topic, 4, 1);
        struct sink *sink = sink_new(checkpoint, 1, topic, &err);
        if (!is_first) // so that the error meets the request of the second transaction
            CHECK(deliver(sink, 1, &err));
        rd_kafka_mock_push_request_errors(cluster, (int16_t)errors[i].request, 1, errors[i].code);
        enum outcome outcome = outcome_of(deliver(sink, 2, &err), &err);
        if (outcome != errors[i].outcome) {
            print_error("%s: outcome %d, not %d: %s\n", errors[i].name, outcome, errors[i].outcome,
                        err.text);
            is_right = false;
        }
        rd_kafka_mock_clear_request_errors(cluster, (int16_t)errors[i].request);
        if (errors[i].outcome == OUTCOME_DATA)
            assert_non_null(strstr(err.text, "of epoch 2 for sink out"));
        if (outcome == OUTCOME_AGAIN)
            deliver_until_done(sink, 2);
        if (outcome == OUTCOME_DONE || outcome == OUTCOME_AGAIN)
            CHECK(deliver(sink, 3, &err));
        kafka_sink_type.close(sink);
    }
    assert_true(is_right);
}

static void row_too_large_is_named(void **state)
{
    (void)state;
    struct error err = {0};
    struct segment *large[8];
    struct column *large_columns = NULL;
    size_t large_columns_len;
    size_t len =
        segments_of("SELECT i AS id, repeat('x', CASE WHEN i = 41 THEN 9000 ELSE 10 END) AS "
                    "wide, 'k' AS _key FROM range(100) t(i)",
                    large, COUNT_OF(large), &large_columns, &large_columns_len);
    struct column *kept = columns;
    size_t kept_len = columns_len;
    columns = large_columns;
    columns_len = large_columns_len;
    struct sink *sink = sink_new(CHECKPOINT, 1, "t", &err);
    const struct delivery delivery = {.epoch = 1,
                                      .segments = (const struct segment *const *)large,
                                      .segments_len = len,
                                      .rows = 100};
    CHECK(kafka_sink_type.deliver(sink, &delivery, &err));
    assert_false(kafka_sink_type.commit(&sink, 1, 1, &err));
    assert_int_equal(err.kind, ERROR_DATA);
    assert_non_null(strstr(err.text, "row 42 of epoch 1 for sink out"));
    assert_non_null(strstr(err.text, "widest column is wide with 9002 bytes"));
    kafka_sink_type.close(sink);
    columns = kept;
    columns_len = kept_len;
    for (size_t i = 0; i < len; i++)
        segment_free(large[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(marks_tell_what_was_committed, cluster_begin, cluster_end),
        cmocka_unit_test_setup_teardown(strangers_and_older_copies_are_refused, cluster_begin,
                                        cluster_end),
        cmocka_unit_test_setup_teardown(a_missing_topic_is_named, cluster_begin, cluster_end),
        cmocka_unit_test_setup_teardown(every_request_may_fail, cluster_begin, cluster_end),
        cmocka_unit_test_setup_teardown(row_too_large_is_named, cluster_begin, cluster_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
