// SPDX-License-Identifier: MIT
// Numbers and times against oracles: strtod for doubles of every length, time_parse for timestamps,
// a plain loop for UTF-8 lengths. Random but from a fixed seed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/hash.h"
#include "formats/json_value.h"
#include "formats/number_text.h"
#include "formats/utf8.h"

static void check_double(const char *text)
{
    char padded[128] = {0};
    snprintf(padded, sizeof(padded), "%s,", text);
    struct number number;
    double got = 0, wanted = strtod(text, NULL);
    const char *end = number_scan(padded, padded + strlen(padded), false, &number);
    assert_ptr_equal(end, padded + strlen(text));
    assert_int_equal(number_to_double(&number, &got), FAULT_NONE);
    if (memcmp(&got, &wanted, sizeof(got)) != 0)
        fail_msg("%s: got %.17g", text, got);
    double fast;
    end = json_double_long(padded, padded + strlen(padded), &fast);
    if (end != NULL) {
        assert_ptr_equal(end, padded + strlen(text));
        if (memcmp(&fast, &wanted, sizeof(fast)) != 0)
            fail_msg("%s: the long form got %.17g", text, fast);
    }
}

static void doubles(void **state)
{
    (void)state;
    uint64_t random = 1;
    char text[96];
    for (int i = 0; i < 300000; i++) {
        uint64_t r = random_next(&random);
        uint64_t digits = random_next(&random) >> (r & 63);
        int exponent = (int)(r >> 6 & 63) - 32;
        switch (i % 4) {
        case 0:
            snprintf(text, sizeof(text), "%llue%d", (unsigned long long)digits, exponent);
            break;
        case 1:
            snprintf(text, sizeof(text), "-%llu.%llu", (unsigned long long)(r >> 44),
                     (unsigned long long)digits);
            break;
        case 2:
            snprintf(text, sizeof(text), "%.*g", 1 + (int)(r % 21), (double)digits / 1e9);
            break;
        default:
            snprintf(text, sizeof(text), "0.%0*d%llu", (int)(r % 20) + 1, 0,
                     (unsigned long long)digits);
            break;
        }
        check_double(text);
    }
    // Halfway cases: 53 bits and exactly one half more; ties go to even.
    check_double("9007199254740993");
    check_double("9007199254740995");
    check_double("4503599627370497.5");
    check_double("4503599627370498.5");
    check_double("0.500000000000000166533453693773481063544750213623046875");
    check_double("2.2250738585072011e-308");
    check_double("18446744073709551615");
    check_double("9999999999999999999");
}

static void timestamps(void **state)
{
    (void)state;
    static const char letters[] = "0123456789-:T Z+.";
    uint64_t random = 3;
    int64_t good = 0;
    struct day_cache cache = {0};
    for (int i = 0; i < 300000; i++) {
        char text[96] = {0};
        uint64_t r = random_next(&random);
        int len = snprintf(text, 64, "%04d-%02d-%02d%c%02d:%02d:%02d.%0*d%s", (int)(r % 10000),
                           (int)(r >> 14 & 0xFFF) % 14, (int)(r >> 18 & 31), i % 2 ? 'T' : ' ',
                           (int)(r >> 23 & 0xFFF) % 25, (int)(r >> 28 & 0xFFF) % 61,
                           (int)(r >> 34 & 0xFFF) % 61, 1 + (int)(r >> 40 & 0xFFF) % 10,
                           (int)(r >> 44 & 0x1FF),
                           (const char *[]){"", "Z", "+03:30", "-0800"}[r >> 53 & 3]);
        if (i % 3 == 0) // one letter changed
            text[(r >> 55) % (uint64_t)len] = letters[random_next(&random) % 17];
        int64_t got = 0, wanted = 0;
        bool fits = time_parse((struct str){text, (size_t)len}, &wanted);
        if (timestamp_parse(text, (size_t)len, &cache, &got) != fits || got * fits != wanted * fits)
            fail_msg("%s: got %lld, wanted %lld", text, (long long)got, (long long)wanted);
        good += fits;
    }
    assert_true(good > 30000);
}

static void utf8(void **state)
{
    (void)state;
    char text[40];
    for (uint32_t point = 0; point < 0x110000; point += point < 0x3000 ? 1 : 97) {
        if (point >= 0xD800 && point <= 0xDFFF)
            continue;
        memset(text, 'a', sizeof(text));
        size_t len = utf8_write(text + point % 20, point);
        assert_true(utf8_is_valid(text, sizeof(text)));
        assert_true(utf8_is_valid(text, point % 20 + len));
        if (len > 1) {
            assert_false(utf8_is_valid(text, point % 20 + len - 1));
            text[point % 20 + len - 1] = 'a';
            assert_false(utf8_is_valid(text, sizeof(text)));
        }
    }
    assert_true(utf8_is_valid("", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles),
        cmocka_unit_test(timestamps),
        cmocka_unit_test(utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
