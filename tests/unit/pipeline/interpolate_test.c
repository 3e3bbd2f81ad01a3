// SPDX-License-Identifier: MIT
// ${..}: every form, in every kind of literal, and that no value gets out of its literal.
#include "pipeline/scanner.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>
#include <stdlib.h>

static const struct str names[] = {
    {"A", 1}, {"EMPTY", 5}, {"QUOTE", 5}, {"A", 1}, {"DB_PASSWORD", 11}};
static const struct str values[] = {
    {"old", 3}, {"", 0}, {"it's \"x\" $$ ${A} --", 19}, {"new", 3}, {"hunter2", 7}};
static const struct str arguments[] = {{"first", 5}};

static struct arena arena;
static struct diagnostics diagnostics;

// The first token of `text` after interpolation.
static struct token first_token(const char *text)
{
    const struct variables variables = {.names = names,
                                        .values = values,
                                        .len = COUNT_OF(names),
                                        .arguments = arguments,
                                        .arguments_len = 1,
                                        .use_environment = true};
    struct tokens tokens;
    diagnostics_init(&diagnostics, &arena, "p.sql", str_of(text));
    tokens_scan(str_of(text), &arena, &diagnostics, &tokens);
    tokens_interpolate(&tokens, &variables, &arena, &diagnostics);
    return tokens.list[0];
}

static void test_forms(void **state)
{
    (void)state;
    assert_int_equal(setenv("FIRESTEEL_TEST_NAME", "from outside", 1), 0);
    static const struct {
        const char *text, *content;
    } cases[] = {
        {"'a${A}b'", "anewb"}, // the last -D wins
        {"'${FIRESTEEL_TEST_NAME}'", "from outside"},
        {"'${NO_SUCH:-default}'", "default"},
        {"'${EMPTY:-default}'", "default"},
        {"'${EMPTY}'", ""},
        {"'${A:+text}${EMPTY:+no}${NO_SUCH:+no}'", "text"},
        {"'${1}${2:-second}'", "firstsecond"},
        {"'${NO_SUCH:-${EMPTY:-x${A}}}'", "xnew"},
        {"'$${A} $A {A}'", "${A} $A {A}"},
        {"'${NO_SUCH:-it''s}'", "it's"},
        {"$q$${A}$q$", "new"},
        {"\"col ${A}\"", "col new"},
        {"E'\\'${A}'", "'new"},
        {"'${QUOTE}'", "it's \"x\" $$ ${A} --"}, // a value is not looked at again
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct token token = first_token(cases[i].text);
        assert_int_equal(diagnostics.len, 0);
        assert_int_equal(token.content.len, strlen(cases[i].content));
        assert_memory_equal(token.content.ptr, cases[i].content, token.content.len);
    }
}

// As SQL the value is one literal again, whatever quotes it brought.
static void test_stays_inside(void **state)
{
    (void)state;
    struct token text = first_token("'${QUOTE}'");
    assert_true(str_is(text.text, "'it''s \"x\" $$ ${A} --'"));
    struct token dollar = first_token("$$${QUOTE}$$");
    assert_true(str_is(dollar.text, "'it''s \"x\" $$ ${A} --'"));
    struct token name = first_token("\"${QUOTE}\"");
    assert_true(str_is(name.text, "\"it's \"\"x\"\" $$ ${A} --\""));
}

static void test_outside_literals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum token_kind kind;
        const char *code; // NULL: fine
    } cases[] = {
        {"${A}", TOKEN_WORD, NULL},
        {"${NO_SUCH:-12.5e3}", TOKEN_NUMBER, NULL},
        {"${NO_SUCH:--7}", TOKEN_NUMBER, NULL},
        {"${NO_SUCH:-a b}", TOKEN_WORD, "E0105"},
        {"${NO_SUCH:-1;2}", TOKEN_WORD, "E0105"},
        {"${NO_SUCH:-1--}", TOKEN_WORD, "E0105"},
        {"${EMPTY}", TOKEN_WORD, "E0105"},
        {"${QUOTE}", TOKEN_WORD, "E0105"},
        {"${A}b", TOKEN_WORD, "E0106"},
        {"${A}${A}", TOKEN_WORD, "E0106"},
        {"${NO_SUCH}", TOKEN_WORD, "E0103"},
        {"${2}", TOKEN_WORD, "E0103"},
        {"${A?x}", TOKEN_WORD, "E0104"},
        {"${}", TOKEN_WORD, "E0104"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct token token = first_token(cases[i].text);
        if (cases[i].code == NULL) {
            assert_int_equal(diagnostics.len, 0);
            assert_int_equal(token.kind, cases[i].kind);
        } else {
            assert_true(diagnostics.len >= 1);
            assert_string_equal(diagnostics.list[0].code, cases[i].code);
            assert_true(token.is_bad);
        }
    }
}

// The value of a variable whose name says secret must not be in any message.
static void test_secret(void **state)
{
    (void)state;
    assert_true(first_token("'x${DB_PASSWORD}'").has_secret);
    assert_false(first_token("'x${A}'").has_secret);
    first_token("${DB_PASSWORD}${A}");
    AUTO(buf_clear) struct buf out = {0};
    diagnostics_print(&diagnostics, false, &out);
    assert_null(strstr(buf_cstr(&out), "hunter2"));
}

static int clear(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_forms, clear),
        cmocka_unit_test_teardown(test_stays_inside, clear),
        cmocka_unit_test_teardown(test_outside_literals, clear),
        cmocka_unit_test_teardown(test_secret, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
