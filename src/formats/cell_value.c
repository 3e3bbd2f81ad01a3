// SPDX-License-Identifier: MIT
// Exactness decides: an integer column takes integers only, whatever their value; a DECIMAL rounds
// half away from zero as DuckDB and Spark do; a time from a number is cut to microseconds.
#include "formats/cell_value.h"

enum fault cell_misfit(const struct type *type)
{
    switch ((int)type->kind) {
    case TYPE_BOOLEAN:
        return FAULT_BOOLEAN;
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        return FAULT_TIMESTAMP;
    case TYPE_DATE:
        return FAULT_DATE;
    case TYPE_TIME:
        return FAULT_TIME;
    case TYPE_UUID:
        return FAULT_UUID;
    case TYPE_DOUBLE:
    case TYPE_FLOAT:
    case TYPE_DECIMAL:
        return FAULT_NUMBER;
    default:
        return FAULT_INTEGER;
    }
}

static enum fault decimal_from(const struct type *type, const struct number *number, void *cell)
{
    __int128 value;
    enum fault fault = number_to_decimal(number, type->width, type->scale, &value);
    if (fault == FAULT_NONE)
        memcpy(cell, &value, type->cell_bytes); // little endian: narrow widths are its low bytes
    return fault;
}

static enum fault hugeint_from(const struct number *number, void *cell)
{
    __int128 value;
    enum fault fault = number_to_int128(number, &value);
    if (fault == FAULT_NONE)
        memcpy(cell, &value, sizeof(value));
    return fault;
}

static enum fault integer_from(const struct type *type, const struct number *number, void *cell)
{
    int64_t value = 0, min, max;
    uint64_t big = 0;
    enum fault fault;
    if (type->kind == TYPE_UBIGINT) {
        fault = number_to_uint64(number, &big);
        value = (int64_t)big;
    } else {
        integer_range(type->kind, &min, &max);
        fault = number_to_int64(number, min, max, &value);
    }
    if (fault == FAULT_NONE)
        integer_store(cell, 0, type->cell_bytes, value);
    return fault;
}

static enum fault unix_time_from(enum time_unit unit, const struct number *number, void *cell)
{
    if (unit == TIME_TEXT)
        return FAULT_TIMESTAMP;
    int64_t time_us;
    int shift = unit == TIME_UNIX_S ? 6 : unit == TIME_UNIX_MS ? 3 : 0;
    enum fault fault = number_to_scaled(number, shift, &time_us);
    if (fault == FAULT_NONE && !timestamp_is_in_range(time_us))
        fault = FAULT_RANGE;
    if (fault == FAULT_NONE)
        memcpy(cell, &time_us, sizeof(time_us));
    return fault;
}

enum fault cell_from_number(const struct type *type, enum time_unit unit,
                            const struct number *number, void *cell)
{
    switch ((int)type->kind) {
    case TYPE_DOUBLE:
        return number_to_double(number, cell);
    case TYPE_FLOAT:
        return number_to_float(number, cell);
    case TYPE_DECIMAL:
        return decimal_from(type, number, cell);
    case TYPE_HUGEINT:
        return hugeint_from(number, cell);
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        return unix_time_from(unit, number, cell);
    default:
        return type_is_integer(type->kind) ? integer_from(type, number, cell) : cell_misfit(type);
    }
}

enum fault cell_from_moment(const struct type *type, enum time_unit unit, struct str text,
                            struct day_cache *days, void *cell)
{
    __int128 uuid;
    bool fits = false;
    switch ((int)type->kind) {
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        fits = unit == TIME_TEXT && timestamp_parse(text.ptr, text.len, days, cell);
        break;
    case TYPE_DATE:
        fits = date_parse(text.ptr, text.len, cell);
        break;
    case TYPE_TIME:
        fits = time_of_day_parse(text.ptr, text.len, cell);
        break;
    case TYPE_UUID:
        fits = uuid_parse(text.ptr, text.len, &uuid);
        if (fits)
            memcpy(cell, &uuid, sizeof(uuid));
        break;
    default:
        break;
    }
    return fits ? FAULT_NONE : cell_misfit(type);
}
