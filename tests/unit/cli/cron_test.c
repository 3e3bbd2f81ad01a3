// SPDX-License-Identifier: MIT
// When a CRON schedule is next due, and what is no CRON text.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "cli/schedule.h"

static void next_times(void **state)
{
    (void)state;
    static const struct {
        const char *cron, *after, *next;
    } cases[] = {
        {"0 * * * *", "2025-10-05T14:00:00Z", "2025-10-05T15:00:00Z"},
        {"0 * * * *", "2025-10-05T14:59:59Z", "2025-10-05T15:00:00Z"},
        {"*/15 * * * *", "2025-10-05T14:07:00Z", "2025-10-05T14:15:00Z"},
        {"5,35 9-17 * * 1-5", "2025-10-03T17:40:00Z", "2025-10-06T09:05:00Z"}, // Friday, Monday
        {"30 2 29 2 *", "2025-10-05T00:00:00Z", "2028-02-29T02:30:00Z"},
        {"0 0 1 1 *", "2025-12-31T23:59:00Z", "2026-01-01T00:00:00Z"},
        {"0 6 * * 7", "2025-10-05T07:00:00Z", "2025-10-12T06:00:00Z"},  // Sundays
        {"0 6 13 * 5", "2025-10-11T00:00:00Z", "2025-10-13T06:00:00Z"}, // either is enough
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t after = 0, next = 0;
        assert_true(time_parse(str_of(cases[i].after), &after));
        assert_true(time_parse(str_of(cases[i].next), &next));
        if (cron_next_us(cases[i].cron, after) != next)
            fail_msg("%s after %s: %lld, not %lld", cases[i].cron, cases[i].after,
                     (long long)cron_next_us(cases[i].cron, after), (long long)next);
    }
}

static void what_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",           "* * * *",     "* * * * * *", "60 * * * *",
                                        "* 24 * * *", "* * 0 * *",   "* * * 13 *",  "* * * * 8",
                                        "a * * * *",  "5-1 * * * *", "*/0 * * * *", "1,,2 * * * *"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        if (cron_next_us(wrong[i], 0) >= 0)
            fail_msg("'%s' was taken", wrong[i]);
    assert_int_equal(cron_next_us("0 0 30 2 *", 0), -1); // never
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(next_times),
                                       cmocka_unit_test(what_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
