// SPDX-License-Identifier: MIT
// The generator: exact counts, keys that collide only where a duplicate was asked for, the same
// rows from any start, and what it refuses.
#include "connector_case.h"
#include "connectors/generator/generator.h"

#define ROWS 20000

struct made {
    struct str rows[ROWS];
    enum row_kind kinds[ROWS];
    int64_t len;
};

static const struct source_context context = {
    .name = {"events", 6}, .execution = EXECUTION_STREAM, .clock = &clock_system};

static void make(struct made *made, const char *options, int64_t from)
{
    struct error err = {0};
    struct source *source = source_open("generator", options, &context, &err);
    CHECK(source != NULL);
    struct partition start = {.name = STR("generator/0"), .offset = from, .line = from};
    CHECK(generator_source_type.seek(source, &start, 1, &err));
    struct batch *batch = batch_new();
    made->len = 0;
    for (enum read_state state = READ_ROWS; state != READ_END;) {
        CHECK(generator_source_type.read(source, batch, 777, 1 << 20, &state, &err));
        for (size_t i = 0; i < batch->rows; i++) {
            assert_int_equal(batch->offsets[i], from + made->len);
            made->kinds[made->len] = generator_row_kind(source, batch->offsets[i]);
            made->rows[made->len++] = arena_str(
                &case_arena, (struct str){batch->payloads[i].ptr, batch->payloads[i].len});
        }
    }
    batch_free(batch);
    generator_source_type.close(source);
}

static void counts_are_exact(void **state)
{
    (void)state;
    struct made *made = ARENA_NEW(&case_arena, struct made);
    make(made, "rows=20000;duplicates=0.02;invalid=333;late=0.005;malformed=1", 0);
    int64_t counts[ROW_KINDS] = {0};
    for (int64_t i = 0; i < made->len; i++) {
        counts[made->kinds[i]]++;
        assert_true(made->kinds[i] != ROW_LATE || i >= ROWS / 5);
        assert_true(memchr(made->rows[i].ptr, '\n', made->rows[i].len) == NULL);
    }
    assert_int_equal(made->len, ROWS);
    assert_int_equal(counts[ROW_DUPLICATE], 400);
    assert_int_equal(counts[ROW_INVALID], 333);
    assert_int_equal(counts[ROW_LATE], 100);
    assert_int_equal(counts[ROW_MALFORMED], 1);
}

static void any_start_gives_the_same_rows(void **state)
{
    (void)state;
    struct made *whole = ARENA_NEW(&case_arena, struct made);
    struct made *rest = ARENA_NEW(&case_arena, struct made);
    const char *options = "rows=5000;duplicates=0.3;invalid=0.2;late=0.1;malformed=0.1;seed=9";
    make(whole, options, 0);
    for (int64_t from = 0; from < 5000; from += 617) {
        make(rest, options, from);
        assert_int_equal(rest->len, 5000 - from);
        for (int64_t i = 0; i < rest->len; i++)
            assert_true(str_equal(rest->rows[i], whole->rows[from + i]));
    }
    make(rest, "rows=5000;duplicates=0.3;invalid=0.2;late=0.1;malformed=0.1;seed=10", 0);
    assert_false(str_equal(rest->rows[0], whole->rows[0]));
}

static void duplicates_copy_a_near_row(void **state)
{
    (void)state;
    struct made *made = ARENA_NEW(&case_arena, struct made);
    make(made, "rows=20000;duplicates=0.5;invalid=0.1", 0);
    for (int64_t i = 0; i < made->len; i++) {
        if (made->kinds[i] != ROW_DUPLICATE)
            continue;
        bool is_copy = false;
        for (int64_t k = i - 1; k >= 0 && k > i - 200 && !is_copy; k--)
            is_copy = made->kinds[k] == ROW_VALID && str_equal(made->rows[k], made->rows[i]);
        assert_true(is_copy);
    }
}

// Asks DuckDB, which knows nothing of the generator.
static void rows_are_what_they_say(void **state)
{
    (void)state;
    struct made *made = ARENA_NEW(&case_arena, struct made);
    make(made, "rows=20000;duplicates=100;invalid=210;late=50;devices=3", 0);
    AUTO(buf_clear) struct buf text = {0};
    for (int64_t i = 0; i < made->len; i++)
        buf_print(&text, "{\"kind\": \"%s\", \"e\": %.*s}\n", row_kind_names[made->kinds[i]],
                  STR_ARGS(made->rows[i]));
    write_text("rows.json", buf_str(&text));
    struct error err = {0};
    CHECK(connection_execute(
        connection,
        arena_print(&case_arena,
                    "CREATE TABLE r AS SELECT kind, e.*, (coalesce(e.event_duration > 0 AND "
                    "e.event_duration < 100, false) AND e.event_id IS NOT NULL AND e.device_id IS "
                    "NOT NULL AND e.device_type IS NOT NULL AND e.event_time IS NOT NULL AND "
                    "coalesce(e.metadata.battery_level BETWEEN 0 AND 100, false) AND "
                    "coalesce(e.metadata.signal_strength BETWEEN -120 AND 0, false) AND "
                    "coalesce(e.location.latitude BETWEEN -90 AND 90, false) AND "
                    "coalesce(e.location.longitude BETWEEN -180 AND 180, false)) AS good "
                    "FROM read_json('%s/rows.json')",
                    root)
            .ptr,
        &err));
    query(&text, "SELECT count(*) FROM r WHERE good <> (kind <> 'invalid')");
    assert_string_equal(buf_cstr(&text), "0");
    query(&text, "SELECT count(*) FROM (SELECT DISTINCT event_id, device_id FROM r WHERE good)");
    assert_string_equal(buf_cstr(&text), "19690"); // all but 100 duplicates and 210 invalid
    query(&text, "SELECT count(*) FROM r WHERE event_id NOT BETWEEN 100000 AND 999999");
    assert_string_equal(buf_cstr(&text), "0");
    query(&text, "SELECT string_agg(DISTINCT device_id, ' ' ORDER BY device_id) FROM r");
    assert_string_equal(buf_cstr(&text), "dev_1 dev_2 dev_3");
    query(&text,
          "SELECT min(event_time) || ' ' || (max(event_time) < '2024-01-15 11:00:00') FROM r "
          "WHERE kind = 'valid'");
    assert_string_equal(buf_cstr(&text), "2024-01-15 10:00:00 true");
}

static void many_turns_of_ids_do_not_collide(void **state)
{
    (void)state;
    // Rows one whole turn of ids apart have the same id and must have different devices.
    struct made *made[3];
    for (int turn = 0; turn < 3; turn++) {
        made[turn] = ARENA_NEW(&case_arena, struct made);
        make(made[turn], "rows=1800010;devices=50;span=0 seconds", turn == 2 ? 1800000 : 1800005);
    }
    struct error err = {0};
    struct source *source =
        source_open("generator", "rows=1800010;devices=50;span=0 seconds", &context, &err);
    struct batch *batch = batch_new();
    enum read_state read_state;
    CHECK(generator_source_type.read(source, batch, 10, 1 << 20, &read_state, &err));
    for (int i = 0; i < 10; i++) {
        struct str first = {batch->payloads[i].ptr, batch->payloads[i].len};
        struct str later = made[2]->rows[i];
        assert_true(str_equal(str_slice(first, 0, 19), str_slice(later, 0, 19)));  // event_id
        assert_false(str_equal(str_slice(first, 0, 42), str_slice(later, 0, 42))); // device_id
    }
    batch_free(batch);
    generator_source_type.close(source);
}

static void rate_follows_the_clock(void **state)
{
    (void)state;
    struct clock clock = {.simulated = true, .now_us = 1000};
    struct source_context paced = context;
    paced.clock = &clock;
    struct error err = {0};
    struct source *source = source_open("generator", "rate=1000", &paced, &err);
    CHECK(source != NULL);
    struct batch *batch = batch_new();
    enum read_state read_state;
    CHECK(generator_source_type.read(source, batch, 100, 1 << 20, &read_state, &err));
    assert_int_equal(read_state, READ_IDLE);
    clock.now_us += 50 * US_PER_MS;
    CHECK(generator_source_type.read(source, batch, 100, 1 << 20, &read_state, &err));
    assert_int_equal(batch->rows, 50);
    assert_true(batch->positions[0].is_end && !batch->positions[0].is_done);
    batch_free(batch);
    generator_source_type.close(source);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *options, *word;
    } wrong[] = {
        {"duplicates=3", "needs rows"},
        {"rows=10;duplicates=10", "do not fit"},
        {"rows=10;late=1.5", "whole number"},
        {"rows=10;start=tomorrow", "not a time"},
        {"devices=0", "devices"},
        {"rows=10;profile=shop", "devices"},
        {"rows=10;invalid=-1", "not a share"},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct error err = {0};
        assert_null(source_open("generator", wrong[i].options, &context, &err));
        assert_int_equal(err.kind, ERROR_USER);
        if (strstr(err.text, wrong[i].word) == NULL)
            fail_msg("%s: %s", wrong[i].options, err.text);
    }
    struct error err = {0};
    struct source_context once = context;
    once.execution = EXECUTION_ONCE;
    assert_null(source_open("generator", "rows=0", &once, &err));
}

static void other_options_are_another_input(void **state)
{
    (void)state;
    struct error err = {0};
    const struct partition *partitions;
    size_t len;
    struct source *source = source_open("generator", "rows=100", &context, &err);
    CHECK(generator_source_type.list(source, &partitions, &len, &err));
    struct source *other = source_open("generator", "rows=100;seed=2", &context, &err);
    assert_false(generator_source_type.seek(other, partitions, len, &err));
    assert_int_equal(error_exit_code(&err), EXIT_REFUSED);
    generator_source_type.close(source);
    generator_source_type.close(other);
}

static void start_now_is_remembered(void **state)
{
    (void)state;
    struct clock clock = {.simulated = true, .now_us = INT64_C(1700000000000000)};
    struct source_context now = context;
    now.clock = &clock;
    struct error err = {0};
    const struct partition *partitions;
    size_t len;
    struct str payloads[2];
    struct partition start = {0};
    for (int i = 0; i < 2; i++) {
        struct source *source = source_open("generator", "rows=5;start=now", &now, &err);
        CHECK(source != NULL);
        CHECK(generator_source_type.list(source, &partitions, &len, &err));
        if (i == 0) {
            start = partitions[0];
            start.mark = arena_str(&case_arena, start.mark);
        }
        CHECK(generator_source_type.seek(source, &start, 1, &err));
        struct batch *batch = batch_new();
        enum read_state read_state;
        CHECK(generator_source_type.read(source, batch, 1, 1 << 20, &read_state, &err));
        payloads[i] =
            arena_str(&case_arena, (struct str){batch->payloads[0].ptr, batch->payloads[0].len});
        batch_free(batch);
        generator_source_type.close(source);
        clock.now_us += 3600 * US_PER_SECOND;
    }
    assert_true(str_equal(payloads[0], payloads[1]));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, case_begin, case_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(counts_are_exact),
        TEST(any_start_gives_the_same_rows),
        TEST(duplicates_copy_a_near_row),
        TEST(rows_are_what_they_say),
        TEST(many_turns_of_ids_do_not_collide),
        TEST(rate_follows_the_clock),
        TEST(wrong_options_are_refused),
        TEST(other_options_are_another_input),
        TEST(start_now_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
