// SPDX-License-Identifier: MIT
// Conditions: which become predicates, with constants in the column's own domain, and which stay
// SQL.
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

static struct condition condition_of(const char *text)
{
    struct sql_text sql = text_of(text);
    const struct relation *events = &fixture.plan.relations[0];
    struct condition condition;
    bool is_built =
        condition_build(&fixture.builder, &sql, events->columns, events->columns_len, &condition);
    if (!is_built)
        print_diagnostics(&fixture);
    assert_true(is_built);
    assert_true(condition.sql.len > 0);
    return condition;
}

// (op column constant ..) in prefix form.
static void print_predicate(const struct predicate *predicate, struct buf *out)
{
    static const char *const names[] = {"and", "or", "not", "null", "some", "<",      "<=",
                                        ">",   ">=", "=",   "<>",   "in",   "column", "constant"};
    buf_print(out, "(%s", names[predicate->op]);
    if (predicate->path.column >= 0 && predicate->children_len == 0 &&
        predicate->op != PREDICATE_CONSTANT) {
        buf_print(out, " %s", event_columns[predicate->path.column][0]);
        for (int i = 0; i < predicate->path.fields_len; i++)
            buf_print(out, ".%d", predicate->path.fields[i]);
    }
    if (predicate->other.column >= 0)
        buf_print(out, " %s", event_columns[predicate->other.column][0]);
    for (size_t i = 0; i < predicate->constants_len; i++) {
        const struct constant *constant = &predicate->constants[i];
        if (constant->kind == TYPE_DOUBLE)
            buf_print(out, " %.17gd", constant->real);
        else if (constant->kind == TYPE_VARCHAR)
            buf_print(out, " '%.*s'", STR_ARGS(constant->text));
        else
            buf_print(out, " %s%lld", constant->kind == TYPE_TIMESTAMP ? "@" : "",
                      (long long)constant->whole);
    }
    for (size_t i = 0; i < predicate->children_len; i++)
        print_predicate(predicate->children[i], out);
    buf_add_char(out, ')');
}

static void test_predicates(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"event_id IS NOT NULL", "(some event_id)"},
        {"location.lat IS NULL", "(null location.0)"},
        {"duration > 0 AND duration < 100", "(and(> duration 0d)(< duration 100d))"},
        {"battery BETWEEN 0 AND 100", "(and(>= battery 0)(<= battery 100))"},
        {"signal BETWEEN -120 AND 0", "(and(>= signal -120)(<= signal 0))"},
        {"location.lat >= -90.5", "(>= location.0 -90.5d)"},
        {"location['city'] = 'Oslo'", "(= location.1 'Oslo')"},
        {"NOT (battery = 1 OR ok)", "(not(or(= battery 1)(column ok)))"},
        {"5 < battery", "(> battery 5)"},
        {"battery = 5.0", "(= battery 5)"},
        {"battery <> 5e0", NULL}, // compared as DOUBLE
        {"battery > 0.5", NULL},
        {"battery > '5'", NULL},
        {"battery < 3000000000", NULL}, // beyond the column's range
        {"event_id < 3000000000", "(< event_id 3000000000)"},
        {"small = 0.1", "(= small 0.10000000149011612d)"},
        {"small = CAST(0.1 AS DOUBLE)", "(= small 0.10000000000000001d)"},
        {"small IN (0.1, 1e0)", NULL},
        {"duration = 0.1", "(= duration 0.10000000000000001d)"},
        {"city IN ('a', 'it''s')", "(in city 'a' 'it's')"},
        {"city NOT IN ('a')", "(not(in city 'a'))"},
        {"battery NOT IN (1, 2)", "(not(in battery 1 2))"},
        {"battery IN (1, NULL)", NULL},
        {"battery = NULL", NULL},
        {"city = 5", NULL},
        {"event_time >= TIMESTAMP '2024-01-01 00:00:01'", "(>= event_time @1704067201000000)"},
        {"event_time < '2024-01-01'", "(< event_time @1704067200000000)"},
        {"event_time < DATE '2024-01-01'", "(< event_time @1704067200000000)"},
        {"battery > signal", "(> battery signal)"},
        {"battery > duration", NULL},
        {"price > 1", NULL},
        {"city LIKE 'a%'", NULL},
        {"TRUE", "(constant 1)"},
        {"ok AND city IS NOT DISTINCT FROM 'a'", NULL},
        {"now() > event_time", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct condition condition = condition_of(cases[i][0]);
        AUTO(buf_clear) struct buf text = {0};
        if (condition.predicate != NULL)
            print_predicate(condition.predicate, &text);
        const char *expected = cases[i][1] == NULL ? "" : cases[i][1];
        if (strcmp(buf_cstr(&text), expected) != 0)
            fail_msg("%s gives \"%s\", not \"%s\"", cases[i][0], buf_cstr(&text), expected);
    }
}

static void test_mistakes(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"E0202", "baterry > 5"},     {"E0205", "battery + 1"},   {"E0201", "battery >"},
        {"E0205", "battery > 1, ok"}, {"E0205", "nope(battery)"}, {"E0205", "battery > location"},
    };
    const struct relation *events = &fixture.plan.relations[0];
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sql_text sql = text_of(cases[i][1]);
        struct condition condition;
        fixture.diagnostics.len = 0;
        assert_false(condition_build(&fixture.builder, &sql, events->columns, events->columns_len,
                                     &condition));
        assert_string_equal(fixture.diagnostics.list[0].code, cases[i][0]);
    }
}

static void test_expressions(void **state)
{
    (void)state;
    const struct relation *events = &fixture.plan.relations[0];
    struct column_path path;
    struct sql_text sql = text_of("location.city");
    assert_true(
        expression_path(&fixture.builder, &sql, events->columns, events->columns_len, &path));
    assert_int_equal(path.column, 8);
    assert_int_equal(path.fields[0], 1);
    sql = text_of("upper(city) -- the name");
    assert_false(
        expression_path(&fixture.builder, &sql, events->columns, events->columns_len, &path));
    const struct type *type =
        expression_type(&fixture.builder, &sql, events->columns, events->columns_len);
    assert_int_equal(type->kind, TYPE_VARCHAR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_predicates, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mistakes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expressions, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
