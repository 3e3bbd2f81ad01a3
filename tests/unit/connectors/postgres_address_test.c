// SPDX-License-Identifier: MIT
// Addresses of PostgreSQL: each form of url, options over it, and that no message shows a password.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "connectors/postgres/postgres_address.h"

static struct arena arena;
static struct postgres_address address;
static struct error err;

static bool make_with(struct postgres_options options)
{
    err = (struct error){0};
    return postgres_address_make(&options, "firesteel test", &arena, &address, &err);
}

static bool make(const char *url)
{
    return make_with((struct postgres_options){.url = {str_of(url)}});
}

static void check(const char *keyword, const char *expected)
{
    const char *value = postgres_address_get(&address, keyword);
    if (expected == NULL)
        assert_null(value);
    else if (value == NULL)
        fail_msg("%s is missing", keyword);
    else
        assert_string_equal(value, expected);
}

static void test_jdbc(void **state)
{
    (void)state;
    assert_true(make("jdbc:postgresql://postgres:5433/telemetra?ssl=true&sslmode=require"));
    check("host", "postgres");
    check("port", "5433");
    check("dbname", "telemetra");
    check("sslmode", "require");
    assert_true(make("jdbc:postgresql://h/db?ssl=true"));
    check("port", "5432");
    check("sslmode", "verify-full"); // what the Java driver does
    assert_true(make("jdbc:postgresql://h/db?ssl=false"));
    check("sslmode", NULL);
    assert_true(make("jdbc:postgresql://a:1,b,[::1]:3/my%20db?user=u%40x&password=p%26q+r"));
    check("host", "a,b,::1");
    check("port", "1,5432,3");
    check("dbname", "my db");
    check("user", "u@x");
    check("password", "p&q r");
    assert_true(make("jdbc:postgresql:db?currentSchema=s one&prepareThreshold=0"));
    check("host", NULL);
    check("dbname", "db");
    check("options", "-csearch_path=s\\ one");
    assert_true(make("jdbc:postgresql://h/db?targetServerType=master"));
    check("target_session_attrs", "primary");
}

static void test_libpq(void **state)
{
    (void)state;
    assert_true(make("postgresql://u:s%23cret@h:99/db?sslmode=disable&connect_timeout=3"));
    check("host", "h");
    check("port", "99");
    check("user", "u");
    check("password", "s#cret");
    check("dbname", "db");
    check("sslmode", "disable");
    check("connect_timeout", "3"); // the user's wins
    assert_true(make("host=h dbname='a b' user=u"));
    check("dbname", "a b");
    check("application_name", "firesteel test");
    check("client_encoding", "UTF8");
    check("connect_timeout", "10");
}

static void test_options_win(void **state)
{
    (void)state;
    assert_true(make_with((struct postgres_options){
        .url = {STR("jdbc:postgresql://h:1/db?user=a&password=b")},
        .host = STR("other"),
        .port = 2,
        .database = STR("d2"),
        .user = STR("u2"),
        .password = {STR("p2")},
    }));
    check("host", "other");
    check("port", "2");
    check("dbname", "d2");
    check("user", "u2");
    check("password", "p2");
    AUTO(buf_clear) struct buf text = {0};
    postgres_address_print(&address, &text);
    assert_string_equal(buf_cstr(&text), "u2@other:2/d2");
    assert_true(make_with((struct postgres_options){.user = STR("me"), .host = STR("h")}));
    assert_string_equal(address.database, "me");
    assert_string_equal(address.port, "5432");
}

static void test_environment(void **state)
{
    (void)state;
    setenv("PGHOST", "from_environment", 1);
    setenv("PGDATABASE", "also", 1);
    assert_true(make("user=u"));
    unsetenv("PGHOST");
    unsetenv("PGDATABASE");
    assert_string_equal(address.host, "from_environment");
    assert_string_equal(address.database, "also");
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *url, *text;
    } cases[] = {
        {"jdbc:mysql://h/db", "begins with jdbc:postgresql://"},
        {"jdbc:postgresql://h/db?sslmod=require", "parameter 'sslmod' that is not known"},
        {"jdbc:postgresql://h/db?ssl=maybe&password=geheim", "ssl in the url is true or false"},
        {"jdbc:postgresql://u:geheim@h/db", "has no user@ part"},
        {"postgresql://u:geheim@h/db?wrong=1", "\"wrong\""},
        {"geheim", "cannot be read; write jdbc:postgresql://"},
        {"password=geheim host", "cannot be read"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_false(make(cases[i].url));
        assert_int_equal(err.kind, ERROR_USER);
        if (strstr(err.text, cases[i].text) == NULL)
            fail_msg("%s: %s", cases[i].url, err.text);
        assert_null(strstr(err.text, "geheim"));
    }
    assert_false(make_with((struct postgres_options){.port = 70000}));
    assert_non_null(strstr(err.text, "port 70000"));
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
        cmocka_unit_test_teardown(test_jdbc, clear),
        cmocka_unit_test_teardown(test_libpq, clear),
        cmocka_unit_test_teardown(test_options_win, clear),
        cmocka_unit_test_teardown(test_environment, clear),
        cmocka_unit_test_teardown(test_mistakes, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
