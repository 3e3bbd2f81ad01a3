// SPDX-License-Identifier: MIT
// Errors: kinds, exit codes, codes, context in front, and texts that are too long.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "base/error.h"

static void kinds_and_exit_codes(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(error_exit_code(&err), 0);
    assert_false(error_set(&err, ERROR_USER, "option '%s'", "path"));
    assert_string_equal(err.text, "option 'path'");
    assert_int_equal(error_exit_code(&err), 78);
    error_set(&err, ERROR_RETRY, "x");
    assert_int_equal(error_exit_code(&err), 75);
    error_set(&err, ERROR_DATA, "x");
    assert_int_equal(error_exit_code(&err), 1);
    error_set(&err, ERROR_FATAL, "x");
    assert_int_equal(error_exit_code(&err), 1);
    error_set_exit(&err, ERROR_FATAL, EXIT_REFUSED, "x");
    assert_int_equal(error_exit_code(&err), 4);
    error_set(&err, ERROR_FATAL, "x"); // an older exit code must not stick
    assert_int_equal(error_exit_code(&err), 1);
    error_set_code(&err, ERROR_USER, "E0123", "unknown name %d", 5);
    assert_string_equal(err.code, "E0123");
    error_set(&err, ERROR_USER, "x");
    assert_string_equal(err.code, "");
    error_clear(&err);
    assert_int_equal(err.kind, ERROR_NONE);
    assert_false(error_set(NULL, ERROR_USER, "nobody listens"));
}

static void context(void **state)
{
    (void)state;
    struct error err = {0};
    error_set_code(&err, ERROR_USER, "E0007", "no such file");
    assert_false(error_wrap(&err, "source %s", "events"));
    assert_string_equal(err.text, "source events: no such file");
    assert_int_equal(err.kind, ERROR_USER);
    assert_string_equal(err.code, "E0007");
    error_set(&err, ERROR_USER, "again: %s", err.text); // made from itself
    assert_string_equal(err.text, "again: source events: no such file");
    assert_false(error_set_errno(&err, ERROR_FATAL, EACCES, "cannot open %s", "f"));
    assert_string_equal(err.text, "cannot open f: Permission denied");
}

static void long_texts(void **state)
{
    (void)state;
    struct error err = {0};
    char big[2 * ERROR_TEXT_MAX];
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = 0;
    error_set(&err, ERROR_USER, "%s", big);
    assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
    error_wrap(&err, "front");
    assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
    assert_memory_equal(err.text, "front: xxx", 10);
    error_wrap(&err, "%s", big);
    error_set_errno(&err, ERROR_FATAL, EIO, "%s", big);
    assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_and_exit_codes),
        cmocka_unit_test(context),
        cmocka_unit_test(long_texts),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
