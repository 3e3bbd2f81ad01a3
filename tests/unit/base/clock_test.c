// SPDX-License-Identifier: MIT
// Times and lengths of time: every accepted form, every refusal, and print-parse round trips over
// all days of ten thousand years.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "base/clock.h"
#include "base/hash.h"

#define NOON INT64_C(1705314600000000) // 2024-01-15T10:30:00Z

static void times_accepted(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        {"2024-01-15T10:30:00Z", NOON},
        {"2024-01-15T10:30:00", NOON},
        {"2024-01-15 10:30:00", NOON},
        {"2024-01-15 10:30:00Z", NOON},
        {"2024-01-15T10:30:00.1", NOON + 100000},
        {"2024-01-15T10:30:00.12Z", NOON + 120000},
        {"2024-01-15T10:30:00.123Z", NOON + 123000},
        {"2024-01-15T10:30:00.123456", NOON + 123456},
        {"2024-01-15T10:30:00.1234567Z", NOON + 123456},
        {"2024-01-15T10:30:00.123456999+00:00", NOON + 123456},
        {"2024-01-15T12:30:00+02:00", NOON},
        {"2024-01-15T12:30:00+0200", NOON},
        {"2024-01-15T12:30:00+02", NOON},
        {"2024-01-15T05:00:00.000-05:30", NOON},
        {"2024-01-14T23:30:00-11", NOON},
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59.999999Z", -1},
        {"2000-02-29T00:00:00Z", INT64_C(951782400000000)},
        {"0001-01-01T00:00:00Z", INT64_C(-62135596800000000)},
        {"9999-12-31T23:59:59.999999Z", INT64_C(253402300799999999)},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t us = 7;
        if (!time_parse(str_of(cases[i].text), &us) || us != cases[i].us)
            fail_msg("'%s' gave %lld", cases[i].text, (long long)us);
    }
}

static void times_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "2024-01-15",
        "2024-01-15T10:30",
        "2024-01-15T10:30Z",
        "10:30:00",
        "2024-01-15T10:30:00z0",
        "2024-01-15T10:30:00.",
        "2024-01-15T10:30:00.Z",
        "2024-01-15T10:30:00.1234567890Z",
        "2024-01-15T10:30:00,123Z",
        "2024-01-15T10:30:00 Z",
        " 2024-01-15T10:30:00Z",
        "2024-01-15T10:30:00Z ",
        "2024-01-15_10:30:00Z",
        "2024/01/15T10:30:00Z",
        "2024-1-15T10:30:00Z",
        "2024-13-15T10:30:00Z",
        "2024-00-15T10:30:00Z",
        "2024-01-32T10:30:00Z",
        "2024-01-00T10:30:00Z",
        "2024-04-31T10:30:00Z",
        "2023-02-29T10:30:00Z",
        "1900-02-29T10:30:00Z",
        "2024-01-15T24:00:00Z",
        "2024-01-15T10:60:00Z",
        "2024-01-15T10:30:60Z",
        "2024-01-15T10:30:00+2",
        "2024-01-15T10:30:00+02:0",
        "2024-01-15T10:30:00+02:60",
        "2024-01-15T10:30:00+24:00",
        "2024-01-15T10:30:00+02:00x",
        "2024-01-15T10:30:00+02-00",
        "2024-01-15T10:30:00UTC",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "-024-01-15T10:30:00Z",
        "2024-01-15T-1:30:00Z",
        "2024-01-15T10:30:0xZ",
        "now",
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t us = 7;
        if (time_parse(str_of(cases[i]), &us) || us != 7)
            fail_msg("'%s' was taken for %lld", cases[i], (long long)us);
    }
}

static void every_cut_is_in_bounds(void **state)
{
    (void)state;
    const char text[] = "2024-01-15T10:30:00.123456789+02:00";
    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        int64_t us;
        char copy[64]; // poisoned behind the text: reading on would change the answer
        memset(copy, '9', sizeof(copy));
        memcpy(copy, text, len);
        bool good = time_parse((struct str){copy, len}, &us);
        bool wanted = len == 19 || (len >= 21 && len <= 29) || len == 32 || len == 35;
        if (good != wanted && len != 34)
            fail_msg("the first %zu bytes: %d", len, good);
    }
}

static void all_days_round_trip(void **state)
{
    (void)state;
    char text[40];
    uint64_t seed = 1;
    const int64_t first = INT64_C(-62135596800), last = INT64_C(253402300799);
    for (int64_t second = first; second <= last; second += 86400) {
        int64_t us = second * US_PER_SECOND + (int64_t)(random_next(&seed) % 86400000000u);
        int64_t again;
        if (!time_parse(str_of(time_print(us, 6, text)), &again) || again != us)
            fail_msg("%lld became '%s'", (long long)us, text);
    }
}

static void printing(void **state)
{
    (void)state;
    char text[40];
    assert_string_equal(time_print(NOON + 123456, 0, text), "2024-01-15T10:30:00Z");
    assert_string_equal(time_print(NOON + 123456, 3, text), "2024-01-15T10:30:00.123Z");
    assert_string_equal(time_print(NOON + 123456, 6, text), "2024-01-15T10:30:00.123456Z");
    assert_string_equal(time_print(-1, 6, text), "1969-12-31T23:59:59.999999Z");
    time_print(TIME_MIN_US, 6, text); // must not overflow: the sanitizer tells
    time_print(TIME_MAX_US, 6, text);
}

static void durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        {"10 minutes", 600 * US_PER_SECOND},
        {"1 hour 30 seconds", 3630 * US_PER_SECOND},
        {"500 milliseconds", 500 * US_PER_MS},
        {"1 day", 86400 * US_PER_SECOND},
        {"2 weeks", 14 * 86400 * US_PER_SECOND},
        {"00:10:00", 600 * US_PER_SECOND},
        {"00:00:00.25", 250 * US_PER_MS},
        {"100:00:01", 360001 * US_PER_SECOND},
        {"1 day 02:00:00", 26 * 3600 * US_PER_SECOND},
        {"1 Hour", 3600 * US_PER_SECOND},
        {" 5  S ", 5 * US_PER_SECOND},
        {"1h30m", 5400 * US_PER_SECOND},
        {"500ms", 500 * US_PER_MS},
        {"20us", 20},
        {"1.5 seconds", 1500 * US_PER_MS},
        {"0.25 ms", 250},
        {"0s", 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t us = -7;
        if (!duration_parse(str_of(cases[i].text), &us) || us != cases[i].us)
            fail_msg("'%s' gave %lld", cases[i].text, (long long)us);
    }
    static const char *const refused[] = {
        "",
        "10",
        "minutes",
        "1 month",
        "2 years",
        "1 mon",
        "-1 hour",
        "10 apples",
        "1 hour x",
        "1:2:3",
        "00:60:00",
        "00:00:00x",
        "1. s",
        "0.5 us",
        "1 ss",
        "5 s 00:01",
        "1e3 s",
        "00:00:01 1 day",
        "999999999999999 days",
        "1 hour,",
    };
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        int64_t us = -7;
        if (duration_parse(str_of(refused[i]), &us))
            fail_msg("'%s' was taken for %lld", refused[i], (long long)us);
    }
}

static void durations_round_trip(void **state)
{
    (void)state;
    char text[40];
    assert_string_equal(duration_print(600 * US_PER_SECOND, text), "10m");
    assert_string_equal(duration_print(5400 * US_PER_SECOND, text), "1h30m");
    assert_string_equal(duration_print(500 * US_PER_MS, text), "500ms");
    assert_string_equal(duration_print(0, text), "0s");
    assert_string_equal(duration_print(-US_PER_SECOND, text), "-1s");
    uint64_t seed = 2;
    for (int i = 0; i < 10000; i++) {
        int64_t us = (int64_t)(random_next(&seed) >> (1 + i % 60)), again;
        if (!duration_parse(str_of(duration_print(us, text)), &again) || again != us)
            fail_msg("%lld became '%s'", (long long)us, text);
    }
    duration_print(INT64_MIN, text);
}

static void clocks(void **state)
{
    (void)state;
    struct clock clock = {.simulated = true, .now_us = NOON};
    assert_true(clock_now_us(&clock) == NOON);
    assert_true(clock_now_us(&clock_system) > NOON);
    int64_t before = clock_monotonic_us();
    clock_sleep_us(1000);
    assert_true(clock_monotonic_us() - before >= 1000);
    clock_sleep_us(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_accepted),
        cmocka_unit_test(times_refused),
        cmocka_unit_test(every_cut_is_in_bounds),
        cmocka_unit_test(all_days_round_trip),
        cmocka_unit_test(printing),
        cmocka_unit_test(durations),
        cmocka_unit_test(durations_round_trip),
        cmocka_unit_test(clocks),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
