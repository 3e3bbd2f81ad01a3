// SPDX-License-Identifier: MIT
// The plan as a whole: defaults, overrides, what the fingerprint is about and what it is not, and
// that a secret is in no output. Single plans and messages are golden tests (tests/golden).
#include "pipeline/plan.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

struct planned {
    struct arena arena;
    struct diagnostics diagnostics;
    struct plan *plan;
};

static void build(struct planned *planned, const char *text, const struct override *overrides,
                  size_t overrides_len, int execution)
{
    static const struct str names[] = {{"DB_PASSWORD", 11}};
    static const struct str values[] = {{"hunter2", 7}};
    *planned = (struct planned){0};
    diagnostics_init(&planned->diagnostics, &planned->arena, "some/name.sql", str_of(text));
    const struct plan_request request = {
        .path = "some/name.sql",
        .text = str_of(text),
        .variables = {.names = names, .values = values, .len = 1},
        .overrides = overrides,
        .overrides_len = overrides_len,
        .execution = execution,
    };
    planned->plan = plan_build(&request, &planned->arena, &planned->diagnostics);
}

static void build_good(struct planned *planned, const char *text)
{
    build(planned, text, NULL, 0, -1);
    if (planned->plan != NULL)
        return;
    AUTO(buf_clear) struct buf out = {0};
    diagnostics_print(&planned->diagnostics, false, &out);
    fail_msg("%s", buf_cstr(&out));
}

#define SOURCE                                                                                     \
    "CREATE SOURCE s (a BIGINT, b VARCHAR, t TIMESTAMP, WATERMARK FOR t AS t - INTERVAL '1 "       \
    "minute') WITH (connector = 'files', path = 'x');\n"

static void test_defaults(void **state)
{
    (void)state;
    struct planned planned;
    build_good(&planned, SOURCE "CREATE SINK o WITH (connector = 'console') FROM s;");
    const struct settings *settings = &planned.plan->settings;
    assert_true(str_is(settings->pipeline, "name"));
    assert_true(str_is(settings->checkpoint, ".firesteel/name"));
    assert_true(str_is(settings->quarantine, ".firesteel/name/quarantine"));
    assert_string_equal(planned.plan->folder, "some");
    assert_int_equal(settings->commit_interval_us, US_PER_SECOND);
    assert_int_equal(settings->trigger_interval_us, 20 * US_PER_MS);
    assert_int_equal(settings->future_skew_us, 300 * US_PER_SECOND);
    assert_int_equal(settings->max_ahead_us, 600 * US_PER_SECOND);
    assert_int_equal(settings->over_retention_us, 86400 * US_PER_SECOND);
    assert_int_equal(settings->trigger_rows, 8192);
    assert_int_equal(settings->execution, EXECUTION_STREAM);
    assert_int_equal(settings->listen.len, 0);
    assert_false(settings->strict);
    arena_clear(&planned.arena);
}

static void test_overrides(void **state)
{
    (void)state;
    static const struct override overrides[] = {
        {{"S", 1}, {"connector", 9}, {"generator", 9}}, // names in any case
        {{"s", 1}, {"rows", 4}, {"7", 1}},
        {{"", 0}, {"lanes", 5}, {"3", 1}},
        {{"", 0}, {"future_skew", 11}, {"none", 4}},
    };
    struct planned planned;
    build(&planned, "SET lanes = 2;\n" SOURCE "CREATE SINK o WITH (connector = 'console') FROM s;",
          overrides, COUNT_OF(overrides), EXECUTION_ONCE);
    assert_non_null(planned.plan);
    assert_int_equal(planned.plan->settings.lanes, 3);
    assert_int_equal(planned.plan->settings.future_skew_us, -1);
    assert_int_equal(planned.plan->settings.execution, EXECUTION_ONCE);
    const struct plan_source *source = &planned.plan->sources[0];
    assert_string_equal(source->type->name, "generator");
    assert_int_equal(source->options_len, 1); // path was only the old connector's
    assert_true(str_is(source->options[0].name, "rows"));
    assert_true(str_is(source->options[0].value, "7"));
    arena_clear(&planned.arena);
}

#define SINK(select) SOURCE "CREATE SINK o WITH (connector = 'console') AS " select
#define WINDOW(size) " FROM TUMBLE(s, t, INTERVAL '" size "') GROUP BY ALL;"

static void test_fingerprint(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_same;
    } cases[] = {
        {SINK("SELECT window_start, b, sum(a) AS x" WINDOW("1 minute")), true},
        {SINK("SELECT window_start, b, sum(a) AS x FROM TUMBLE(s, t, INTERVAL '1 minute') WHERE "
              "a > 1 GROUP BY ALL;"),
         true},
        {"SET commit_interval = '9 seconds'; SET checkpoint = 'elsewhere';\n" SINK(
             "SELECT window_start, b, sum(a) AS x" WINDOW("60 seconds")),
         true},
        {SINK("SELECT window_start, b, sum(a) AS x" WINDOW("2 minutes")), false},
        {SINK("SELECT window_start, b, max(a) AS x" WINDOW("1 minute")), false},
        {SINK("SELECT window_start, b || 'x' AS b, sum(a) AS x" WINDOW("1 minute")), false},
        {SINK("SELECT window_start, sum(a) AS x" WINDOW("1 minute")), false},
    };
    struct planned first, other;
    build_good(&first, cases[0].text);
    assert_true(first.plan->fingerprint.len > 0);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        build_good(&other, cases[i].text);
        if (str_equal(first.plan->fingerprint, other.plan->fingerprint) != cases[i].is_same)
            fail_msg("case %zu: %.*s", i, STR_ARGS(other.plan->fingerprint));
        arena_clear(&other.arena);
    }
    arena_clear(&first.arena);
}

// Every way out of the planner, with a secret in an option, in a wrong option and in an expression.
static void test_secrets(void **state)
{
    (void)state;
    static const char *const texts[] = {
        SOURCE "CREATE SINK o WITH (connector = 'files', path = 'x/${DB_PASSWORD}') FROM s;",
        SOURCE "CREATE SINK o WITH (connector = 'postgres', host = 'h', password = "
               "'${DB_PASSWORD}', user = ('${DB_PASSWORD}' || 'x')) FROM s;",
        SOURCE "CREATE SINK o WITH (connector = 'files', path = 'x', roll_rows = "
               "'${DB_PASSWORD}') FROM s;",
        SOURCE "CREATE SINK o WITH (connector = 'files', path = ('${DB_PASSWORD}' || wrong), emit "
               "= '${DB_PASSWORD}') FROM s;",
        SOURCE "CREATE SINK o WITH (connector = 'console', enabled = '${DB_PASSWORD}', on_reject = "
               "'${DB_PASSWORD}') FROM s;",
        "SET lanes = ('${DB_PASSWORD}'::INTEGER); SET execution = '${DB_PASSWORD}';\n" SOURCE,
        "CREATE MACRO m(x) AS '${DB_PASSWORD}'::INTEGER +;\n" SOURCE
        "CREATE SINK o WITH (connector = 'console') AS SELECT '${DB_PASSWORD}'::INTEGER AS x, "
        "wrong FROM s;",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        AUTO(buf_clear) struct buf out = {0};
        struct planned planned;
        build(&planned, texts[i], NULL, 0, -1);
        diagnostics_print(&planned.diagnostics, false, &out);
        diagnostics_print_json(&planned.diagnostics, &out);
        if (planned.plan != NULL) {
            plan_explain(planned.plan, &out);
            plan_print_json(planned.plan, &out);
            buf_add_str(&out, planned.plan->fingerprint);
        }
        if (strstr(buf_cstr(&out), "hunter2") != NULL)
            fail_msg("text %zu shows the secret: %s", i, buf_cstr(&out));
        arena_clear(&planned.arena);
    }
}

static void test_pruned(void **state)
{
    (void)state;
    struct planned planned;
    build_good(&planned,
               "CREATE SOURCE unread (x BIGINT) WITH (connector = 'files', path = 'x');\n" SOURCE
               "CREATE VIEW one AS SELECT a, t FROM s WHERE a > 1;\n"
               "CREATE VIEW dead AS SELECT b FROM s;\n"
               "CREATE SINK off WITH (connector = 'console', enabled = false) FROM dead;\n"
               "CREATE SINK o WITH (connector = 'console') AS SELECT a FROM one;");
    const struct plan *plan = planned.plan;
    assert_int_equal(plan->sources_len, 1);
    assert_int_equal(plan->sinks_len, 1);
    assert_int_equal(plan->relations_len, 3);
    assert_int_equal(plan_find_relation(plan, STR("dead")), -1);
    assert_int_equal(plan->sources[0].relation, plan_find_relation(plan, STR("S")));
    assert_int_equal(plan->relations[plan->sources[0].relation].source, 0);
    for (size_t i = 0; i < plan->relations_len; i++) // inputs before consumers
        assert_true(plan->relations[i].inputs[0] < (int)i);
    assert_int_equal(planned.diagnostics.len, 1);
    assert_string_equal(planned.diagnostics.list[0].code, "W0401");
    arena_clear(&planned.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),    cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_fingerprint), cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_pruned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
