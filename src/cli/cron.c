// SPDX-License-Identifier: MIT
// Five fields, UTC: minute hour day month weekday; each * or a list of n, n-m, */s, n-m/s. Weekday
// 0 and 7 are Sunday. As in cron, when day and weekday are both given, one of them is enough.
#include "cli/schedule.h"

#include "base/clock.h"

#define MINUTES_MAX (366 * 24 * 60 * 5) // 29 February comes at least every eight years, mostly four

static bool number(const char **at, int *value)
{
    *value = 0;
    const char *begin = *at;
    while (**at >= '0' && **at <= '9' && *at - begin < 4)
        *value = *value * 10 + (*(*at)++ - '0');
    return *at > begin;
}

// One field as a set of bits from 0 to 63.
static bool field(const char **at, int low, int high, uint64_t *bits, bool *is_star)
{
    *bits = 0;
    while (**at == ' ')
        (*at)++;
    *is_star = **at == '*';
    do {
        int from = low, to = high, step = 1;
        if (**at == ',')
            (*at)++;
        if (**at == '*')
            (*at)++;
        else if (!number(at, &from))
            return false;
        else
            to = from;
        if (**at == '-' && ((*at)++, !number(at, &to)))
            return false;
        if (**at == '/' && ((*at)++, !number(at, &step) || step == 0))
            return false;
        if (from < low || to > high || from > to)
            return false;
        for (int i = from; i <= to; i += step)
            *bits |= UINT64_C(1) << i;
    } while (**at == ',');
    return **at == ' ' || **at == 0;
}

// Days since 1970 -> month and day (Howard Hinnant's civil_from_days).
static void civil(int64_t days, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t shifted = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
}

int64_t cron_next_us(const char *cron, int64_t after_us)
{
    uint64_t minutes, hours, days, months, weekdays;
    bool star, any_day, any_weekday;
    const char *at = cron;
    if (!field(&at, 0, 59, &minutes, &star) || !field(&at, 0, 23, &hours, &star) ||
        !field(&at, 1, 31, &days, &any_day) || !field(&at, 1, 12, &months, &star) ||
        !field(&at, 0, 7, &weekdays, &any_weekday) || *at != 0)
        return -1;
    weekdays |= weekdays >> 7 & 1;
    int64_t minute = after_us / (60 * US_PER_SECOND) + 1;
    for (int64_t tries = 0; tries < MINUTES_MAX; tries++, minute++) {
        int64_t day_number = minute / 1440;
        int month, day, weekday = (int)((day_number + 4) % 7);
        civil(day_number, &month, &day);
        bool fits_day = days >> day & 1, fits_weekday = weekdays >> weekday & 1;
        bool fits = any_day || any_weekday ? fits_day && fits_weekday : fits_day || fits_weekday;
        if (fits && (months >> month & 1) && (hours >> (minute / 60 % 24) & 1) &&
            (minutes >> (minute % 60) & 1))
            return minute * 60 * US_PER_SECOND;
        if (!fits || !(months >> month & 1))
            minute = (day_number + 1) * 1440 - 1; // on to the next day
    }
    return -1;
}
