// SPDX-License-Identifier: MIT
// The calendar is the proleptic Gregorian one; days are counted by eras of 400 years that begin in
// March, so that the leap day is the last of its year and no table is needed.
#include "formats/moment_text.h"
#include "formats/number_text.h"

#define US_PER_MINUTE (60 * US_PER_SECOND)
#define US_PER_HOUR (60 * US_PER_MINUTE)
#define US_PER_DAY (24 * US_PER_HOUR)
#define DAY_MIN INT64_C(-719162) // 0001-01-01
#define DAY_MAX INT64_C(2932896) // 9999-12-31

static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static void civil_from_days(int64_t days, int64_t *year, int *month, int *day)
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

// Value of two digits of a word that was checked before.
static inline unsigned pair(uint64_t word, unsigned at)
{
    return (unsigned)(word >> (8 * at) & 0xFF) * 10 + (unsigned)(word >> (8 * at + 8) & 0xFF);
}

// "2024-01-15", 16 bytes readable.
static bool day_parse(const char *text, int64_t *days)
{
    static const unsigned char month_days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint64_t head = digits_word(text);     // 2024-01-
    uint64_t tail = digits_word(text + 8); // 15
    if (((head >> 32 & 0xFF) ^ (head >> 56)) != 0 || (head >> 56) != ('-' ^ '0'))
        return false;
    head &= UINT64_C(0x00FFFF00FFFFFFFF);
    tail &= 0xFFFF;
    if (digits_count(head) != 8 || digits_count(tail) != 8)
        return false;
    unsigned year = pair(head, 0) * 100 + pair(head, 2);
    unsigned month = pair(head, 5), day = pair(tail, 0);
    if (year < 1 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > month_days[month] + (unsigned)(month == 2 && leap))
        return false;
    *days = days_from_civil(year, month, day);
    return true;
}

// "10:30:00" in eight bytes.
static inline bool clock_parse(const char *text, int64_t *day_us)
{
    uint64_t word = digits_word(text);
    const uint64_t colons = UINT64_C(0x0000FF0000FF0000);
    const uint64_t expected = UINT64_C(0x00000A00000A0000); // ':' ^ '0'
    if ((word & colons) != expected || digits_count(word & ~colons) != 8)
        return false;
    unsigned hour = pair(word, 0), minute = pair(word, 3), second = pair(word, 6);
    *day_us = ((int64_t)(hour * 60 + minute) * 60 + second) * US_PER_SECOND;
    return hour < 24 && minute < 60 && second < 60;
}

// 1..9 digits behind the point; the number of digits is the result, 0 when bad.
static inline unsigned fraction_parse(const char *text, int64_t *fraction_us)
{
    uint64_t word = digits_word(text);
    unsigned count = digits_count(word);
    if (count == 0)
        return 0;
    // Bytes that are no digits become zeros: ".5" reads as ".500000".
    word &= count == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * count)) - 1;
    *fraction_us = (int64_t)digits_value(word, 6);
    if (count == 8)
        count += (unsigned char)(text[8] - '0') <= 9;
    return count == 9 && (unsigned char)(text[9] - '0') <= 9 ? 0 : count;
}

static bool zone_parse(const char *text, size_t len, int64_t *offset_us)
{
    *offset_us = 0;
    if (len == 0 || (len == 1 && text[0] == 'Z'))
        return true;
    if ((text[0] != '+' && text[0] != '-') || (len != 3 && len != 5 && len != 6))
        return false;
    if (len == 6 && text[3] != ':')
        return false;
    uint64_t hours = digits_word(text + 1) & 0xFFFF;
    uint64_t minutes = len == 3 ? 0 : digits_word(text + len - 2) & 0xFFFF;
    if (digits_count(hours) != 8 || digits_count(minutes) != 8)
        return false;
    unsigned hour = pair(hours, 0), minute = pair(minutes, 0);
    if (hour > 23 || minute > 59)
        return false;
    *offset_us = hour * US_PER_HOUR + minute * US_PER_MINUTE;
    if (text[0] == '-')
        *offset_us = -*offset_us;
    return true;
}

bool timestamp_is_in_range(int64_t time_us)
{
    return time_us >= DAY_MIN * US_PER_DAY && time_us < (DAY_MAX + 1) * US_PER_DAY;
}

static bool day_parse_cached(const char *text, struct day_cache *cache, int64_t *day_us)
{
    uint64_t head, known_head;
    uint16_t tail, known_tail;
    memcpy(&head, text, 8);
    memcpy(&tail, text + 8, 2);
    memcpy(&known_head, cache->text, 8);
    memcpy(&known_tail, cache->text + 8, 2);
    if (LIKELY(head == known_head && tail == known_tail)) {
        *day_us = cache->day_us;
        return true;
    }
    int64_t days;
    if (!day_parse(text, &days))
        return false;
    memcpy(cache->text, text, 10);
    *day_us = cache->day_us = days * US_PER_DAY;
    return true;
}

bool timestamp_parse(const char *text, size_t len, struct day_cache *cache, int64_t *time_us)
{
    int64_t day_us, clock_us, fraction_us = 0, offset_us;
    if (len < 19 || len > 35 || (text[10] != 'T' && text[10] != ' ') ||
        !day_parse_cached(text, cache, &day_us) || !clock_parse(text + 11, &clock_us))
        return false;
    size_t at = 19;
    if (len > 19 && text[19] == '.') {
        unsigned digits = fraction_parse(text + 20, &fraction_us);
        at = 20 + digits;
        if (digits == 0 || at > len)
            return false;
    }
    if (!zone_parse(text + at, len - at, &offset_us))
        return false;
    *time_us = day_us + clock_us + fraction_us - offset_us;
    return timestamp_is_in_range(*time_us);
}

bool date_parse(const char *text, size_t len, int32_t *days)
{
    int64_t wide;
    if (len != 10 || !day_parse(text, &wide))
        return false;
    *days = (int32_t)wide;
    return true;
}

bool time_of_day_parse(const char *text, size_t len, int64_t *day_us)
{
    if (len < 8 || len > 18 || !clock_parse(text, day_us))
        return false;
    if (len == 8)
        return true;
    int64_t fraction_us;
    unsigned digits = text[8] == '.' ? fraction_parse(text + 9, &fraction_us) : 0;
    if (digits == 0 || 9 + digits != len)
        return false;
    *day_us += fraction_us;
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool uuid_parse(const char *text, size_t len, __int128 *uuid)
{
    if (len != 36)
        return false;
    unsigned __int128 value = 0;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        int digit = hex_value(text[i]);
        if (dash ? text[i] != '-' : digit < 0)
            return false;
        if (!dash)
            value = value << 4 | (unsigned)digit;
    }
    // DuckDB flips the top bit, so that signed comparison orders UUIDs as text does.
    *uuid = (__int128)(value ^ (unsigned __int128)1 << 127);
    return true;
}

void uuid_print(struct buf *out, __int128 uuid)
{
    unsigned __int128 value = (unsigned __int128)uuid ^ (unsigned __int128)1 << 127;
    for (int i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            buf_add_char(out, '-');
        buf_add_char(out, "0123456789abcdef"[(unsigned)(value >> (124 - 4 * i)) & 15]);
    }
}

static char *put_digits(char *p, unsigned value, int count)
{
    for (int i = count; i-- > 0; value /= 10)
        p[i] = (char)('0' + value % 10);
    return p + count;
}

void date_print(struct buf *out, int32_t days)
{
    if (days == INT32_MAX || days == -INT32_MAX) {
        buf_add_cstr(out, days < 0 ? "-infinity" : "infinity");
        return;
    }
    int64_t year;
    int month, day;
    civil_from_days(days, &year, &month, &day);
    bool before_christ = year < 1;
    if (year > 9999 || year < 1)
        buf_print(out, "%04lld", (long long)(before_christ ? 1 - year : year));
    char text[12], *p = text;
    if (year >= 1 && year <= 9999)
        p = put_digits(p, (unsigned)year, 4);
    *p++ = '-';
    p = put_digits(p, (unsigned)month, 2);
    *p++ = '-';
    p = put_digits(p, (unsigned)day, 2);
    buf_add(out, text, (size_t)(p - text));
    if (before_christ)
        buf_add_cstr(out, " (BC)");
}

static void clock_print(struct buf *out, int64_t day_us)
{
    char text[8], *p = text;
    unsigned second = (unsigned)(day_us / US_PER_SECOND);
    p = put_digits(p, second / 3600, 2);
    *p++ = ':';
    p = put_digits(p, second / 60 % 60, 2);
    *p++ = ':';
    p = put_digits(p, second % 60, 2);
    buf_add(out, text, (size_t)(p - text));
}

static void fraction_print(struct buf *out, int64_t fraction_us, bool always)
{
    char text[7] = ".";
    put_digits(text + 1, (unsigned)fraction_us, 6);
    if (fraction_us % 1000 != 0)
        buf_add(out, text, 7);
    else if (fraction_us != 0 || always)
        buf_add(out, text, 4);
}

void time_of_day_print(struct buf *out, int64_t day_us)
{
    clock_print(out, day_us);
    fraction_print(out, day_us % US_PER_SECOND, false);
}

void timestamp_print(struct buf *out, int64_t time_us, char separator)
{
    if (time_us == INT64_MAX || time_us == -INT64_MAX) {
        buf_add_cstr(out, time_us < 0 ? "-infinity" : "infinity");
        return;
    }
    int64_t day = time_us / US_PER_DAY, rest = time_us % US_PER_DAY;
    if (rest < 0) {
        day--;
        rest += US_PER_DAY;
    }
    date_print(out, (int32_t)day);
    buf_add_char(out, separator);
    clock_print(out, rest);
    fraction_print(out, rest % US_PER_SECOND, separator == 'T');
    if (separator == 'T')
        buf_add_char(out, 'Z');
}

static void unit_print(struct buf *out, size_t start, long long count, const char *unit)
{
    if (count != 0)
        buf_print(out, "%s%lld %s%s", out->len > start ? " " : "", count, unit,
                  count == 1 || count == -1 ? "" : "s");
}

void interval_print(struct buf *out, int32_t months, int32_t days, int64_t micros)
{
    size_t start = out->len;
    unit_print(out, start, months / 12, "year");
    unit_print(out, start, months % 12, "month");
    unit_print(out, start, days, "day");
    if (micros == 0 && out->len > start)
        return;
    uint64_t size = micros < 0 ? 0 - (uint64_t)micros : (uint64_t)micros;
    uint64_t hours = size / (uint64_t)US_PER_HOUR;
    buf_print(out, "%s%s%02llu:", out->len > start ? " " : "", micros < 0 ? "-" : "",
              (unsigned long long)hours);
    char text[5], *p = text;
    uint64_t second = size / (uint64_t)US_PER_SECOND % 3600;
    p = put_digits(p, (unsigned)(second / 60), 2);
    *p++ = ':';
    p = put_digits(p, (unsigned)(second % 60), 2);
    buf_add(out, text, (size_t)(p - text));
    fraction_print(out, (int64_t)(size % (uint64_t)US_PER_SECOND), false);
}
