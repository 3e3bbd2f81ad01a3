// SPDX-License-Identifier: MIT
// Doubles are rounded correctly by one of three ways, fastest first:
//  1. mantissa <= 2^53 and |exponent| <= 22: both are exact doubles, one operation rounds once.
//  2. up to 19 digits and |exponent| <= 27: 5^27 fits 64 bits, so the 128-bit product, or the
//     quotient with its remainder, is exact; it is cut to 53 bits half to even. No table of
//     approximate powers and no error analysis is needed, and nothing here is ever subnormal.
//  3. strtod of the C locale. The text is not copied: the grammar was checked before, and the byte
//     behind the number cannot continue it.
#include "formats/number_text.h"
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#define SIGNIFICANT_MAX 19
#define EXPONENT_LIMIT 1000000 // beyond any type; keeps the arithmetic below from overflowing

const double power_of_ten[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool is_digit(const char *p, const char *limit)
{
    return p < limit && (unsigned char)(*p - '0') <= 9;
}

// A run of digits; adds the significant ones to the mantissa while there is room.
static const char *digits_scan(const char *p, const char *limit, struct number *number,
                               int *significant, bool fraction)
{
    for (; is_digit(p, limit); p++) {
        unsigned digit = (unsigned)(*p - '0');
        if (*significant < SIGNIFICANT_MAX) {
            number->mantissa = number->mantissa * 10 + digit;
            *significant += number->mantissa != 0;
            number->exponent10 -= fraction;
        } else {
            number->exact = number->exact && digit == 0;
            number->exponent10 += !fraction;
        }
    }
    return p;
}

static const char *exponent_scan(const char *p, const char *limit, struct number *number)
{
    bool negative = false;
    if (p < limit && (*p == '+' || *p == '-'))
        negative = *p++ == '-';
    if (!is_digit(p, limit))
        return NULL;
    int64_t exponent = 0;
    for (; is_digit(p, limit); p++)
        if (exponent < EXPONENT_LIMIT)
            exponent = exponent * 10 + (*p - '0');
    number->exponent10 += negative ? -exponent : exponent;
    return p;
}

const char *number_scan(const char *p, const char *limit, bool loose, struct number *number)
{
    *number = (struct number){.start = p, .whole = true, .exact = true};
    if (p < limit && (*p == '-' || (loose && *p == '+')))
        number->negative = *p++ == '-';
    const char *first = p;
    int significant = 0;
    p = digits_scan(p, limit, number, &significant, false);
    size_t whole_len = (size_t)(p - first);
    if (!loose && (whole_len == 0 || (*first == '0' && whole_len > 1)))
        return NULL;
    if (p < limit && *p == '.') {
        const char *point = p++;
        number->whole = false;
        p = digits_scan(p, limit, number, &significant, true);
        size_t fraction_len = (size_t)(p - point) - 1;
        if (fraction_len == 0 && (!loose || whole_len == 0))
            return NULL;
    } else if (whole_len == 0) {
        return NULL;
    }
    if (p < limit && (*p == 'e' || *p == 'E')) {
        number->whole = false;
        p = exponent_scan(p + 1, limit, number);
    }
    number->end = p;
    return p;
}

void integer_range(enum type_kind kind, int64_t *min, int64_t *max)
{
    *min = 0;
    switch ((int)kind) {
    case TYPE_TINYINT:
        *min = INT8_MIN, *max = INT8_MAX;
        break;
    case TYPE_SMALLINT:
        *min = INT16_MIN, *max = INT16_MAX;
        break;
    case TYPE_INTEGER:
        *min = INT32_MIN, *max = INT32_MAX;
        break;
    case TYPE_UTINYINT:
        *max = UINT8_MAX;
        break;
    case TYPE_USMALLINT:
        *max = UINT16_MAX;
        break;
    case TYPE_UINTEGER:
        *max = UINT32_MAX;
        break;
    case TYPE_UBIGINT:
        *max = INT64_MAX;
        break;
    default:
        *min = INT64_MIN, *max = INT64_MAX;
        break;
    }
}

// All digits of a whole number as an unsigned magnitude; false beyond 128 bits.
static bool magnitude(const struct number *number, unsigned __int128 *value)
{
    unsigned __int128 sum = 0;
    for (const char *p = number->start; p < number->end; p++) {
        if ((unsigned char)(*p - '0') > 9)
            continue; // the sign
        if (__builtin_mul_overflow(sum, (unsigned __int128)10, &sum) ||
            __builtin_add_overflow(sum, (unsigned __int128)(*p - '0'), &sum))
            return false;
    }
    *value = sum;
    return true;
}

enum fault number_to_int128(const struct number *number, __int128 *value)
{
    if (!number->whole)
        return FAULT_INTEGER;
    unsigned __int128 size;
    const unsigned __int128 half = (unsigned __int128)1 << 127;
    if (!magnitude(number, &size) || size > half - !number->negative)
        return FAULT_RANGE;
    *value = (__int128)(number->negative ? -size : size);
    return FAULT_NONE;
}

enum fault number_to_int64(const struct number *number, int64_t min, int64_t max, int64_t *value)
{
    __int128 wide;
    enum fault fault = number_to_int128(number, &wide);
    if (fault != FAULT_NONE)
        return fault;
    if (wide < min || wide > max)
        return FAULT_RANGE;
    *value = (int64_t)wide;
    return FAULT_NONE;
}

enum fault number_to_uint64(const struct number *number, uint64_t *value)
{
    __int128 wide;
    enum fault fault = number_to_int128(number, &wide);
    if (fault != FAULT_NONE)
        return fault;
    if (wide < 0 || wide > UINT64_MAX)
        return FAULT_RANGE;
    *value = (uint64_t)wide;
    return FAULT_NONE;
}

// Adds the digit of weight 10^weight (in units of the result's last place). The first digit behind
// that place decides the rounding, those after it cannot change half away from zero.
static bool decimal_digit(unsigned __int128 *sum, unsigned digit, int64_t weight, bool rounds)
{
    if (weight >= 0)
        return !__builtin_mul_overflow(*sum, (unsigned __int128)10, sum) &&
               !__builtin_add_overflow(*sum, (unsigned __int128)digit, sum);
    if (weight == -1 && rounds && digit >= 5)
        *sum += 1;
    return true;
}

// Walks the digits of `number` scaled by 10^shift. Leading zeros cost nothing, so "0.000..1" with
// thousands of zeros is cheap and cannot overflow.
static enum fault scaled_magnitude(const struct number *number, int shift, bool rounds,
                                   unsigned __int128 *value)
{
    // The exponent alone: exponent10 moves by the places that digits_scan counted, so take the
    // distance of the first digit to the point from the text itself.
    const char *p = number->start;
    if (*p == '-' || *p == '+')
        p++;
    const char *mark = p;
    while (mark < number->end && *mark != 'e' && *mark != 'E')
        mark++;
    struct number exponent = {0};
    if (mark < number->end)
        exponent_scan(mark + 1, number->end, &exponent);
    const char *point = p;
    while (point < mark && *point != '.')
        point++;
    unsigned __int128 sum = 0;
    int64_t weight = (int64_t)(point - p) - 1 + exponent.exponent10 + shift;
    for (; p < mark; p++) {
        if (*p == '.')
            continue;
        if (!decimal_digit(&sum, (unsigned)(*p - '0'), weight, rounds))
            return FAULT_RANGE;
        weight--;
    }
    for (; weight >= 0 && sum != 0; weight--)
        if (!decimal_digit(&sum, 0, weight, rounds))
            return FAULT_RANGE;
    *value = sum;
    return FAULT_NONE;
}

enum fault number_to_decimal(const struct number *number, int width, int scale, __int128 *value)
{
    unsigned __int128 sum;
    enum fault fault = scaled_magnitude(number, scale, true, &sum);
    if (fault != FAULT_NONE)
        return fault;
    unsigned __int128 limit = 1;
    for (int i = 0; i < width; i++)
        limit *= 10;
    if (sum >= limit)
        return FAULT_RANGE;
    *value = number->negative ? -(__int128)sum : (__int128)sum;
    return FAULT_NONE;
}

enum fault number_to_scaled(const struct number *number, int shift, int64_t *value)
{
    unsigned __int128 sum;
    enum fault fault = scaled_magnitude(number, shift, false, &sum);
    if (fault != FAULT_NONE)
        return fault;
    if (sum > INT64_MAX)
        return FAULT_RANGE;
    *value = number->negative ? -(int64_t)sum : (int64_t)sum;
    return FAULT_NONE;
}

// (bits + sticky) * 2^exponent2 as a double, bits with its top bit set; half to even.
static double round_to_double(uint64_t bits, bool sticky, int exponent2)
{
    uint64_t kept = bits >> 11; // 2^52 <= kept < 2^53
    uint64_t rest = bits & 0x7FF;
    if (rest > 0x400 || (rest == 0x400 && (sticky || (kept & 1) != 0)))
        kept++;
    // The leading bit adds one to the exponent below it; so does the carry of rounding up.
    uint64_t image = ((uint64_t)(exponent2 + 11 + 1074) << 52) + kept;
    double value;
    memcpy(&value, &image, sizeof(value));
    return value;
}

static double times_power(uint64_t mantissa, uint64_t five, int exponent10)
{
    unsigned __int128 product = (unsigned __int128)mantissa * five;
    uint64_t high = (uint64_t)(product >> 64);
    int shift = high == 0 ? 0 : 64 - __builtin_clzll(high);
    uint64_t bits = (uint64_t)(product >> shift);
    bool sticky = shift > 0 && (uint64_t)(product << (128 - shift) >> 64) != 0;
    int lead = __builtin_clzll(bits); // only without a high word, then nothing was cut
    return round_to_double(bits << lead, sticky, exponent10 + shift - lead);
}

static double over_power(uint64_t mantissa, uint64_t five, int exponent10)
{
    int mantissa_lead = __builtin_clzll(mantissa), five_lead = __builtin_clzll(five);
    uint64_t top = mantissa << mantissa_lead, bottom = five << five_lead;
    // Either way the quotient has exactly 64 bits.
    int shift = top < bottom ? 64 : 63;
    uint64_t high = shift == 64 ? top : top >> 1, low = shift == 64 ? 0 : top << 63;
    uint64_t quotient, rest;
#if defined(__x86_64__)
    // high < bottom, so the quotient fits; the compiler would call a function for this.
    __asm__("divq %4" : "=a"(quotient), "=d"(rest) : "a"(low), "d"(high), "r"(bottom) : "cc");
#else
    unsigned __int128 dividend = (unsigned __int128)high << 64 | low;
    quotient = (uint64_t)(dividend / bottom);
    rest = (uint64_t)(dividend % bottom);
#endif
    bool sticky = rest != 0;
    return round_to_double(quotient, sticky, exponent10 - mantissa_lead + five_lead - shift);
}

static locale_t c_locale;
static pthread_once_t locale_once = PTHREAD_ONCE_INIT;

static void locale_init(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

enum fault number_to_double(const struct number *number, double *value)
{
    static const uint64_t power_of_five[28] = {1u,
                                               5u,
                                               25u,
                                               125u,
                                               625u,
                                               3125u,
                                               15625u,
                                               78125u,
                                               390625u,
                                               1953125u,
                                               9765625u,
                                               48828125u,
                                               244140625u,
                                               1220703125u,
                                               6103515625u,
                                               30517578125u,
                                               152587890625u,
                                               762939453125u,
                                               3814697265625u,
                                               19073486328125u,
                                               95367431640625u,
                                               476837158203125u,
                                               2384185791015625u,
                                               11920928955078125u,
                                               59604644775390625u,
                                               298023223876953125u,
                                               1490116119384765625u,
                                               7450580596923828125u};
    int64_t exponent = number->exponent10;
    double size;
    if (number->exact && number->mantissa == 0) {
        size = 0;
    } else if (number->exact && number->mantissa <= (UINT64_C(1) << 53) && exponent >= -22 &&
               exponent <= 22) {
        size = exponent < 0 ? (double)number->mantissa / power_of_ten[-exponent]
                            : (double)number->mantissa * power_of_ten[exponent];
    } else if (number->exact && exponent >= -27 && exponent <= 27) {
        size = exponent < 0 ? over_power(number->mantissa, power_of_five[-exponent], (int)exponent)
                            : times_power(number->mantissa, power_of_five[exponent], (int)exponent);
    } else {
        pthread_once(&locale_once, locale_init);
        size = strtod_l(number->start + (*number->start == '-' || *number->start == '+'), NULL,
                        c_locale);
        if (isinf(size))
            return FAULT_RANGE;
    }
    *value = number->negative ? -size : size;
    return FAULT_NONE;
}

enum fault number_to_float(const struct number *number, float *value)
{
    // Not by way of a double: that would round twice.
    pthread_once(&locale_once, locale_init);
    float size =
        strtof_l(number->start + (*number->start == '-' || *number->start == '+'), NULL, c_locale);
    if (isinf(size))
        return FAULT_RANGE;
    *value = number->negative ? -size : size;
    return FAULT_NONE;
}
