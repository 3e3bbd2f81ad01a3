// SPDX-License-Identifier: MIT
// What is said about a changed pipeline: from plan texts, so that a change of the fingerprint's
// form shows here.
#include "view_fixture.h"

#include "pipeline/fit.h"

static const char before[] =
    "CREATE SOURCE e (id BIGINT, k VARCHAR, d DOUBLE, t TIMESTAMP,"
    " WATERMARK FOR t AS t - INTERVAL '1 minute') WITH (connector = 'generator', profile = "
    "'devices');"
    "CREATE VIEW f AS SELECT * FROM DEDUP(e, id);"
    "CREATE SINK o WITH (connector = 'console') AS SELECT window_start, k, avg(d) AS d"
    " FROM TUMBLE(f, t, INTERVAL '1 minute') GROUP BY ALL;";

static void add_line(void *context, enum fit fit, struct str name, struct str title,
                     struct str what)
{
    static const char *const words[] = {"same", "changed", "new", "gone"};
    buf_print(context, "%s %.*s (%.*s): %.*s\n", words[fit], STR_ARGS(name), STR_ARGS(title),
              STR_ARGS(what));
}

static const char *fingerprint(const char *sql, struct arena *arena)
{
    struct plan_request request = {.path = "p.sql", .text = str_of(sql), .execution = -1};
    struct diagnostics diagnostics;
    diagnostics_init(&diagnostics, arena, "p.sql", request.text);
    struct plan *plan = plan_build(&request, arena, &diagnostics);
    AUTO(buf_clear) struct buf out = {0};
    diagnostics_print(&diagnostics, false, &out);
    if (plan == NULL)
        fail_msg("%s", buf_cstr(&out));
    return arena_cstr(arena, plan->fingerprint);
}

// `before` with one text in place of another.
static void expect_change(const char *from, const char *to, const char *expected)
{
    AUTO(arena_clear) struct arena arena = {0};
    AUTO(buf_clear) struct buf sql = {0};
    AUTO(buf_clear) struct buf out = {0};
    const char *at = strstr(before, from);
    assert_non_null(at);
    buf_print(&sql, "%.*s%s%s", (int)(at - before), before, to, at + strlen(from));
    const char *now = fingerprint(buf_cstr(&sql), &arena);
    fit_compare(str_of(fingerprint(before, &arena)), str_of(now), add_line, &out);
    assert_string_equal(buf_cstr(&out), expected);
}

static void changes_are_told(void **state)
{
    (void)state;
    expect_change("SELECT * FROM DEDUP", "SELECT *  FROM DEDUP",
                  "same source.e (source e): \nsame f (dedup of f): \nsame o (groups of o): \n"
                  "same sink.o (sink o): \n");
    expect_change("(e, id)", "(e, id, k)",
                  "same source.e (source e): \n"
                  "changed f (dedup of f): keys (id BIGINT) -> (id BIGINT, k VARCHAR)\n"
                  "same o (groups of o): \nsame sink.o (sink o): \n");
    expect_change("INTERVAL '1 minute') GROUP", "INTERVAL '5 minutes') GROUP",
                  "same source.e (source e): \nsame f (dedup of f): \n"
                  "changed o (groups of o): window 1m -> 5m\n"
                  "same sink.o (sink o): \n");
    expect_change("avg(d)", "sum(d)",
                  "same source.e (source e): \nsame f (dedup of f): \n"
                  "changed o (groups of o): aggregates avg(d) -> sum(d)\n"
                  "same sink.o (sink o): \n");
    expect_change("(e, id)", "(e, id, within => INTERVAL '2 hours')",
                  "same source.e (source e): \n"
                  "changed f (dedup of f): within 1m -> 2h\n"
                  "same o (groups of o): \nsame sink.o (sink o): \n");
    expect_change("avg(d)", "avg(d + 1)",
                  "same source.e (source e): \nsame f (dedup of f): \n"
                  "changed o (groups of o): other expressions\n"
                  "same sink.o (sink o): \n");
    expect_change("VIEW f", "VIEW g AS SELECT id FROM e; CREATE VIEW f",
                  "same source.e (source e): \nsame f (dedup of f): \nsame o (groups of o): \n"
                  "same sink.o (sink o): \n");
}

static void new_and_gone(void **state)
{
    (void)state;
    AUTO(buf_clear) struct buf out = {0};
    fit_compare(STR("source.e files\nx dedup within=1 keys=(a BIGINT)\n"),
                STR("source.e kafka watermark=t\ny over preceding=2 partition=(k)\n"), add_line,
                &out);
    assert_string_equal(buf_cstr(&out),
                        "changed source.e (source e): it was files and is kafka; watermark none -> "
                        "t\nnew y (over of y): \ngone x (dedup of x): \n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_told),
        cmocka_unit_test(new_and_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
