// SPDX-License-Identifier: MIT
// Option tables: defaults, every kind, what is said about wrong values, and that secrets stay
// secret.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "base/option.h"

struct settings {
    struct str path;
    struct secret password;
    bool header;
    int64_t rows;
    double rate;
    int64_t age_us;
    int64_t bytes;
    int mode;
};

static const char *const modes[] = {"append", "replace", NULL};
static const struct option table[] = {
    {"path", OPTION_TEXT, NULL, "where the files are", offsetof(struct settings, path), NULL},
    {"password", OPTION_SECRET, "", "of the user", offsetof(struct settings, password), NULL},
    {"header", OPTION_BOOL, "false", "first line holds names", offsetof(struct settings, header),
     NULL},
    {"rows", OPTION_INT, "1000", "rows per file", offsetof(struct settings, rows), NULL},
    {"rate", OPTION_DOUBLE, "0.5", "share", offsetof(struct settings, rate), NULL},
    {"age", OPTION_DURATION, "1 minute", "of a file", offsetof(struct settings, age_us), NULL},
    {"size", OPTION_SIZE, "64MB", "of a file", offsetof(struct settings, bytes), NULL},
    {"mode", OPTION_WORD, "append", "what happens to old rows", offsetof(struct settings, mode),
     modes},
};

static struct option_value value_of(const char *name, const char *value)
{
    return (struct option_value){.name = str_of(name), .value = str_of(value), .place = SIZE_MAX};
}

static void defaults_and_values(void **state)
{
    (void)state;
    AUTO(arena_clear) struct arena arena = {0};
    struct settings settings = {0};
    struct error err = {0};
    size_t bad;
    char password[] = "s3cret";
    const struct option_value some[] = {value_of("PATH", "in/*.jsonl"), value_of("unknown", "x"),
                                        value_of("password", password)};
    assert_true(
        option_fill(table, COUNT_OF(table), some, COUNT_OF(some), &settings, &arena, &bad, &err));
    memset(password, 'x', 6); // strings are copies
    assert_true(str_is(settings.path, "in/*.jsonl"));
    assert_true(str_is(settings.password.hidden, "s3cret"));
    assert_false(settings.header);
    assert_int_equal(settings.rows, 1000);
    assert_int_equal(settings.age_us, 60 * US_PER_SECOND);
    assert_int_equal(settings.bytes, 64000000);
    assert_int_equal(settings.mode, 0);
    const struct option_value all[] = {
        value_of("path", "p"),      value_of("header", "ON"),          value_of("rows", "-3"),
        value_of("rate", "2.5"),    value_of("age", "INTERVAL '1 s'"), value_of("size", "1 GiB"),
        value_of("mode", "Replace")};
    assert_true(
        option_fill(table, COUNT_OF(table), all, COUNT_OF(all), &settings, &arena, NULL, &err));
    assert_true(settings.header && settings.rows == -3 && settings.rate > 2.4);
    assert_int_equal(settings.age_us, US_PER_SECOND);
    assert_int_equal(settings.bytes, 1 << 30);
    assert_int_equal(settings.mode, 1);
}

static void wrong_values(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *said;
    } cases[] = {
        {"header", "maybe", "'maybe' is not true or false"},
        {"rows", "10x", "'10x' is not a whole number"},
        {"rate", "", "is not a number"},
        {"age", "1 month", "'1 month' is not a length of time"},
        {"size", "64 QB", "'64 QB' is not a size"},
        {"mode", "upsert", "'upsert' is not known; use one of: append, replace"},
    };
    AUTO(arena_clear) struct arena arena = {0};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct settings settings = {0};
        struct error err = {0};
        size_t bad = 7;
        const struct option_value values[] = {value_of("path", "p"),
                                              value_of(cases[i].name, cases[i].value)};
        assert_false(option_fill(table, COUNT_OF(table), values, 2, &settings, &arena, &bad, &err));
        assert_int_equal(bad, 1);
        assert_int_equal(err.kind, ERROR_USER);
        if (strstr(err.text, cases[i].said) == NULL || strstr(err.text, cases[i].name) == NULL)
            fail_msg("%s: %s", cases[i].name, err.text);
    }
}

static void missing_and_secret(void **state)
{
    (void)state;
    AUTO(arena_clear) struct arena arena = {0};
    struct settings settings = {0};
    struct error err = {0};
    size_t bad = 7;
    assert_false(option_fill(table, COUNT_OF(table), NULL, 0, &settings, &arena, &bad, &err));
    assert_true(bad == SIZE_MAX);
    assert_string_equal(err.text, "option 'path' is missing: where the files are");
    struct option_value values[] = {value_of("path", "p"), value_of("rows", "hunter2")};
    values[1].is_secret = true;
    assert_false(option_fill(table, COUNT_OF(table), values, 2, &settings, &arena, &bad, &err));
    assert_null(strstr(err.text, "hunter2"));
    assert_non_null(strstr(err.text, "rows"));
}

static void sizes_and_bools(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } cases[] = {{"0", 0},        {"1024", 1024},     {"1kb", 1000},
                 {"1 KiB", 1024}, {"1.5MB", 1500000}, {" 2 TB ", 2000000000000},
                 {"10 B", 10}};
    int64_t bytes;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (!size_parse(str_of(cases[i].text), &bytes) || bytes != cases[i].bytes)
            fail_msg("'%s' gave %lld", cases[i].text, (long long)bytes);
    }
    static const char *const refused[] = {"",       "MB", "-1", "1e3", "1.2.3", "9999999999 GB",
                                          "1 Mb it"};
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        assert_false(size_parse(str_of(refused[i]), &bytes));
    bool value;
    assert_true(bool_parse(STR("True"), &value) && value);
    assert_true(bool_parse(STR("0"), &value) && !value);
    assert_false(bool_parse(STR("2"), &value));
}

static void did_you_mean(void **state)
{
    (void)state;
    static const char *const names[] = {"connector", "format", "path", "partition_by"};
    assert_string_equal(nearest_name(STR("conector"), names, 4), "connector");
    assert_string_equal(nearest_name(STR("FORMT"), names, 4), "format");
    assert_string_equal(nearest_name(STR("partition_yb"), names, 4), "partition_by");
    assert_null(nearest_name(STR("banana"), names, 4));
    assert_null(nearest_name(STR(""), names, 4));
    assert_null(nearest_name(STR("p"), names, 4));
    assert_non_null(option_find(table, COUNT_OF(table), STR("Rows")));
    assert_null(option_find(table, COUNT_OF(table), STR("row")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_and_values), cmocka_unit_test(wrong_values),
        cmocka_unit_test(missing_and_secret),  cmocka_unit_test(sizes_and_bools),
        cmocka_unit_test(did_you_mean),
    };
    return cmocka_run_group_tests_name("option", tests, NULL, NULL);
}
