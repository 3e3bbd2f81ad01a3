// SPDX-License-Identifier: MIT
// Numerics. The server groups decimal digits by four, counted from the point in both directions, so
// the digits behind the point are split off first: shifting all of them could overflow 128 bits.
#include "connectors/postgres/copy_value.h"

__int128 value_integer(const struct vector *vector, size_t row)
{
    const void *cells = vector->data;
    switch ((int)vector->type->kind) {
    case TYPE_TINYINT:
        return ((const int8_t *)cells)[row];
    case TYPE_SMALLINT:
        return ((const int16_t *)cells)[row];
    case TYPE_INTEGER:
        return ((const int32_t *)cells)[row];
    case TYPE_BIGINT:
        return ((const int64_t *)cells)[row];
    case TYPE_UTINYINT:
        return ((const uint8_t *)cells)[row];
    case TYPE_USMALLINT:
        return ((const uint16_t *)cells)[row];
    case TYPE_UINTEGER:
        return ((const uint32_t *)cells)[row];
    case TYPE_UBIGINT:
        return ((const uint64_t *)cells)[row];
    case TYPE_HUGEINT:
        return ((const __int128 *)cells)[row];
    default:
        break;
    }
    ASSERT(vector->type->kind == TYPE_DECIMAL);
    switch (vector->type->cell_bytes) {
    case 2:
        return ((const int16_t *)cells)[row];
    case 4:
        return ((const int32_t *)cells)[row];
    case 8:
        return ((const int64_t *)cells)[row];
    default:
        return ((const __int128 *)cells)[row];
    }
}

void numeric_of(__int128 unscaled, uint8_t scale, struct numeric *numeric)
{
    static const int powers[] = {1, 10, 100, 1000};
    unsigned __int128 left =
        unscaled < 0 ? -(unsigned __int128)unscaled : (unsigned __int128)unscaled;
    int16_t reversed[NUMERIC_DIGITS_MAX];
    int len = 0, behind = (scale + 3) / 4; // groups behind the point
    if (scale % 4 != 0) {                  // the last one is not full
        unsigned power = (unsigned)powers[scale % 4];
        reversed[len++] = (int16_t)((unsigned)(left % power) * (unsigned)powers[4 - scale % 4]);
        left /= power;
    }
    while (left > UINT64_MAX) {
        reversed[len++] = (int16_t)(left % 10000);
        left /= 10000;
    }
    for (uint64_t small = (uint64_t)left; small > 0; small /= 10000)
        reversed[len++] = (int16_t)(small % 10000);
    ASSERT(len <= NUMERIC_DIGITS_MAX);
    int first = 0; // zeros at the end do not count
    while (first < len && reversed[first] == 0)
        first++;
    while (len > first && reversed[len - 1] == 0)
        len--;
    *numeric = (struct numeric){.digits_len = (int16_t)(len - first),
                                .weight = (int16_t)(len > first ? len - 1 - behind : 0),
                                .is_negative = unscaled < 0,
                                .scale = scale};
    for (int i = 0; i < len - first; i++)
        numeric->digits[i] = reversed[len - 1 - i];
}

char *numeric_put(const struct numeric *numeric, char *out)
{
    put_i16(out, numeric->digits_len);
    put_i16(out + 2, numeric->weight);
    put_i16(out + 4, numeric->is_negative ? 0x4000 : 0);
    put_i16(out + 6, numeric->scale);
    out += 8;
    for (int i = 0; i < numeric->digits_len; i++, out += 2)
        put_i16(out, numeric->digits[i]);
    return out;
}

bool numeric_get(const char *in, size_t len, uint8_t scale, __int128 *unscaled)
{
    if (len < 8)
        return false;
    int digits = get_i16(in), weight = get_i16(in + 2), sign = (uint16_t)get_i16(in + 4);
    if (digits < 0 || len != 8 + 2 * (size_t)digits || (sign != 0 && sign != 0x4000))
        return false;
    __int128 value = 0;
    // Groups from the first down to the last that `scale` wants; those not sent are zero.
    int last = -((scale + 3) / 4);
    for (int group = weight; group >= last; group--) {
        int index = weight - group;
        int digit = index < digits ? get_i16(in + 8 + 2 * index) : 0;
        if (digit < 0 || digit > 9999)
            return false;
        int factor = 10000;
        for (int cut = -group * 4 - scale; group < 0 && cut > 0;
             cut--) { // the last one is not full
            factor /= 10;
            digit /= 10;
        }
        if (__builtin_mul_overflow(value, factor, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    if (weight < last) // all of it is below the scale
        value = 0;
    *unscaled = sign != 0 ? -value : value;
    return true;
}
