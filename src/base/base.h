// SPDX-License-Identifier: MIT
// Words used by every file: attributes, assertions, sizes. Nothing here allocates or does I/O.
#ifndef FIRESTEEL_BASE_H
#define FIRESTEEL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))
// AUTO(buf_clear) struct buf buf = {0};  calls buf_clear(&buf) when the scope is left.
#define AUTO(function) __attribute__((cleanup(function)))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

// A violated assertion is a bug in this program. It stays on in release builds: the checkpoint is
// the way to recover, a wrong result is not.
#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (UNLIKELY(!(condition)))                                                                \
            assert_failed(#condition, __FILE__, __LINE__);                                         \
    } while (0)
NORETURN void assert_failed(const char *condition, const char *file, int line);

#define ROWS_PER_VECTOR 2048 // DuckDB's vector size; asserted at start
#define US_PER_MS INT64_C(1000)
#define US_PER_SECOND INT64_C(1000000)
#define TIME_MIN_US INT64_MIN // "no time seen yet": earlier than every event
#define TIME_MAX_US INT64_MAX // "end of time": later than every event

#endif
