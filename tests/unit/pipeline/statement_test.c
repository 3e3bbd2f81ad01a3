// SPDX-License-Identifier: MIT
// Statements taken apart: what each clause leaves behind, where places point, and that mistakes do
// not take their neighbours with them.
#include "pipeline/statement.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

struct parsed {
    struct arena arena;
    struct diagnostics diagnostics;
    struct statement *list;
    size_t len;
};

static void parse(struct parsed *parsed, const char *text, const struct variables *variables)
{
    static const struct variables none = {0};
    *parsed = (struct parsed){0};
    diagnostics_init(&parsed->diagnostics, &parsed->arena, "p.sql", str_of(text));
    statements_parse(str_of(text), variables != NULL ? variables : &none, &parsed->arena,
                     &parsed->diagnostics, &parsed->list, &parsed->len);
}

static void assert_str(struct str got, const char *want)
{
    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.ptr, want, got.len);
}

static void test_source(void **state)
{
    (void)state;
    struct parsed parsed;
    parse(&parsed,
          "CREATE SOURCE \"My Events\" (\n"
          "  id BIGINT,\n"
          "  location STRUCT(latitude DOUBLE, city VARCHAR),\n"
          "  price DECIMAL(10, 2) FROM 'a.b',\n"
          "  seen TIMESTAMP WITH TIME ZONE FORMAT 'unix_ms' FROM 's',\n"
          "  city VARCHAR AS (location.city),\n"
          "  place BIGINT METADATA FROM 'offset',\n"
          "  topic VARCHAR METADATA,\n"
          "  CONSTRAINT positive EXPECT (id > (0)) ON VIOLATION DROP ROW,\n"
          "  CONSTRAINT plain EXPECT (id < 9),\n"
          "  WATERMARK FOR seen AS seen - INTERVAL 10 MINUTES IDLE TIMEOUT INTERVAL '30 seconds'\n"
          ") WITH (connector = 'files', rows = -5, size = 64MB, wait = INTERVAL '2' HOURS,\n"
          "  properties.linger.ms = 5, on = true, sum = (1 + (2)));",
          NULL);
    assert_int_equal(parsed.diagnostics.len, 0);
    assert_int_equal(parsed.len, 1);
    const struct statement *source = &parsed.list[0];
    assert_int_equal(source->kind, STATEMENT_SOURCE);
    assert_str(source->name, "My Events");
    assert_int_equal(source->columns_len, 7);
    assert_str(source->columns[1].type, "STRUCT(latitude DOUBLE, city VARCHAR)");
    assert_str(source->columns[1].path, "location");
    assert_false(source->columns[1].has_path);
    assert_str(source->columns[2].type, "DECIMAL(10, 2)");
    assert_str(source->columns[2].path, "a.b");
    assert_true(source->columns[2].has_path);
    assert_str(source->columns[3].type, "TIMESTAMP WITH TIME ZONE");
    assert_str(source->columns[3].time_format, "unix_ms");
    assert_int_equal(source->columns[4].kind, COLUMN_COMPUTED);
    assert_str(source->columns[4].expression.text, "location.city");
    assert_int_equal(source->columns[5].kind, COLUMN_METADATA);
    assert_str(source->columns[5].path, "offset");
    assert_str(source->columns[6].path, "topic");
    assert_int_equal(source->constraints_len, 2);
    assert_str(source->constraints[0].condition.text, "id > (0)");
    assert_int_equal(source->constraints[0].violation, VIOLATION_DROP);
    assert_int_equal(source->constraints[1].violation, VIOLATION_WARN);
    assert_str(source->watermark.delay, "10 MINUTES");
    assert_str(source->watermark.idle_timeout, "30 seconds");
    assert_int_equal(source->options_len, 7);
    assert_str(source->options[1].value, "-5");
    assert_str(source->options[2].value, "64MB");
    assert_str(source->options[3].value, "2 HOURS");
    assert_str(source->options[4].name, "properties.linger.ms");
    assert_str(source->options[5].value, "true");
    assert_true(source->options[6].is_expression);
    assert_str(source->options[6].expression.text, "1 + (2)");
    arena_clear(&parsed.arena);
}

static void test_sink_and_view(void **state)
{
    (void)state;
    struct parsed parsed;
    parse(&parsed,
          "SET a TO 'x';;\n"
          "CREATE VIEW v (CONSTRAINT c EXPECT (x) ON VIOLATION FAIL) LATE INTO late AS\n"
          "  SELECT ';' /* ; */ -- ;\n  FROM $$;$$;\n"
          "CREATE SINK s WITH (connector = 'console') EMIT CHANGES EVERY INTERVAL '10 seconds'\n"
          "  LATE INTO late AS FROM v;\n"
          "CREATE SINK late FROM v WITH (connector = 'console');\n"
          "CREATE TABLE t AS (SELECT 1);\n"
          "CREATE OR REPLACE TEMP MACRO m(x) AS x + 1; CREATE TYPE t AS ENUM ('a')",
          NULL);
    assert_int_equal(parsed.diagnostics.len, 0);
    assert_int_equal(parsed.len, 7);
    assert_str(parsed.list[0].options[0].value, "x");
    assert_int_equal(parsed.list[1].constraints[0].violation, VIOLATION_FAIL);
    assert_str(parsed.list[1].late_into, "late");
    assert_str(parsed.list[1].body.text, "SELECT ';' /* ; */ -- ;\n  FROM $$;$$");
    assert_int_equal(parsed.list[2].emit, EMIT_CHANGES);
    assert_str(parsed.list[2].emit_every, "10 seconds");
    assert_str(parsed.list[2].body.text, "FROM v");
    assert_str(parsed.list[3].from, "v");
    assert_false(parsed.list[3].has_body);
    assert_str(parsed.list[4].body.text, "(SELECT 1)");
    assert_int_equal(parsed.list[5].kind, STATEMENT_MACRO);
    assert_str(parsed.list[5].body.text, "CREATE OR REPLACE TEMP MACRO m(x) AS x + 1");
    assert_str(parsed.list[6].name, "t");
    arena_clear(&parsed.arena);
}

// A mistake keeps its name as broken, and everything around it is understood.
static void test_recovery(void **state)
{
    (void)state;
    struct parsed parsed;
    parse(&parsed,
          "CREATE VIEW a AS SELCT 1;\n"
          "SET b = 1;\n"
          "CREATE SINK c WITH (connector 'x') AS SELECT 1;\n"
          "CREATE VIEW d AS SELECT 1\n"
          "CREATE VIEW e AS SELECT 2;\n"
          "DROP x;\n"
          "CREATE VIEW f AS SELECT 'open;",
          NULL);
    assert_int_equal(parsed.diagnostics.errors, 5);
    assert_int_equal(parsed.len, 6);
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    static const bool broken[] = {true, false, true, false, false, true};
    for (size_t i = 0; i < parsed.len; i++) {
        assert_str(parsed.list[i].name, names[i]);
        assert_int_equal(parsed.list[i].is_broken, broken[i]);
    }
    arena_clear(&parsed.arena);
}

// However long the values are, an offset of a body leads back to the user's file.
static void test_places(void **state)
{
    (void)state;
    static const struct str names[] = {{"A", 1}, {"N", 1}};
    static const struct str values[] = {{"it's rather long, is it not", 27}, {"-7", 2}};
    const struct variables variables = {.names = names, .values = values, .len = 2};
    const char *text = "CREATE VIEW v AS SELECT '${A}' AS x, 1 -${N} AS y, wrong FROM s";
    struct parsed parsed;
    parse(&parsed, text, &variables);
    assert_int_equal(parsed.diagnostics.len, 0);
    const struct sql_text *body = &parsed.list[0].body;
    assert_str(body->text, "SELECT 'it''s rather long, is it not' AS x, 1 - -7 AS y, wrong FROM s");
    static const char *const words[] = {"SELECT", "AS x", "AS y", "wrong", "FROM"};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        const char *in_body = strstr(body->text.ptr, words[i]);
        const char *in_file = strstr(text, words[i]);
        assert_int_equal(map_place(body, (size_t)(in_body - body->text.ptr)), in_file - text);
    }
    // Inside the replaced literal no place runs past its end in the file.
    size_t literal_end = (size_t)(strstr(text, " AS x") - text);
    for (size_t i = 7; i <= 37; i++)
        assert_true(map_place(body, i) <= literal_end + 1);
    arena_clear(&parsed.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_source),
        cmocka_unit_test(test_sink_and_view),
        cmocka_unit_test(test_recovery),
        cmocka_unit_test(test_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
