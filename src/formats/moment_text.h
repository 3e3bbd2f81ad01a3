// SPDX-License-Identifier: MIT
// Dates and times as text, both ways. The reading side is on the way of every row: a fixed layout
// is checked and read eight bytes at a time, and the day of the last date is remembered, because
// rows come in the order of time.
#ifndef FIRESTEEL_MOMENT_TEXT_H
#define FIRESTEEL_MOMENT_TEXT_H

#include "base/buf.h"

#define MOMENT_PADDING 32 // bytes behind the text that must be readable

struct day_cache { // zeroed = empty
    char text[16]; // "2024-01-15"
    int64_t day_us;
};

// "2024-01-15T10:30:00[.123456789][Z|+hh:mm|+hhmm|+hh]", a space in place of T; no zone is UTC.
// Digits beyond microseconds are cut. Years 0001..9999.
bool timestamp_parse(const char *text, size_t len, struct day_cache *cache, int64_t *time_us);
bool timestamp_is_in_range(int64_t time_us);                           // years 0001..9999
bool date_parse(const char *text, size_t len, int32_t *days);          // "2024-01-15"
bool time_of_day_parse(const char *text, size_t len, int64_t *day_us); // "10:30:00[.123456]"
bool uuid_parse(const char *text, size_t len, __int128 *uuid);         // as DuckDB stores it

void date_print(struct buf *out, int32_t days);
void time_of_day_print(struct buf *out, int64_t day_us);
// separator 'T': 2024-01-15T10:30:00.000Z (always 3 or 6 fraction digits); ' ': as people read it,
// without a zone and without an empty fraction. Infinity is printed as a word.
void timestamp_print(struct buf *out, int64_t time_us, char separator);
void interval_print(struct buf *out, int32_t months, int32_t days, int64_t micros);
void uuid_print(struct buf *out, __int128 uuid);

#endif
