// SPDX-License-Identifier: MIT
// Failpoints: the n-th passage, counting, crash by step, refusal of wrong specs, real death.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/failpoint.h"

static int disarm(void **state)
{
    (void)state;
    failpoint_disarm();
    return 0;
}

static bool three_steps(struct error *err)
{
    FAILPOINT("test.one");
    FAILPOINT("test.two");
    FAILPOINT("test.one");
    return true;
}

static void nothing_armed(void **state)
{
    (void)state;
    struct error err = {0};
    assert_false(failpoint_active);
    assert_true(three_steps(&err));
    assert_int_equal(failpoint_steps(), 0); // not even counted
}

static void nth_passage(void **state)
{
    (void)state;
    struct error err = {0};
    assert_true(failpoint_arm("test.one@3=crash, test.two@5=eio", &err));
    assert_true(three_steps(&err));  // passages 1 and 2
    assert_false(three_steps(&err)); // the third
    assert_string_equal(err.text, "failpoint test.one");
    assert_int_equal(err.kind, ERROR_FATAL);
    assert_true(three_steps(&err)); // once only
    assert_int_equal(failpoint_hit("test.two"), FAILPOINT_NONE);
    assert_int_equal(failpoint_hit("test.two"), FAILPOINT_NONE);
    assert_int_equal(failpoint_hit("test.two"), FAILPOINT_EIO);
    assert_string_equal(failpoint_last(), "test.two");
}

static void crash_at_each_step(void **state)
{
    (void)state;
    struct error err = {0};
    failpoint_crash_at_step(0); // only counts
    assert_true(three_steps(&err));
    int64_t steps = failpoint_steps();
    assert_int_equal(steps, 3);
    for (int64_t step = 1; step <= steps + 1; step++) {
        failpoint_disarm();
        failpoint_crash_at_step(step);
        assert_int_equal(three_steps(&err), step > steps);
        if (step <= steps) {
            assert_int_equal(failpoint_steps(), step);
            assert_false(three_steps(&err)); // what is dead stays dead
        }
    }
}

static void wrong_specs(void **state)
{
    (void)state;
    static const char *const specs[] = {"x",       "x=",       "x=explode", "=kill",
                                        "x@=kill", "x@0=kill", "x@-1=kill", "x@a=kill"};
    for (size_t i = 0; i < COUNT_OF(specs); i++) {
        struct error err = {0};
        if (failpoint_arm(specs[i], &err) || err.kind != ERROR_USER)
            fail_msg("'%s' was armed", specs[i]);
    }
    assert_false(failpoint_active);
}

static int status_of(const char *spec)
{
    pid_t child = fork();
    if (child == 0) {
        struct error err = {0};
        if (!failpoint_arm(spec, &err))
            _exit(1);
        _exit(three_steps(&err) ? 0 : 2);
    }
    int status;
    waitpid(child, &status, 0);
    return status;
}

static void death(void **state)
{
    (void)state;
    int status = status_of("test.two=kill");
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    status = status_of("test.one@2=exit");
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 137);
    status = status_of("test.three=kill");
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nothing_armed, disarm),
        cmocka_unit_test_teardown(nth_passage, disarm),
        cmocka_unit_test_teardown(crash_at_each_step, disarm),
        cmocka_unit_test_teardown(wrong_specs, disarm),
        cmocka_unit_test_teardown(death, disarm),
    };
    return cmocka_run_group_tests_name("failpoint", tests, NULL, NULL);
}
