// SPDX-License-Identifier: MIT
// Profile twitch: the same rows from any start, exact shares of the kinds, both shapes, topics, and
// bursts that add to one channel only.
#include "connector_case.h"
#include "connectors/generator/generator.h"
#include "connectors/generator/profile.h"

#define ROWS_MAX 60000

struct made {
    struct str rows[ROWS_MAX];
    struct route routes[ROWS_MAX];
    int64_t len;
};

static const struct source_context context = {
    .name = {"events", 6}, .execution = EXECUTION_STREAM, .clock = &clock_system};

static struct made *make(const char *options, int64_t from)
{
    struct made *made = ARENA_NEW(&case_arena, struct made);
    struct error err = {0};
    struct source *source = source_open("generator", options, &context, &err);
    CHECK(source != NULL);
    struct partition start = {.name = STR("generator/0"), .offset = from, .line = from};
    CHECK(generator_source_type.seek(source, &start, 1, &err));
    struct batch *batch = batch_new();
    for (enum read_state state = READ_ROWS; state != READ_END;) {
        CHECK(generator_source_type.read(source, batch, 777, 1 << 20, &state, &err));
        for (size_t i = 0; i < batch->rows; i++) {
            struct route route;
            assert_true(generator_row_route(source, batch->offsets[i], &route));
            route.key = arena_str(&case_arena, route.key);
            made->routes[made->len] = route;
            made->rows[made->len++] = arena_str(
                &case_arena, (struct str){batch->payloads[i].ptr, batch->payloads[i].len});
        }
    }
    batch_free(batch);
    generator_source_type.close(source);
    return made;
}

static bool has(struct str row, const char *text)
{
    return memmem(row.ptr, row.len, text, strlen(text)) != NULL;
}

static void any_start_gives_the_same_rows(void **state)
{
    (void)state;
    const char *options = "profile=twitch;rows=5000;seed=9;streams=7;bursts=3;duplicates=0.1;"
                          "invalid=0.1;late=0.1;malformed=0.1";
    const struct made *whole = make(options, 0);
    for (int64_t from = 0; from < 5000; from += 1217) {
        const struct made *rest = make(options, from);
        assert_int_equal(rest->len, 5000 - from);
        for (int64_t i = 0; i < rest->len; i++) {
            assert_true(str_equal(rest->rows[i], whole->rows[from + i]));
            assert_string_equal(rest->routes[i].topic, whole->routes[from + i].topic);
        }
    }
}

static void kinds_have_their_shares_and_topics(void **state)
{
    (void)state;
    const struct made *made = make("profile=twitch;rows=10000;channels=one, two", 0);
    int64_t chat = 0, viewer = 0, one = 0, first_shape = 0;
    for (int64_t i = 0; i < made->len; i++) {
        bool is_chat = strcmp(made->routes[i].topic, "telemetra.events.chat") == 0;
        assert_int_equal(is_chat, has(made->rows[i], "\"user_id\""));
        chat += is_chat;
        viewer += strcmp(made->routes[i].topic, "telemetra.events.viewer") == 0;
        one += is_chat && str_is(made->routes[i].key, "one");
        assert_true(has(made->rows[i], str_is(made->routes[i].key, "one") ? "\"one\"" : "\"two\""));
        first_shape += has(made->rows[i], "+00:00\", \"stream_id\"");
        assert_true(has(made->rows[i], "+00:00\", \"stream_id\"") ||
                    has(made->rows[i], "Z\", \"channel\""));
    }
    assert_int_equal(chat, 7000);
    assert_int_equal(viewer, 2000);
    assert_int_equal(one, 3500);
    assert_true(first_shape > 4000 && first_shape < 6000);
}

static void a_burst_is_of_one_channel(void **state)
{
    (void)state;
    // A minute of a channel has 10 messages; each of 2 bursts adds 20.
    const struct made *made =
        make("profile=twitch;rows=2440;streams=4;events=chat;bursts=2;span=1 hour", 0);
    int64_t counts[4] = {0}, extra = 0;
    for (int64_t i = 0; i < made->len; i++)
        counts[made->routes[i].key.ptr[7] - '1']++;
    for (size_t i = 0; i < 4; i++) {
        assert_true(counts[i] >= 600);
        extra += counts[i] - 600;
    }
    assert_true(extra >= 36 && extra <= 44);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    static const char *const options[] = {
        "profile=twitch;rows=10;events=chat, talk",
        "profile=twitch;rows=10;channels=a,,b",
        "profile=twitch;rows=10;users=0",
        "profile=twitch;rows=10;bursts=3;span=10 minutes",
    };
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        struct error err = {0};
        assert_null(source_open("generator", options[i], &context, &err));
        assert_int_equal(err.kind, ERROR_USER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_start_gives_the_same_rows, case_begin, case_end),
        cmocka_unit_test_setup_teardown(kinds_have_their_shares_and_topics, case_begin, case_end),
        cmocka_unit_test_setup_teardown(a_burst_is_of_one_channel, case_begin, case_end),
        cmocka_unit_test_setup_teardown(what_cannot_be_is_refused, case_begin, case_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
