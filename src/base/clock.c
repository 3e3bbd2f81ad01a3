// SPDX-License-Identifier: MIT
// Time as numbers. Calendar arithmetic is our own (days from civil, by eras of 400 years): gmtime
// and its kin read the environment, know leap seconds of nobody, and are too slow for a call per
// row.
#include "base/clock.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define US_PER_MINUTE (60 * US_PER_SECOND)
#define US_PER_HOUR (60 * US_PER_MINUTE)
#define US_PER_DAY (24 * US_PER_HOUR)

const struct clock clock_system = {.simulated = false};

int64_t clock_now_us(const struct clock *clock)
{
    if (clock->simulated)
        return clock->now_us;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

int64_t clock_monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

void clock_sleep_us(int64_t duration_us)
{
    if (duration_us <= 0)
        return;
    struct timespec left = {.tv_sec = (time_t)(duration_us / US_PER_SECOND),
                            .tv_nsec = (long)(duration_us % US_PER_SECOND * 1000)};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

// Days since 1970-01-01. The year is taken to begin in March, so that the leap day is its last.
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_of(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

const char *time_print(int64_t time_us, int digits, char *buffer)
{
    int64_t days = floor_div(time_us, US_PER_DAY);
    // By subtraction of seconds, not of microseconds: days * US_PER_DAY overflows near the ends.
    int64_t second = floor_div(time_us, US_PER_SECOND) - days * 86400;
    int64_t fraction = ((time_us % US_PER_SECOND) + US_PER_SECOND) % US_PER_SECOND;
    int64_t year;
    int month, day;
    date_of(days, &year, &month, &day);
    int len = snprintf(buffer, 40, "%04lld-%02d-%02dT%02d:%02d:%02d", (long long)year, month, day,
                       (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60));
    if (digits == 3)
        snprintf(buffer + len, 40 - (size_t)len, ".%03dZ", (int)(fraction / 1000));
    else if (digits == 6)
        snprintf(buffer + len, 40 - (size_t)len, ".%06dZ", (int)fraction);
    else
        snprintf(buffer + len, 40 - (size_t)len, "Z");
    return buffer;
}

static inline bool digit_at(const char *text, unsigned *digit)
{
    *digit = (unsigned)(unsigned char)*text - '0';
    return *digit <= 9;
}

// Two digits at `text` that are at most `max`; -1 otherwise.
static inline int two_digits(const char *text, int max)
{
    unsigned tens, ones;
    if (!digit_at(text, &tens) || !digit_at(text + 1, &ones))
        return -1;
    int value = (int)(tens * 10 + ones);
    return value <= max ? value : -1;
}

// ".123" at *at: microseconds, digits beyond the sixth cut. False without or with too many digits.
static bool parse_fraction(struct str text, size_t *at, int64_t *fraction_us)
{
    *fraction_us = 0;
    if (*at >= text.len || text.ptr[*at] != '.')
        return true;
    size_t first = ++*at;
    int64_t unit = 100000;
    unsigned digit;
    for (; *at < text.len && digit_at(text.ptr + *at, &digit); ++*at) {
        *fraction_us += digit * unit;
        unit /= 10;
    }
    return *at > first && *at - first <= 9;
}

// What follows the seconds: nothing, Z, +hh:mm, +hhmm or +hh.
static bool parse_offset(struct str rest, int64_t *offset_us)
{
    *offset_us = 0;
    if (rest.len == 0)
        return true;
    if (rest.len == 1)
        return rest.ptr[0] == 'Z' || rest.ptr[0] == 'z';
    if ((rest.ptr[0] != '+' && rest.ptr[0] != '-') || rest.len < 3)
        return false;
    int hours = two_digits(rest.ptr + 1, 23);
    int minutes = 0;
    if (rest.len == 5)
        minutes = two_digits(rest.ptr + 3, 59);
    else if (rest.len == 6 && rest.ptr[3] == ':')
        minutes = two_digits(rest.ptr + 4, 59);
    else if (rest.len != 3)
        return false;
    if (hours < 0 || minutes < 0)
        return false;
    int64_t offset = hours * US_PER_HOUR + minutes * US_PER_MINUTE;
    *offset_us = rest.ptr[0] == '-' ? -offset : offset;
    return true;
}

bool time_parse(struct str text, int64_t *time_us)
{
    static const unsigned char month_days[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *t = text.ptr;
    if (text.len < 19 || t[4] != '-' || t[7] != '-' || (t[10] != 'T' && t[10] != ' ') ||
        t[13] != ':' || t[16] != ':')
        return false;
    int century = two_digits(t, 99);
    int years = two_digits(t + 2, 99);
    int month = two_digits(t + 5, 12);
    int day = two_digits(t + 8, 31);
    int hour = two_digits(t + 11, 23);
    int minute = two_digits(t + 14, 59);
    int second = two_digits(t + 17, 59);
    if (century < 0 || years < 0 || month < 1 || day < 1 || hour < 0 || minute < 0 || second < 0)
        return false;
    int year = century * 100 + years;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year < 1 || day > month_days[month] + (month == 2 && leap))
        return false;
    size_t at = 19;
    int64_t fraction_us, offset_us;
    if (!parse_fraction(text, &at, &fraction_us) ||
        !parse_offset((struct str){t + at, text.len - at}, &offset_us))
        return false;
    int64_t seconds = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    int64_t result_us = seconds * US_PER_SECOND + fraction_us - offset_us;
    // An offset may push the first or last day out of the years that can be printed again.
    if (result_us < days_of(1, 1, 1) * US_PER_DAY || result_us >= days_of(10000, 1, 1) * US_PER_DAY)
        return false;
    *time_us = result_us;
    return true;
}

static const struct {
    const char *name;
    int64_t us;
} duration_units[] = {
    {"us", 1},
    {"usec", 1},
    {"microsecond", 1},
    {"ms", US_PER_MS},
    {"msec", US_PER_MS},
    {"millisecond", US_PER_MS},
    {"s", US_PER_SECOND},
    {"sec", US_PER_SECOND},
    {"second", US_PER_SECOND},
    {"m", US_PER_MINUTE},
    {"min", US_PER_MINUTE},
    {"minute", US_PER_MINUTE},
    {"h", US_PER_HOUR},
    {"hr", US_PER_HOUR},
    {"hour", US_PER_HOUR},
    {"d", US_PER_DAY},
    {"day", US_PER_DAY},
    {"w", 7 * US_PER_DAY},
    {"week", 7 * US_PER_DAY},
};

// 0 when there is no such unit. Every unit has a plural with "s", except that "ss" is nothing.
static int64_t unit_us(struct str unit)
{
    for (size_t i = 0; i < COUNT_OF(duration_units); i++) {
        struct str name = str_of(duration_units[i].name);
        if (str_equal_nocase(unit, name))
            return duration_units[i].us;
        bool plural = name.len > 2 && unit.len == name.len + 1 &&
                      (unit.ptr[name.len] == 's' || unit.ptr[name.len] == 'S');
        if (plural && str_equal_nocase(str_slice(unit, 0, name.len), name))
            return duration_units[i].us;
    }
    return 0;
}

// "hh:mm:ss[.ffffff]" as DuckDB prints an interval; hours may have more digits.
static bool parse_clock_form(struct str word, int64_t *us)
{
    int64_t colon = str_find(word, ':');
    int64_t hours, fraction_us;
    if (colon < 1 || word.len < (size_t)colon + 6 || word.ptr[colon + 3] != ':' ||
        !str_parse_int64(str_slice(word, 0, (size_t)colon), &hours) || word.ptr[0] < '0' ||
        word.ptr[0] > '9' || hours > 1000000)
        return false;
    int minutes = two_digits(word.ptr + colon + 1, 59);
    int seconds = two_digits(word.ptr + colon + 4, 59);
    size_t at = (size_t)colon + 6;
    if (minutes < 0 || seconds < 0 || !parse_fraction(word, &at, &fraction_us) || at != word.len)
        return false;
    *us = hours * US_PER_HOUR + minutes * US_PER_MINUTE + seconds * US_PER_SECOND + fraction_us;
    return true;
}

// Takes one "<number> <unit>" from the front of *text. A fraction must come out as whole
// microseconds ("1.5 seconds" does, "0.5 us" does not).
static bool parse_term(struct str *text, int64_t *us)
{
    size_t at = 0;
    int64_t whole = 0, part = 0, scale = 1;
    unsigned digit;
    for (; at < text->len && digit_at(text->ptr + at, &digit); at++) {
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, (int64_t)digit, &whole))
            return false;
    }
    size_t digits = at;
    if (at < text->len && text->ptr[at] == '.') {
        for (at++; at < text->len && digit_at(text->ptr + at, &digit); at++) {
            if (scale > 100000000)
                return false;
            part = part * 10 + digit;
            scale *= 10;
        }
        if (scale == 1)
            return false;
    }
    if (digits == 0)
        return false;
    struct str rest = str_trim(str_slice(*text, at, text->len));
    size_t end = 0;
    while (end < rest.len && ((rest.ptr[end] | 32) >= 'a' && (rest.ptr[end] | 32) <= 'z'))
        end++;
    int64_t unit = unit_us(str_slice(rest, 0, end));
    int64_t part_us;
    if (unit == 0 || __builtin_mul_overflow(part, unit, &part_us) || part_us % scale != 0 ||
        __builtin_mul_overflow(whole, unit, us) || __builtin_add_overflow(*us, part_us / scale, us))
        return false;
    *text = str_trim(str_slice(rest, end, rest.len));
    return true;
}

bool duration_parse(struct str text, int64_t *duration_us)
{
    text = str_trim(text);
    if (text.len == 0)
        return false;
    int64_t total = 0;
    while (text.len > 0) {
        int64_t us;
        int64_t space = str_find(text, ' ');
        struct str word = space < 0 ? text : str_slice(text, 0, (size_t)space);
        if (str_find(word, ':') >= 0) {
            // "1 day 02:00:00": the clock form can only come last.
            if (word.len != text.len || !parse_clock_form(word, &us))
                return false;
            text = (struct str){"", 0};
        } else if (!parse_term(&text, &us)) {
            return false;
        }
        if (__builtin_add_overflow(total, us, &total))
            return false;
    }
    *duration_us = total;
    return true;
}

const char *duration_print(int64_t duration_us, char *buffer)
{
    static const struct {
        const char *name;
        int64_t us;
    } units[] = {{"d", US_PER_DAY},    {"h", US_PER_HOUR}, {"m", US_PER_MINUTE},
                 {"s", US_PER_SECOND}, {"ms", US_PER_MS},  {"us", 1}};
    if (duration_us == 0) {
        memcpy(buffer, "0s", 3);
        return buffer;
    }
    size_t len = 0;
    uint64_t left = duration_us < 0 ? 0 - (uint64_t)duration_us : (uint64_t)duration_us;
    if (duration_us < 0)
        buffer[len++] = '-';
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        uint64_t count = left / (uint64_t)units[i].us;
        left %= (uint64_t)units[i].us;
        if (count > 0)
            len += (size_t)snprintf(buffer + len, 40 - len, "%llu%s", (unsigned long long)count,
                                    units[i].name);
    }
    return buffer;
}
