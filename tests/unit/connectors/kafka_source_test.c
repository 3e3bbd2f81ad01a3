// SPDX-License-Identifier: MIT
// Source 'kafka' against the cluster inside librdkafka, which fails as it is told: nothing is read
// before its start is durable, errors that pass lose and repeat nothing, and what is wrong is said.
// tests/services/kafka_source has the cases that need a real broker.
#include "connector_case.h"
#include "connectors/kafka/kafka.h"
#include "connectors/kafka/kafka_source.h"
// clang-format off
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
// clang-format on

#define API_FETCH 1
#define API_LIST_OFFSETS 2
#define ROWS 300

static rd_kafka_t *mock_handle;
static rd_kafka_mock_cluster_t *mock_cluster;

static int mock_begin(void **state)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "0", text, sizeof(text));
    mock_handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    mock_cluster = rd_kafka_mock_cluster_new(mock_handle, 1);
    rd_kafka_mock_topic_create(mock_cluster, "events", 3, 1);
    return case_begin(state);
}

static int mock_end(void **state)
{
    rd_kafka_mock_cluster_destroy(mock_cluster);
    rd_kafka_destroy(mock_handle);
    return case_end(state);
}

static void produce(int first, int count)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(mock_cluster),
                      text, sizeof(text));
    rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    for (int i = first; i < first + count; i++) {
        int len = snprintf(text, sizeof(text), "%d", i);
        assert_int_equal(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC("events"),
                                           RD_KAFKA_V_PARTITION(i % 3),
                                           RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                           RD_KAFKA_V_VALUE(text, (size_t)len), RD_KAFKA_V_END),
                         0);
    }
    assert_int_equal(rd_kafka_flush(producer, 10000), 0);
    rd_kafka_destroy(producer);
}

static struct source *open_events(enum execution execution, const char *more)
{
    struct error err = {0};
    struct source_context context = {.name = STR("events"),
                                     .pipeline = STR("test"),
                                     .execution = execution,
                                     .clock = &clock_system,
                                     .commit_interval_us = US_PER_SECOND};
    struct str options = arena_print(&case_arena, "bootstrap_servers=%s;topic=events;%s",
                                     rd_kafka_mock_cluster_bootstraps(mock_cluster), more);
    struct source *source = source_open("kafka", options.ptr, &context, &err);
    CHECK(source != NULL);
    return source;
}

struct seen {
    int times[ROWS * 2];
    int rows, retries;
};

// One read; errors that pass are counted.
static enum read_state step(struct source *source, struct batch *batch, struct seen *seen)
{
    struct error err = {0};
    enum read_state state = READ_IDLE;
    if (!kafka_source_type.read(source, batch, 100, 1 << 20, &state, &err)) {
        if (err.kind != ERROR_RETRY)
            print_error("%s\n", err.text);
        assert_int_equal(err.kind, ERROR_RETRY);
        seen->retries++;
        batch_reset(batch);
        return READ_IDLE;
    }
    for (size_t i = 0; i < batch->rows; i++) {
        int64_t number;
        struct str payload = {batch->payloads[i].ptr, batch->payloads[i].len};
        assert_true(str_parse_int64(payload, &number) && number < ROWS * 2);
        seen->times[number]++;
        seen->rows++;
    }
    return state;
}

static void acknowledge(struct source *source)
{
    const struct partition *partitions;
    size_t len;
    struct error err = {0};
    CHECK(kafka_source_type.list(source, &partitions, &len, &err));
    CHECK(kafka_source_type.acknowledge(source, partitions, len, &err));
}

// Reads until `rows` rows came, saying that everything is durable at once.
static void read_until(struct source *source, struct seen *seen, int rows)
{
    int64_t until_us = clock_monotonic_us() + 30 * US_PER_SECOND;
    struct batch *batch = batch_new();
    while (seen->rows < rows) {
        assert_true(clock_monotonic_us() < until_us);
        step(source, batch, seen);
        if (batch->wants_commit)
            acknowledge(source);
    }
    batch_free(batch);
    for (int i = 0; i < rows; i++)
        assert_int_equal(seen->times[i], 1);
}

static void nothing_is_read_before_the_start_is_durable(void **state)
{
    (void)state;
    produce(0, ROWS);
    struct source *source = open_events(EXECUTION_STREAM, "starting_offsets=earliest");
    struct batch *batch = batch_new();
    struct seen seen = {0};
    int64_t until_us = clock_monotonic_us() + 30 * US_PER_SECOND;
    bool is_asked = false;
    while (!is_asked) {
        assert_true(clock_monotonic_us() < until_us);
        step(source, batch, &seen);
        is_asked = batch->wants_commit;
    }
    assert_int_equal(batch->positions_len, 3);
    for (int i = 0; i < 10; i++)
        step(source, batch, &seen);
    assert_int_equal(seen.rows, 0);
    acknowledge(source);
    read_until(source, &seen, ROWS);
    batch_free(batch);
    kafka_source_type.close(source);
}

static void latest_skips_what_was_there(void **state)
{
    (void)state;
    produce(0, ROWS);
    struct source *source = open_events(EXECUTION_STREAM, "starting_offsets=latest");
    struct batch *batch = batch_new();
    struct seen seen = {0};
    while (!batch->wants_commit)
        step(source, batch, &seen);
    produce(ROWS, 30); // after the decision, before it was durable
    acknowledge(source);
    int64_t until_us = clock_monotonic_us() + 30 * US_PER_SECOND;
    while (seen.rows < 30 && clock_monotonic_us() < until_us)
        step(source, batch, &seen);
    assert_int_equal(seen.rows, 30);
    for (int i = ROWS; i < ROWS + 30; i++)
        assert_int_equal(seen.times[i], 1);
    batch_free(batch);
    kafka_source_type.close(source);
}

static void errors_that_pass_lose_and_repeat_nothing(void **state)
{
    (void)state;
    produce(0, ROWS);
    rd_kafka_mock_push_request_errors(mock_cluster, API_LIST_OFFSETS, 1,
                                      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    rd_kafka_mock_push_request_errors(
        mock_cluster, API_FETCH, 6, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, RD_KAFKA_RESP_ERR__TRANSPORT,
        RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH,
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    struct source *source = open_events(EXECUTION_STREAM, "starting_offsets=earliest");
    struct seen seen = {0};
    read_until(source, &seen, ROWS);
    kafka_source_type.close(source);
}

static void a_broker_that_goes_and_comes_back(void **state)
{
    (void)state;
    produce(0, ROWS / 2);
    struct source *source = open_events(EXECUTION_STREAM, "starting_offsets=earliest");
    struct seen seen = {0};
    read_until(source, &seen, ROWS / 2);
    rd_kafka_mock_broker_set_down(mock_cluster, 1);
    struct batch *batch = batch_new();
    int64_t until_us = clock_monotonic_us() + 30 * US_PER_SECOND;
    while (seen.retries == 0) {
        assert_true(clock_monotonic_us() < until_us);
        step(source, batch, &seen);
    }
    rd_kafka_mock_broker_set_up(mock_cluster, 1);
    produce(ROWS / 2, ROWS / 2);
    read_until(source, &seen, ROWS);
    batch_free(batch);
    kafka_source_type.close(source);
}

// ---- Without a cluster -----------------------------------------------------------------------
static void starting_offsets_are_parsed(void **state)
{
    (void)state;
    AUTO(arena_clear) struct arena arena = {0};
    struct offsets offsets;
    struct error err = {0};
    assert_true(offsets_parse(STR(" Earliest "), &arena, &offsets, &err));
    assert_int_equal(offsets.kind, OFFSETS_EARLIEST);
    assert_true(offsets_parse(STR("latest"), &arena, &offsets, &err));
    assert_int_equal(offsets.kind, OFFSETS_LATEST);
    assert_true(offsets_parse(STR("2024-01-15T10:00:00Z"), &arena, &offsets, &err));
    assert_int_equal(offsets.timestamp_ms, 1705312800000);
    assert_true(offsets_parse(STR("1705312800001"), &arena, &offsets, &err));
    assert_int_equal(offsets.timestamp_ms, 1705312800001);
    assert_true(
        offsets_parse(STR("{\"a\":{\"0\":23,\"1\":-2},\"b\":{\"0\":-1}}"), &arena, &offsets, &err));
    assert_int_equal(offsets_of(&offsets, STR("a"), 0), 23);
    assert_int_equal(offsets_of(&offsets, STR("a"), 1), OFFSET_EARLIEST);
    assert_int_equal(offsets_of(&offsets, STR("b"), 0), OFFSET_LATEST);
    assert_int_equal(offsets_of(&offsets, STR("b"), 1), OFFSET_EARLIEST);
    static const char *const wrong[] = {"",
                                        "first",
                                        "{",
                                        "{\"a\":3}",
                                        "{\"a\":{\"x\":3}}",
                                        "{\"a\":{\"0\":-3}}",
                                        "{\"a\":{\"0\":1.5}}",
                                        "{\"a\":{\"0\":1},\"a\":{\"0\":2}}"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_false(offsets_parse(str_of(wrong[i]), &arena, &offsets, &err));
        assert_int_equal(err.kind, ERROR_USER);
    }
}

static void client_options_are_checked(void **state)
{
    (void)state;
    struct error err = {0};
    struct kafka_client_options options = {.bootstrap_servers = STR("a:1, b:2,[::1]:3,c")};
    rd_kafka_conf_t *conf = kafka_conf_new(&options, NULL, 0, &err);
    assert_non_null(conf);
    rd_kafka_conf_destroy(conf);
    static const char *const servers[] = {"", "a:b", "a:0", "a:70000", ":9092", "a:1,,b:2"};
    for (size_t i = 0; i < COUNT_OF(servers); i++) {
        options.bootstrap_servers = str_of(servers[i]);
        assert_null(kafka_conf_new(&options, NULL, 0, &err));
        assert_int_equal(err.kind, ERROR_USER);
    }
    options.bootstrap_servers = STR("a:1");
    options.security_protocol = 2; // sasl_plaintext
    options.sasl_mechanism = STR("PLAIN");
    options.sasl_username = STR("u");
    options.sasl_password.hidden = STR("geheim");
    assert_null(kafka_conf_new(&options, NULL, 0, &err));
    assert_non_null(strstr(err.text, "allow_insecure"));
    assert_null(strstr(err.text, "geheim"));
    options.allow_insecure = true;
    conf = kafka_conf_new(&options, NULL, 0, &err);
    assert_non_null(conf);
    rd_kafka_conf_destroy(conf);
}

static void properties_that_load_code_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {
        "plugin.library.paths", "ssl.engine.location", "ssl.providers", "sasl.kerberos.kinit.cmd",
        "isolation.level",      "enable.auto.commit",  "no.such.key"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_non_null(kafka_property_refusal(str_of(names[i])));
    assert_null(kafka_property_refusal(STR("client.rack")));
    struct error err = {0};
    struct kafka_client_options options = {.bootstrap_servers = STR("a:1")};
    struct option_value value = {.name = STR("properties.fetch.wait.max.ms"),
                                 .value = STR("geheim")};
    assert_null(kafka_conf_new(&options, &value, 1, &err));
    assert_non_null(strstr(err.text, "fetch.wait.max.ms"));
    assert_null(strstr(err.text, "geheim"));
    value = (struct option_value){.name = STR("properties.enable.ssl.certificate.verification"),
                                  .value = STR("false")};
    assert_null(kafka_conf_new(&options, &value, 1, &err));
    assert_non_null(strstr(err.text, "allow_insecure"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_read_before_the_start_is_durable, mock_begin,
                                        mock_end),
        cmocka_unit_test_setup_teardown(latest_skips_what_was_there, mock_begin, mock_end),
        cmocka_unit_test_setup_teardown(errors_that_pass_lose_and_repeat_nothing, mock_begin,
                                        mock_end),
        cmocka_unit_test_setup_teardown(a_broker_that_goes_and_comes_back, mock_begin, mock_end),
        cmocka_unit_test(starting_offsets_are_parsed),
        cmocka_unit_test(client_options_are_checked),
        cmocka_unit_test(properties_that_load_code_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
