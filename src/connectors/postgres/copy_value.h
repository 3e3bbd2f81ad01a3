// SPDX-License-Identifier: MIT
// Single values as PostgreSQL sends them: big endian, times from 2000 on, numerics in base 10,000.
// Inline, since the loops of copy_encode.c and copy_decode.c are made of them.
#ifndef FIRESTEEL_COPY_VALUE_H
#define FIRESTEEL_COPY_VALUE_H

#include "connectors/postgres/copy_column.h"
#include "duck/chunk.h"

#define SERVER_EPOCH_DAYS 10957 // 2000-01-01
#define SERVER_EPOCH_US (SERVER_EPOCH_DAYS * INT64_C(86400000000))

struct interval_cell {
    int32_t months, days;
    int64_t us;
};

static inline void put_i16(char *out, int16_t value)
{
    uint16_t bits = __builtin_bswap16((uint16_t)value);
    memcpy(out, &bits, sizeof(bits));
}

static inline void put_i32(char *out, int32_t value)
{
    uint32_t bits = __builtin_bswap32((uint32_t)value);
    memcpy(out, &bits, sizeof(bits));
}

static inline void put_i64(char *out, int64_t value)
{
    uint64_t bits = __builtin_bswap64((uint64_t)value);
    memcpy(out, &bits, sizeof(bits));
}

static inline void put_f32(char *out, float value)
{
    int32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    put_i32(out, bits);
}

static inline void put_f64(char *out, double value)
{
    int64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    put_i64(out, bits);
}

static inline int16_t get_i16(const char *in)
{
    uint16_t bits;
    memcpy(&bits, in, sizeof(bits));
    return (int16_t)__builtin_bswap16(bits);
}

static inline int32_t get_i32(const char *in)
{
    uint32_t bits;
    memcpy(&bits, in, sizeof(bits));
    return (int32_t)__builtin_bswap32(bits);
}

static inline int64_t get_i64(const char *in)
{
    uint64_t bits;
    memcpy(&bits, in, sizeof(bits));
    return (int64_t)__builtin_bswap64(bits);
}

// DuckDB's infinities are the largest value and its negation; the server's are largest and
// smallest.
static inline int32_t server_date(int32_t days)
{
    if (days == INT32_MAX || days == -INT32_MAX)
        return days > 0 ? INT32_MAX : INT32_MIN;
    int64_t moved = (int64_t)days - SERVER_EPOCH_DAYS;
    return moved <= INT32_MIN ? INT32_MIN + 1 : (int32_t)moved; // which the server refuses
}

static inline int64_t server_time(int64_t time_us)
{
    if (time_us == INT64_MAX || time_us == -INT64_MAX)
        return time_us > 0 ? INT64_MAX : INT64_MIN;
    int64_t moved;
    return __builtin_sub_overflow(time_us, SERVER_EPOCH_US, &moved) ? INT64_MIN + 1 : moved;
}

// Bytes of a value whose form has a fixed length.
static inline uint32_t value_bytes(enum copy_form form)
{
    switch ((int)form) {
    case COPY_BOOL:
        return 1;
    case COPY_INT2:
        return 2;
    case COPY_INT4:
    case COPY_FLOAT4:
    case COPY_DATE:
        return 4;
    case COPY_INTERVAL:
    case COPY_UUID:
        return 16;
    default:
        return 8;
    }
}

// Every value of this kind fits a signed integer of so many bits.
static inline bool value_fits(enum type_kind kind, int bits)
{
    switch ((int)kind) {
    case TYPE_TINYINT:
    case TYPE_UTINYINT:
    case TYPE_SMALLINT:
        return bits >= 16;
    case TYPE_USMALLINT:
    case TYPE_INTEGER:
        return bits >= 32;
    case TYPE_UINTEGER:
    case TYPE_BIGINT:
        return bits >= 64;
    default:
        return false;
    }
}

// Any integer, or the unscaled digits of a DECIMAL.
__int128 value_integer(const struct vector *vector, size_t row);

#define NUMERIC_DIGITS_MAX 12 // of base 10,000: 39 decimal digits, cut at the point
struct numeric {
    int16_t digits_len, weight; // the first digit counts 10,000 ^ weight
    bool is_negative;
    uint8_t scale;
    int16_t digits[NUMERIC_DIGITS_MAX];
};
void numeric_of(__int128 unscaled, uint8_t scale, struct numeric *numeric);
char *numeric_put(const struct numeric *numeric, char *out); // behind what was written
// The unscaled digits at `scale`; false: NaN, infinite, or more digits than 38.
bool numeric_get(const char *in, size_t len, uint8_t scale, __int128 *unscaled);

#endif
