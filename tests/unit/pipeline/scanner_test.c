// SPDX-License-Identifier: MIT
// Tokens: where they begin and end, comments and quotes in each other, and what has no end.
#include "pipeline/scanner.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena;
static struct diagnostics diagnostics;

static struct tokens scan(const char *text)
{
    struct tokens tokens;
    diagnostics_init(&diagnostics, &arena, "p.sql", str_of(text));
    tokens_scan(str_of(text), &arena, &diagnostics, &tokens);
    return tokens;
}

// One letter a token: Word, Name, String, Number, Variable, the symbol itself, !: broken.
static void assert_kinds(const char *text, const char *kinds)
{
    struct tokens tokens = scan(text);
    char got[64] = {0};
    size_t len = 0;
    for (const struct token *token = tokens.list; token->kind != TOKEN_END; token++) {
        assert_true(len < sizeof(got) - 1);
        got[len++] = token->kind == TOKEN_SYMBOL ? token->text.ptr[0] : "WNSNV.!"[token->kind];
        if (token->kind == TOKEN_NAME)
            got[len - 1] = 'Q';
    }
    assert_string_equal(got, kinds);
}

static void test_kinds(void **state)
{
    (void)state;
    assert_kinds("SELECT a_1, \"b \"\"c\" FROM x;", "WW,QWW;");
    assert_kinds("1 1.5 .5 1e9 1e-3 1_000 1.e", "NNNNNNNW");
    assert_kinds("a--b\nc/* d /* e */ f */g", "WWW");
    assert_kinds("'--' \"/*\" $$ ' $$ $t$ $$ $t$ $1", "SQSS$N");
    assert_kinds("E'it\\'s' e'\\\\' 'it''s' x'00'", "SSSWS");
    assert_kinds("${A} ${B:-{}} a${C}", "VVWV");
    assert_kinds("\xef\xbb\xbfSET \xc3\xa4pfel", "WW");
    assert_kinds("", "");
}

static void test_content(void **state)
{
    (void)state;
    assert_true(str_is(scan("'it''s'").list[0].content, "it's"));
    assert_true(str_is(scan("\"a\"\"b\"").list[0].content, "a\"b"));
    assert_true(str_is(scan("E'a\\nb\\''").list[0].content, "a\nb'"));
    assert_true(str_is(scan("$x$a$$b$x$").list[0].content, "a$$b"));
}

static void test_broken(void **state)
{
    (void)state;
    static const struct {
        const char *text, *code;
        size_t place;
    } cases[] = {
        {"a 'b", "E0101", 2},      {"a \"b''", "E0101", 2},    {"a /* /* */", "E0101", 2},
        {"a $x$ $y$", "E0101", 2}, {"a ${B\n}", "E0101", 2},   {"a '\\' '", "E0101", 6},
        {"a \xff", "E0102", 2},    {"a \xc0\x80", "E0102", 2}, {"ab \xed\xa0\x80", "E0102", 3},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        scan(cases[i].text);
        assert_int_equal(diagnostics.len, 1);
        assert_string_equal(diagnostics.list[0].code, cases[i].code);
        assert_int_equal(diagnostics.list[0].place, cases[i].place);
    }
}

static void test_words(void **state)
{
    (void)state;
    assert_true(text_is_number(STR("-1.5e+3")) && text_is_number(STR("7")));
    assert_false(text_is_number(STR("")) || text_is_number(STR("1 2")) ||
                 text_is_number(STR("nan")) || text_is_number(STR("0x10")) ||
                 text_is_number(STR("1-1")));
    assert_true(text_is_word(STR("SELECT")) && text_is_word(STR("_a1")));
    assert_false(text_is_word(STR("a b")) || text_is_word(STR("1a")) || text_is_word(STR("a;")) ||
                 text_is_word(STR("a\"")));
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
        cmocka_unit_test_teardown(test_kinds, clear),
        cmocka_unit_test_teardown(test_content, clear),
        cmocka_unit_test_teardown(test_broken, clear),
        cmocka_unit_test_teardown(test_words, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
