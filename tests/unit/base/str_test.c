// SPDX-License-Identifier: MIT
// Views of strings: comparing, cutting, numbers that must take the whole text, and edit distance.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/str.h"

static void comparing(void **state)
{
    (void)state;
    assert_true(str_equal(STR("abc"), str_of("abc")));
    assert_false(str_equal(STR("abc"), STR("abC")));
    assert_false(str_equal(STR("abc"), STR("ab")));
    assert_true(str_equal((struct str){NULL, 0}, STR("")));
    assert_true(str_equal_nocase(STR("Events"), STR("eVENTS")));
    assert_false(str_equal_nocase(STR("[x"), STR("{x"))); // differ by the case bit, no letters
    assert_int_equal(str_of(NULL).len, 0);
    assert_true(str_starts(STR("device"), "dev") && !str_starts(STR("de"), "dev"));
    assert_true(str_ends(STR("a.sql"), ".sql") && !str_ends(STR("sql"), ".sql"));
    assert_true(str_compare(STR("a"), STR("ab")) < 0 && str_compare(STR("b"), STR("ab")) > 0);
    assert_true(str_compare(STR("\x80"), STR("\x7f")) > 0); // bytes, not signed characters
    assert_int_equal(str_compare(STR("x"), STR("x")), 0);
}

static void cutting(void **state)
{
    (void)state;
    assert_true(str_is(str_trim(STR(" \t\r\n a b \v")), "a b"));
    assert_true(str_is(str_trim(STR("  ")), ""));
    assert_true(str_is(str_slice(STR("hello"), 1, 3), "el"));
    assert_true(str_is(str_slice(STR("hello"), 3, 99), "lo"));
    assert_true(str_is(str_slice(STR("hello"), 9, 99), ""));
    assert_int_equal(str_find(STR("a=b=c"), '='), 1);
    assert_int_equal(str_find(STR("abc"), '='), -1);
    assert_int_equal(str_find((struct str){NULL, 0}, '='), -1);
}

static void whole_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-17", true, -17},
        {"+5", true, 5},
        {"007", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"1x", false, 0},
        {" 1", false, 0},
        {"1.0", false, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t value = 42;
        bool good = str_parse_int64(str_of(cases[i].text), &value);
        if (good != cases[i].good || value != (good ? cases[i].value : 42))
            fail_msg("'%s' gave %d, %lld", cases[i].text, good, (long long)value);
    }
}

static void real_numbers(void **state)
{
    (void)state;
    double value = 0;
    assert_true(str_parse_double(STR("1.5e3"), &value) && value > 1499.9 && value < 1500.1);
    assert_true(str_parse_double(STR("-0.25"), &value) && value < -0.24);
    // A view need not end with a zero byte: what follows is not part of it.
    assert_true(str_parse_double((struct str){"12345", 2}, &value) && value < 12.5);
    assert_false(str_parse_double(STR(""), &value));
    assert_false(str_parse_double(STR(" 1"), &value));
    assert_false(str_parse_double(STR("1,5"), &value));
    assert_false(str_parse_double(STR("1e999"), &value));
    assert_true(str_parse_double(STR("1e-999"), &value));
}

static void distance(void **state)
{
    (void)state;
    assert_int_equal(str_distance(STR("kitten"), STR("sitting"), 10), 3);
    assert_int_equal(str_distance(STR("abc"), STR("abc"), 10), 0);
    assert_int_equal(str_distance(STR(""), STR("abc"), 10), 3);
    assert_int_equal(str_distance(STR("versoin"), STR("version"), 10), 1); // swap
    assert_int_equal(str_distance(STR("abcdef"), STR("uvwxyz"), 3), 3);    // stops at the limit
    assert_int_equal(str_distance(STR("ab"), STR("ba"), 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing),    cmocka_unit_test(cutting),  cmocka_unit_test(whole_numbers),
        cmocka_unit_test(real_numbers), cmocka_unit_test(distance),
    };
    return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
