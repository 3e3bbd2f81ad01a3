// SPDX-License-Identifier: MIT
// Time as a value: the engine never asks the system directly, so a test can run hours of wall time
// in milliseconds. All times are int64_t microseconds since 1970-01-01 UTC.
#ifndef FIRESTEEL_CLOCK_H
#define FIRESTEEL_CLOCK_H

#include "base/str.h"

struct clock {
    bool simulated;
    int64_t now_us; // when simulated
};

extern const struct clock clock_system;
int64_t clock_now_us(const struct clock *clock); // wall time, UTC
int64_t clock_monotonic_us(void);                // for durations; never simulated
void clock_sleep_us(int64_t duration_us);        // real sleep
// "2024-01-15T10:30:00.123Z" (digits: 0, 3, 6 fraction digits). buffer >= 40 bytes.
const char *time_print(int64_t time_us, int digits, char *buffer);
// ISO-8601 with T or space, 0-9 fraction digits, Z, +hh:mm, +hhmm, +hh or nothing (UTC). Digits
// beyond microseconds are cut. A bare date is not a timestamp. False when the text is anything else
// or out of the years 0001..9999.
bool time_parse(struct str text, int64_t *time_us);
// "10 minutes", "1 hour 30 seconds", "500 milliseconds", "1 day", "00:10:00": exact lengths only;
// months and years give false.
bool duration_parse(struct str text, int64_t *duration_us);
const char *duration_print(int64_t duration_us,
                           char *buffer); // "10m", "1h30m", "500ms"; >= 40 bytes

#endif
