// SPDX-License-Identifier: MIT
// Doubles: most values of real data have few digits behind the point, so first m = value * 10^k is
// tried for growing k. When m / 10^k gives the value back and m has at most 15 digits, the division
// was correctly rounded and m is the shortest form. Only the rest pays for printf and strtod.
#include "formats/value_print.h"
#include "formats/moment_text.h"
#include "formats/number_text.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void int128_print(struct buf *out, __int128 value)
{
    decimal_print(out, value, 0);
}

void decimal_print(struct buf *out, __int128 value, int scale)
{
    char text[48];
    size_t at = sizeof(text);
    unsigned __int128 size = value < 0 ? 0 - (unsigned __int128)value : (unsigned __int128)value;
    for (int digit = 0; digit <= scale || size != 0; digit++) {
        if (digit == scale && scale > 0)
            text[--at] = '.';
        text[--at] = (char)('0' + (int)(size % 10));
        size /= 10;
    }
    if (value < 0)
        text[--at] = '-';
    buf_add(out, text + at, sizeof(text) - at);
}

static bool special_print(struct buf *out, double value)
{
    if (isnan(value))
        buf_add_cstr(out, "NaN");
    else if (isinf(value))
        buf_add_cstr(out, value < 0 ? "-Infinity" : "Infinity");
    else
        return false;
    return true;
}

// A form of printf's %g: "1e+20" and "85" are numbers already, but "85" looks like an integer.
static void general_add(struct buf *out, const char *text)
{
    buf_add_cstr(out, text);
    if (strpbrk(text, ".e") == NULL)
        buf_add_cstr(out, ".0");
}

static bool short_print(struct buf *out, double value)
{
    if (fabs(value) < 1e-5 && value != 0)
        return false; // shorter with an exponent
    for (int k = 0; k <= 9; k++) {
        double scaled = value * power_of_ten[k];
        if (fabs(scaled) >= 1e15)
            return false;
        double whole = nearbyint(scaled);
        if (whole / power_of_ten[k] != value)
            continue;
        if (whole == 0 && signbit(value))
            return false;
        decimal_print(out, k == 0 ? (__int128)whole * 10 : (__int128)whole, k == 0 ? 1 : k);
        return true;
    }
    return false;
}

void double_print(struct buf *out, double value)
{
    if (special_print(out, value) || short_print(out, value))
        return;
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    general_add(out, text);
}

void float_print(struct buf *out, float value)
{
    if (special_print(out, (double)value))
        return;
    char text[40];
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value)
            break;
    }
    general_add(out, text);
}

void blob_print(struct buf *out, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        if (c >= 0x20 && c < 0x7f && c != '\\')
            buf_add_char(out, (char)c);
        else
            buf_print(out, "\\x%02X", c);
    }
}

static __int128 decimal_at(const struct vector *vector, size_t row)
{
    const char *cell = (const char *)vector->data + row * vector->type->cell_bytes;
    int16_t two;
    int32_t four;
    int64_t eight;
    __int128 sixteen;
    switch (vector->type->cell_bytes) {
    case 2:
        memcpy(&two, cell, 2);
        return two;
    case 4:
        memcpy(&four, cell, 4);
        return four;
    case 8:
        memcpy(&eight, cell, 8);
        return eight;
    default:
        memcpy(&sixteen, cell, 16);
        return sixteen;
    }
}

struct interval_cell {
    int32_t months, days;
    int64_t micros;
};

static __int128 integer_at(const struct vector *vector, size_t row)
{
    const void *data = vector->data;
    switch ((int)vector->type->kind) {
    case TYPE_UTINYINT:
        return ((const uint8_t *)data)[row];
    case TYPE_USMALLINT:
        return ((const uint16_t *)data)[row];
    case TYPE_UINTEGER:
        return ((const uint32_t *)data)[row];
    case TYPE_UBIGINT:
        return ((const uint64_t *)data)[row];
    case TYPE_TINYINT:
        return ((const int8_t *)data)[row];
    default:
        return decimal_at(vector, row); // signed, by width
    }
}

static void moment_print(struct buf *out, const struct vector *vector, size_t row, bool iso)
{
    switch ((int)vector->type->kind) {
    case TYPE_DATE:
        date_print(out, ((const int32_t *)vector->data)[row]);
        break;
    case TYPE_TIME:
        time_of_day_print(out, ((const int64_t *)vector->data)[row]);
        break;
    default:
        timestamp_print(out, ((const int64_t *)vector->data)[row], iso ? 'T' : ' ');
        break;
    }
}

void value_print(struct buf *out, const struct vector *vector, size_t row, bool iso)
{
    const struct interval_cell *interval;
    switch ((int)vector->type->kind) {
    case TYPE_BOOLEAN:
        buf_add_cstr(out, ((const uint8_t *)vector->data)[row] != 0 ? "true" : "false");
        break;
    case TYPE_FLOAT:
        float_print(out, ((const float *)vector->data)[row]);
        break;
    case TYPE_DOUBLE:
        double_print(out, ((const double *)vector->data)[row]);
        break;
    case TYPE_DECIMAL:
        decimal_print(out, decimal_at(vector, row), vector->type->scale);
        break;
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        moment_print(out, vector, row, iso);
        break;
    case TYPE_INTERVAL:
        interval = (const struct interval_cell *)vector->data + row;
        interval_print(out, interval->months, interval->days, interval->micros);
        break;
    case TYPE_UUID:
        uuid_print(out, decimal_at(vector, row));
        break;
    default:
        // TYPE_OTHER and ENUM never come here: the plan casts them to VARCHAR before a sink.
        ASSERT(type_is_integer(vector->type->kind) || vector->type->kind == TYPE_HUGEINT);
        int128_print(out, integer_at(vector, row));
        break;
    }
}
