// SPDX-License-Identifier: MIT
// What plans the SELECT bodies become, and what is refused.
#include "view_fixture.h"

static struct fixture fixture;

static int setup(void **state)
{
    (void)state;
    fixture_open(&fixture, EXECUTION_STREAM, true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_close(&fixture);
    return 0;
}

static void test_devices(void **state)
{
    (void)state;
    const struct relation *fresh =
        must_build(&fixture, "fresh", "SELECT * FROM DEDUP(events, event_id, device_id)");
    assert_int_equal(fresh->kind, RELATION_DEDUP);
    assert_int_equal(fresh->dedup_keys_len, 2);
    assert_int_equal(fresh->dedup_keys[1], 1);
    assert_int_equal(fresh->within_us, 600 * US_PER_SECOND);
    assert_int_equal(fresh->time_column, 3);
    const struct relation *minutes =
        must_build(&fixture, "per_minute",
                   "SELECT window_start, window_end, device_id, device_type, count(*) AS n, "
                   "avg(duration) AS avg_duration, max(duration) AS hi, min(duration) AS lo, "
                   "avg(battery) AS b, "
                   "min(battery) AS bm, avg(signal) AS s, min(signal) AS sm, first(city) AS city, "
                   "max(event_time) AS last_event_time "
                   "FROM TUMBLE(fresh, event_time, INTERVAL '1 minute') GROUP BY ALL");
    assert_int_equal(minutes->kind, RELATION_GROUPS);
    assert_int_equal(minutes->inputs[0], 1);
    assert_int_equal(minutes->window_size_us, 60 * US_PER_SECOND);
    assert_int_equal(minutes->window_slide_us, 60 * US_PER_SECOND);
    assert_non_null(minutes->group_direct);
    assert_non_null(minutes->final_direct);
    assert_int_equal(minutes->final_sql.len, 0);
    assert_false(minutes->keeps_rows);
    assert_int_equal(minutes->group_keys_len, 2);
    assert_int_equal(minutes->group_direct[0], 3);
    assert_int_equal(minutes->group_direct[1], 1);
    assert_int_equal(minutes->group_direct[2], 2);
    assert_int_equal(minutes->aggregates_len, 10);
    assert_int_equal(minutes->aggregates[0].kind, AGGREGATE_COUNT_ROWS);
    assert_int_equal(minutes->aggregates[5].kind, AGGREGATE_MIN);
    assert_int_equal(minutes->aggregates[5].type->kind, TYPE_INTEGER);
    assert_int_equal(minutes->aggregates[8].kind, AGGREGATE_FIRST);
    assert_int_equal(minutes->aggregates[1].argument, minutes->aggregates[2].argument);
    assert_int_equal(minutes->columns[4].type->kind, TYPE_BIGINT);
    assert_int_equal(minutes->columns[5].type->kind, TYPE_DOUBLE);
    assert_true(minutes->is_closed);
    assert_int_equal(minutes->window_start_column, 0);
    assert_int_equal(minutes->window_end_column, 1);
    assert_int_equal(minutes->key_columns_len, 4);
    assert_int_equal(fixture.diagnostics.len, 0);
}

static void test_rows(void **state)
{
    (void)state;
    const struct relation *rows = must_build(
        &fixture, "a", "SELECT device_id, event_time AS at FROM events e WHERE e.battery > 5");
    assert_int_equal(rows->kind, RELATION_ROWS);
    assert_true(rows->has_filter);
    assert_non_null(rows->filter.predicate);
    assert_int_equal(rows->filter.predicate->op, PREDICATE_GT);
    assert_int_equal(rows->filter.predicate->path.column, 5);
    assert_int_equal(rows->filter.predicate->constants[0].whole, 5);
    assert_str(rows->filter.sql, "(battery > 5)");
    assert_non_null(rows->direct);
    assert_int_equal(rows->direct[1], 3);
    assert_int_equal(rows->time_column, 1);
    rows =
        must_build(&fixture, "b",
                   "SELECT upper(device_id) AS d, location.lat, event_time, * EXCLUDE (event_time, "
                   "tags) REPLACE (battery + 1 AS battery) FROM events WHERE city LIKE 'a%'");
    assert_null(rows->direct);
    assert_null(rows->filter.predicate);
    assert_int_equal(rows->time_column, 2);
    assert_str(rows->columns[1].name, "lat");
    assert_int_equal(rows->columns_len, 3 + COUNT_OF(event_columns) - 2);
    assert_false(rows->changes_rows);
    assert_null(strstr(rows->project_sql.ptr, "WHERE"));
    rows = must_build(&fixture, "c", "SELECT event_time, unnest(tags) AS tag FROM events");
    assert_true(rows->changes_rows);
    assert_non_null(strstr(rows->project_sql.ptr, "_sequence"));
    assert_int_equal(rows->columns_len, 2);
    rows = must_build(&fixture, "d",
                      "SELECT e.event_time, e.device_id, owner FROM events e LEFT JOIN ref USING "
                      "(device_type) WHERE e.battery > 3 AND owner IS NOT NULL");
    assert_true(rows->changes_rows);
    assert_str(rows->filter.sql, "(battery > 3)");
    assert_non_null(strstr(rows->project_sql.ptr, "IS NOT NULL"));
    assert_int_equal(rows->time_column, 0);
    rows = must_build(&fixture, "f", "SELECT * FROM events JOIN ref USING (device_type)");
    assert_int_equal(rows->columns_len, COUNT_OF(event_columns) + 1);
    rows = must_build(&fixture, "g",
                      "SELECT e.event_time, t.tag FROM events e, unnest(e.tags) AS t(tag)");
    assert_true(rows->changes_rows);
    rows = must_build(&fixture, "h",
                      "SELECT battery AS x, x + 1 AS y, list_transform(tags, t -> upper(t)) "
                      "AS up, now() AS n FROM events WHERE y > 3 AND device_type IN (SELECT "
                      "device_type FROM ref)");
    assert_str(rows->columns[1].name, "y");
}

static void test_inner(void **state)
{
    (void)state;
    const struct relation *rows =
        must_build(&fixture, "v",
                   "SELECT device_id FROM DEDUP(events, event_id, within => INTERVAL 5 "
                   "MINUTE) d WHERE d.battery > 1");
    assert_int_equal(rows->kind, RELATION_ROWS);
    const struct relation *dedup = &fixture.plan.relations[rows->inputs[0]];
    assert_str(dedup->name, "v.1");
    assert_int_equal(dedup->within_us, 300 * US_PER_SECOND);
    const struct relation *groups =
        must_build(&fixture, "w",
                   "WITH good AS (SELECT *, battery * 2 AS twice FROM events WHERE battery > 0) "
                   "SELECT window_end, sum(twice) AS total, count(*) FILTER (WHERE ok) AS oks FROM "
                   "TUMBLE(good, "
                   "event_time, INTERVAL '1 hour', shift => INTERVAL '5 minutes') GROUP BY "
                   "window_end HAVING total > 5");
    assert_int_equal(groups->window_shift_us, 300 * US_PER_SECOND);
    assert_true(groups->has_having);
    assert_null(groups->final_direct);
    assert_int_equal(groups->columns[1].type->kind, TYPE_HUGEINT);
    assert_int_equal(groups->aggregates[1].filter, 2);
    assert_str(fixture.plan.relations[groups->inputs[0]].name, "w.1");
    rows = must_build(&fixture, "x",
                      "SELECT s.twice FROM (SELECT battery * 2 AS twice FROM events) s");
    assert_str(fixture.plan.relations[rows->inputs[0]].name, "x.1");
}

static void test_hop_and_kept(void **state)
{
    (void)state;
    const struct relation *groups = must_build(
        &fixture, "h",
        "SELECT window_start, upper(city) AS c, count(DISTINCT device_id) AS devices, "
        "quantile_cont(duration, 0.95) AS p95, list(device_id) AS ids, string_agg(device_id, ',' "
        "ORDER BY "
        "battery) AS s, top_k(city, 3) FILTER (WHERE battery > 1) AS top, sum(price) AS total "
        "FROM HOP(events, event_time, INTERVAL '1 minute', INTERVAL '5 minutes') GROUP BY ALL");
    assert_int_equal(groups->window_slide_us, 60 * US_PER_SECOND);
    assert_int_equal(groups->window_size_us, 300 * US_PER_SECOND);
    assert_true(groups->keeps_rows);
    assert_int_equal(groups->aggregates_len, 0);
    assert_null(groups->group_direct);
    assert_true(groups->group_inputs_sql.len > 0);
    assert_non_null(strstr(groups->group_sql.ptr, "list(a0 ORDER BY _sequence)"));
    assert_non_null(strstr(groups->group_sql.ptr, "ORDER BY a2, _sequence)"));
    assert_int_equal(fixture.diagnostics.errors, 0);
    assert_string_equal(fixture.diagnostics.list[0].code, "W0202");
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"E0201", "SELECT a b c FROM events"},
        {"E0202", "SELECT device FROM events"},
        {"E0203", "SELECT * FROM event"},
        {"E0204", "SELECT device_id + location FROM events"},
        {"E0205", "SELECT device_id FROM events WHERE battery + 1"},
        {"E0206", "SELECT device_id, device_id FROM events"},
        {"E0210", "SELECT device_id FROM events ORDER BY 1"},
        {"E0210", "SELECT device_id FROM events LIMIT 5"},
        {"E0211", "SELECT DISTINCT device_id FROM events"},
        {"E0212", "SELECT device_id FROM events UNION ALL SELECT device_id FROM events"},
        {"E0213", "SELECT count(*) FROM events"},
        {"E0213", "SELECT date_trunc('minute', event_time), count(*) FROM events GROUP BY 1"},
        {"E0214", "SELECT row_number() OVER () AS n FROM events"},
        {"E0215", "SELECT device_id FROM events WHERE battery > (SELECT max(battery) FROM events)"},
        {"E0216", "SELECT a.city FROM events a JOIN events b ON a.event_id = b.event_id"},
        {"E0217", "SELECT owner FROM ref LEFT JOIN events USING (device_type)"},
        {"E0217", "SELECT owner FROM events FULL JOIN ref USING (device_type)"},
        {"E0218", "SELECT city, count(*) FROM TUMBLE(events, event_time, INTERVAL '1 minute') "
                  "GROUP BY city"},
        {"E0218",
         "SELECT count(*) FROM TUMBLE(events, event_time, INTERVAL '1 minute') GROUP BY ALL"},
        {"E0204",
         "SELECT window_start, city, count(*) FROM TUMBLE(events, event_time, INTERVAL '1 minute') "
         "GROUP BY window_start"},
        {"E0220", "SELECT window_start, count(*) FROM TUMBLE(DEDUP(events, event_id), event_time, "
                  "INTERVAL '1 minute') GROUP BY ALL"},
        {"E0220", "SELECT window_start, count(*) FROM TUMBLE(events, event_time) GROUP BY ALL"},
        {"E0221", "SELECT window_start, count(*) FROM TUMBLE(events, event_time, 60) GROUP BY ALL"},
        {"E0221", "SELECT device_id FROM DEDUP(events, event_id, within => duration)"},
        {"E0222", "SELECT window_start, count(*) FROM HOP(events, event_time, INTERVAL '5 "
                  "minutes', INTERVAL '1 minute') GROUP BY ALL"},
        {"E0223", "SELECT window_start, count(*) FROM TUMBLE(events, event_time, INTERVAL '1 "
                  "month') GROUP BY ALL"},
        {"E0224", "SELECT window_start, count(*) FROM HOP(events, event_time, INTERVAL '1 second', "
                  "INTERVAL '1 hour') GROUP BY ALL"},
        {"E0225", "SELECT window_start, count(*) FROM TUMBLE(events, duration, INTERVAL '1 "
                  "minute') GROUP BY ALL"},
        {"E0226", "SELECT window_start, count(*) FROM TUMBLE(undated, moment, INTERVAL '1 minute') "
                  "GROUP BY ALL"},
        {"E0227", "SELECT * FROM DEDUP(events)"},
        {"E0227", "SELECT * FROM DEDUP(events, event_id, keeps => 'first')"},
        {"E0227", "SELECT * FROM DEDUP(events, location.city)"},
        {"E0228", "SELECT * FROM DEDUP(events, event_id, keep => 'last')"},
        {"E0229", "SELECT window_start, city, count(*) FROM TUMBLE(events, event_time, INTERVAL '1 "
                  "minute') GROUP BY ROLLUP (window_start, city)"},
        {"E0232", "SELECT window(event_time, '1 minute') AS w, count(*) FROM events GROUP BY 1"},
        {"E0233", "SELECT * FROM ref"},
        {"E0235", "SELECT window_start, count(*) FROM TUMBLE(events, event_time, INTERVAL '1 "
                  "minute') WHERE window_start > TIMESTAMP '2024-01-01' GROUP BY ALL"},
        {"E0236", "SELECT COLUMNS('.*') FROM events"},
    };
    must_build(&fixture, "undated",
               "SELECT event_time + INTERVAL 1 HOUR AS moment, * EXCLUDE (event_time) FROM events");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *code = refusal(&fixture, cases[i][1]);
        if (strcmp(code, cases[i][0]) != 0) {
            print_diagnostics(&fixture);
            fail_msg("%s gives \"%s\", not %s", cases[i][1], code, cases[i][0]);
        }
    }
}

static void test_references(void **state)
{
    (void)state;
    struct str *names;
    size_t *places;
    size_t len;
    struct sql_text body =
        text_of("WITH q AS (SELECT * FROM a) SELECT * FROM TUMBLE(b, t, INTERVAL '1 "
                "minute') JOIN q ON true, c WHERE x IN (SELECT 1 FROM A)");
    assert_true(view_references(&fixture.builder, &body, &names, &places, &len));
    assert_int_equal(len, 3);
    assert_str(names[0], "a");
    assert_int_equal(places[0], 25);
    assert_str(names[1], "b");
    assert_str(names[2], "c");
    body = text_of("SELECT FROM");
    assert_false(view_references(&fixture.builder, &body, &names, &places, &len));
    assert_int_equal(fixture.diagnostics.errors, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_devices, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_inner, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hop_and_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_references, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
