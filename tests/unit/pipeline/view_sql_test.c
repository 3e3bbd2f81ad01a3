// SPDX-License-Identifier: MIT
// The SQL in a plan gives what the user's SELECT gives: run over small real tables in DuckDB, step
// by step as the engine would, and compared with the direct SQL.
#include "view_fixture.h"

static struct fixture fixture;

static const char *const rows_sql =
    "SELECT i AS event_id, 'd' || (i % 3) AS device_id, 't' || (i % 2) AS device_type, "
    "TIMESTAMP '2024-01-01 10:00:00' + to_seconds(i * 7) AS event_time, i / 4.0 AS duration, "
    "CASE WHEN i % 5 = 0 THEN NULL ELSE i % 11 END AS battery, -i AS signal, "
    "CASE WHEN i % 4 = 0 THEN NULL ELSE 'c' || (i % 6) END AS city, "
    "{'lat': i / 2.0, 'city': 'x' || (i % 2)} AS location, ['a', 'b' || i] AS tags, i % 2 = 0 AS "
    "ok, "
    "i / 3 AS price, i / 8 AS small, i AS _sequence FROM range(100) r(i)";

static int setup(void **state)
{
    (void)state;
    fixture_open(&fixture, EXECUTION_STREAM, true);
    AUTO(buf_clear) struct buf sql = {0};
    buf_print(
        &sql,
        "INSERT INTO main.events %s; INSERT INTO _plain.events SELECT * EXCLUDE (_sequence) FROM "
        "main.events; INSERT INTO ref VALUES ('t0', 'ann'), ('t0', 'bob')",
        rows_sql);
    assert_true(connection_execute(fixture.builder.connection, buf_cstr(&sql), &fixture.err));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_close(&fixture);
    return 0;
}

static void run(const char *head, struct str text)
{
    AUTO(buf_clear) struct buf sql = {0};
    buf_add_cstr(&sql, head);
    buf_add_str(&sql, text);
    if (!connection_execute(fixture.builder.connection, buf_cstr(&sql), &fixture.err))
        fail_msg("%s\n%s", fixture.err.text, buf_cstr(&sql));
}

static void assert_same(const char *actual, const char *expected)
{
    AUTO(buf_clear) struct buf sql = {0};
    AUTO(buf_clear) struct buf out = {0};
    bool is_null;
    buf_print(&sql,
              "WITH a AS MATERIALIZED (%s), e AS MATERIALIZED (%s) SELECT (SELECT count(*) FROM e) "
              "|| ' ' "
              "|| (SELECT count(*) FROM (FROM a EXCEPT ALL FROM e)) || ' ' || (SELECT count(*) "
              "FROM (FROM "
              "e EXCEPT ALL FROM a))",
              actual, expected);
    if (!connection_query_text(fixture.builder.connection, buf_cstr(&sql), &out, &is_null,
                               &fixture.err))
        fail_msg("%s\n%s", fixture.err.text, buf_cstr(&sql));
    if (!str_ends(buf_str(&out), " 0 0") || str_starts(buf_str(&out), "0 "))
        fail_msg("rows, too many, missing: %s\n%s\n%s", buf_cstr(&out), actual, expected);
}

static void test_rows(void **state)
{
    (void)state;
    const struct relation *rows = must_build(&fixture, "p",
                                             "SELECT event_id, upper(city) AS c, location.lat + 1 "
                                             "AS l, event_id * 1e0 AS real FROM events e "
                                             "WHERE e.battery BETWEEN 2 AND 7");
    assert_int_equal(rows->columns[3].type->kind, TYPE_DOUBLE); // 1e0 is no 1.0
    AUTO(buf_clear) struct buf sql = {0};
    buf_print(&sql, "WITH events AS (SELECT * FROM main.events WHERE %.*s) %.*s",
              STR_ARGS(rows->filter.sql), STR_ARGS(rows->project_sql));
    assert_same(
        buf_cstr(&sql),
        "SELECT event_id, upper(city), location.lat + 1, event_id * 1e0 FROM main.events WHERE "
        "battery BETWEEN 2 AND 7");
    rows = must_build(&fixture, "q",
                      "SELECT e.event_id, owner, unnest(tags) AS tag FROM events e JOIN ref "
                      "USING (device_type) WHERE owner <> 'bob' AND battery > 1");
    assert_non_null(rows->filter.predicate);
    buf_reset(&sql);
    buf_print(&sql, "WITH events AS (SELECT * FROM main.events WHERE %.*s) %.*s",
              STR_ARGS(rows->filter.sql), STR_ARGS(rows->project_sql));
    assert_same(
        buf_cstr(&sql),
        "SELECT e.event_id, owner, unnest(tags), _sequence FROM main.events e JOIN ref USING "
        "(device_type) WHERE owner <> 'bob' AND battery > 1");
}

// Runs a groups relation as the engine does: inputs, windows, group SQL, final SQL.
static void test_kept_groups(void **state)
{
    (void)state;
    const struct relation *groups = must_build(
        &fixture, "g",
        "SELECT window_start, lower(device_id) AS d, count(DISTINCT city) AS cities, "
        "median(duration) AS m, "
        "first(city) AS f, last(battery) FILTER (WHERE ok) AS l, list(event_id) AS ids, "
        "string_agg(city, '+' ORDER BY signal) AS s, sum(price) + 1 AS total, sum(battery) AS b, "
        "count(*) * 2 AS n, top_k(city, 2) AS top "
        "FROM TUMBLE(events, event_time, INTERVAL '1 minute') WHERE battery IS NOT NULL "
        "GROUP BY ALL HAVING count(*) > 1");
    assert_true(groups->keeps_rows);
    run("CREATE OR REPLACE TABLE in_ AS WITH events AS (SELECT * FROM main.events WHERE "
        "battery IS NOT NULL) ",
        groups->group_inputs_sql);
    run("CREATE OR REPLACE TABLE _kept AS SELECT time_bucket(INTERVAL '1 minute', i.time) AS "
        "window_start, "
        "time_bucket(INTERVAL '1 minute', i.time) + INTERVAL '1 minute' AS window_end, i.*, "
        "row_number() OVER () AS _sequence FROM in_ i",
        STR(""));
    run("CREATE OR REPLACE TABLE _groups AS ", groups->group_sql);
    assert_same(
        arena_cstr(&fixture.arena, groups->final_sql),
        "SELECT time_bucket(INTERVAL '1 minute', event_time) AS w, lower(device_id), "
        "count(DISTINCT city), median(duration), first(city ORDER BY _sequence), last(battery "
        "ORDER "
        "BY _sequence) FILTER (WHERE ok), list(event_id ORDER BY _sequence), string_agg(city, '+' "
        "ORDER BY signal), sum(price) + 1, sum(battery), count(*) * 2, top_k(city, 2) FROM "
        "main.events WHERE battery IS NOT NULL GROUP BY ALL HAVING count(*) > 1");
}

static void test_closed(void **state)
{
    (void)state;
    must_build(&fixture, "a",
               "SELECT window_start, window_end, device_id, count(*) AS n FROM "
               "TUMBLE(events, event_time, INTERVAL '1 minute') GROUP BY ALL");
    must_build(&fixture, "b",
               "SELECT window_start, device_id, sum(battery) AS s FROM TUMBLE(events, "
               "event_time, INTERVAL '1 minute') GROUP BY ALL");
    const struct relation *join = must_build(
        &fixture, "j", "SELECT * FROM a FULL JOIN b USING (window_start, device_id) WHERE n > 2");
    assert_int_equal(join->kind, RELATION_JOIN);
    assert_int_equal(join->window_start_column, 0);
    assert_int_equal(join->columns_len, 5);
    assert_int_equal(join->inputs[1] - join->inputs[0], 1);
    join = must_build(&fixture, "j2",
                      "SELECT x.window_start AS w, x.n, y.s FROM a x JOIN b y ON "
                      "x.window_start = y.window_start AND x.device_id = y.device_id");
    assert_int_equal(join->window_start_column, 0);
    assert_string_equal(refusal(&fixture, "SELECT a.n, b.s FROM a JOIN b USING (device_id)"),
                        "E0231");
    assert_string_equal(
        refusal(&fixture, "SELECT a.n, b.s FROM a RIGHT JOIN b USING (window_start)"), "E0217");
    assert_string_equal(refusal(&fixture,
                                "SELECT window_start, sum(n) FROM TUMBLE(a, window_start, "
                                "INTERVAL '1 hour') GROUP BY ALL"),
                        "E0219");
    must_build(&fixture, "hour",
               "SELECT window_start, count(*) AS c FROM TUMBLE(events, event_time, "
               "INTERVAL '1 hour') GROUP BY ALL");
    assert_string_equal(refusal(&fixture, "SELECT n, c FROM a JOIN hour USING (window_start)"),
                        "E0231");
    const struct relation *over = must_build(&fixture, "o",
                                             "SELECT window_start, device_id, n - lag(n, 4) OVER "
                                             "(PARTITION BY device_id ORDER BY window_start) "
                                             "AS d, avg(n) OVER (PARTITION BY device_id ORDER BY "
                                             "window_start ROWS BETWEEN 2 PRECEDING AND "
                                             "CURRENT ROW) AS m FROM a WHERE n > 0");
    assert_int_equal(over->kind, RELATION_OVER);
    assert_int_equal(over->over_preceding, 4);
    assert_int_equal(over->over_partition_len, 1);
    assert_int_equal(over->over_partition[0], 2);
    assert_int_equal(over->window_start_column, 0);
    assert_true(fixture.plan.relations[over->inputs[0]].has_filter);
    static const char *const frames[] = {
        "sum(n) OVER (PARTITION BY device_id ORDER BY window_start)",
        "sum(n) OVER (PARTITION BY device_id ORDER BY window_start ROWS BETWEEN 1 PRECEDING AND 1 "
        "FOLLOWING)",
        "sum(n) OVER (PARTITION BY device_id ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
        "row_number() OVER (PARTITION BY device_id ORDER BY window_start)",
        "lead(n) OVER (PARTITION BY device_id ORDER BY window_start)",
        "sum(n) OVER (PARTITION BY upper(device_id) ORDER BY window_start ROWS 2 PRECEDING)",
    };
    for (size_t i = 0; i < COUNT_OF(frames); i++) {
        AUTO(buf_clear) struct buf sql = {0};
        buf_print(&sql, "SELECT window_start, %s AS x FROM a", frames[i]);
        assert_string_equal(refusal(&fixture, buf_cstr(&sql)), "E0230");
    }
}

static struct str table_mode(const char *sql)
{
    struct sql_text body = text_of(sql);
    struct str text = view_table_mode_sql(&fixture.builder, &body);
    if (text.len == 0)
        print_diagnostics(&fixture);
    assert_true(text.len > 0);
    return text;
}

static void test_table_mode(void **state)
{
    (void)state;
    static struct statement views[1];
    views[0] = (struct statement){.kind = STATEMENT_VIEW,
                                  .name = {"good", 4},
                                  .has_body = true,
                                  .body = text_of("SELECT * FROM events WHERE battery > 1")};
    fixture.builder.statements = views;
    fixture.builder.statements_len = 1;
    assert_same(table_mode("SELECT * FROM events ORDER BY event_id LIMIT 5").ptr,
                "SELECT * EXCLUDE (_sequence) FROM main.events ORDER BY event_id LIMIT 5");
    assert_same(
        table_mode("SELECT * FROM DEDUP(good, device_id, keep => 'last') d").ptr,
        "SELECT * EXCLUDE (_sequence) FROM main.events WHERE battery > 1 QUALIFY row_number() OVER "
        "(PARTITION BY device_id ORDER BY _sequence DESC) = 1");
    assert_same(
        table_mode(
            "WITH t AS (SELECT window_start, window_end, device_id, first(city) AS c, count(*) "
            "AS n FROM TUMBLE(good, event_time, INTERVAL '1 minute', shift => INTERVAL '10 "
            "seconds') GROUP BY ALL) SELECT t.*, ref.owner FROM t, ref")
            .ptr,
        "WITH t AS (SELECT time_bucket(INTERVAL '1 minute', event_time, TIMESTAMP '1970-01-01 "
        "00:00:10') AS window_start, window_start + INTERVAL 1 MINUTE AS window_end, device_id, "
        "first(city ORDER BY _sequence) AS c, count(*) AS n FROM main.events WHERE battery > 1 "
        "GROUP "
        "BY ALL) SELECT t.*, ref.owner FROM t, ref");
    assert_same(
        table_mode("SELECT window_end, count(*) FROM HOP(events, event_time, INTERVAL '1 minute', "
                   "INTERVAL '150 seconds') GROUP BY ALL")
            .ptr,
        "SELECT w + INTERVAL '150 seconds', count(*) FROM main.events, (SELECT TIMESTAMP "
        "'2024-01-01 "
        "09:50:00' + to_minutes(i) AS w FROM range(60) r(i)) WHERE event_time >= w AND event_time "
        "< w "
        "+ INTERVAL '150 seconds' GROUP BY ALL");
}

static void test_batch_falls_back(void **state)
{
    (void)state;
    fixture.builder.execution = EXECUTION_BATCH;
    struct sql_text body =
        text_of("SELECT x.device_id FROM (SELECT device_id FROM events) x ORDER BY 1");
    bool needs_table_mode = false;
    assert_int_equal(view_build(&fixture.builder, STR("v"), 0, &body, &needs_table_mode), -1);
    assert_true(needs_table_mode);
    assert_int_equal(fixture.diagnostics.len, 0);
    assert_int_equal(fixture.plan.relations_len, 1);
}

static void test_needed(void **state)
{
    (void)state;
    must_build(&fixture, "fresh", "SELECT * FROM DEDUP(events, event_id)");
    must_build(&fixture, "m",
               "SELECT window_start, device_type, avg(battery) AS b FROM TUMBLE(fresh, "
               "event_time, INTERVAL '1 minute') WHERE location.city = 'x' GROUP BY ALL");
    struct plan_sink sink = {.relation = 2};
    fixture.plan.sinks = &sink;
    fixture.plan.sinks_len = 1;
    view_mark_needed(&fixture.builder);
    const char *expected = "1011010010000";
    for (size_t i = 0; i < COUNT_OF(event_columns); i++) {
        // `city` is a word of `location.city`: taken as read.
        bool is_needed = expected[i] == '1' || strcmp(event_columns[i][0], "city") == 0;
        if (fixture.plan.sources[0].columns[i].is_needed != is_needed)
            fail_msg("%s", event_columns[i][0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kept_groups, setup, teardown),
        cmocka_unit_test_setup_teardown(test_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_table_mode, setup, teardown),
        cmocka_unit_test_setup_teardown(test_batch_falls_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_needed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
