// SPDX-License-Identifier: MIT
// Text to numbers, exactly: integers to 128 bits with overflow told apart from bad text, decimals
// by their digits, doubles correctly rounded. Used by the JSON and CSV decoders.
#ifndef FIRESTEEL_NUMBER_TEXT_H
#define FIRESTEEL_NUMBER_TEXT_H

#include "duck/type.h"
#include "formats/fault.h"
#include <string.h>

// A number's anatomy after number_scan.
struct number {
    const char *start, *end; // with the sign
    bool negative;
    bool whole;         // neither '.' nor an exponent
    bool exact;         // mantissa holds all significant digits
    uint64_t mantissa;  // the first 19 significant digits
    int64_t exponent10; // value = mantissa * 10^exponent10 when exact
};

// Reads one number by JSON's grammar and returns where it ends, NULL when the text is none. `loose`
// also takes what people write in CSV: leading zeros and '+', ".5", "5.". The byte at `limit` and
// up to 8 behind it must be readable; they do not count.
const char *number_scan(const char *p, const char *limit, bool loose, struct number *number);

enum fault number_to_int64(const struct number *number, int64_t min, int64_t max, int64_t *value);
enum fault number_to_uint64(const struct number *number, uint64_t *value);
enum fault number_to_int128(const struct number *number, __int128 *value);
// Rounds half away from zero to `scale`; FAULT_RANGE when more than `width` digits remain.
enum fault number_to_decimal(const struct number *number, int width, int scale, __int128 *value);
// The byte behind the number must be readable and no part of it.
enum fault number_to_double(const struct number *number, double *value);
enum fault number_to_float(const struct number *number, float *value);
// value * 10^shift cut to a whole number: seconds to microseconds with shift 6.
enum fault number_to_scaled(const struct number *number, int shift, int64_t *value);

// Integer of any kind of type.h that fits `cell_bytes`, narrowed; the range was checked before.
static inline void integer_store(void *data, size_t row, size_t cell_bytes, int64_t value)
{
    // Little endian: the low bytes of the value are its first bytes.
    char *cell = (char *)data + row * cell_bytes;
    switch (cell_bytes) {
    case 1:
        memcpy(cell, &value, 1);
        break;
    case 2:
        memcpy(cell, &value, 2);
        break;
    case 4:
        memcpy(cell, &value, 4);
        break;
    default:
        memcpy(cell, &value, 8);
        break;
    }
}

// Range of an integer type; UBIGINT's upper half is number_to_uint64's matter.
void integer_range(enum type_kind kind, int64_t *min, int64_t *max);
extern const double power_of_ten[23]; // exact ones

// --- eight digits at a time -----------------------------------------------------------------
// A word of text minus "00000000": bytes 0..9 where there are digits.
static inline uint64_t digits_word(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof(word));
    return word ^ UINT64_C(0x3030303030303030);
}

// How many of the eight bytes, from the first, are digits.
static inline unsigned digits_count(uint64_t word)
{
    // Adding 0x76 carries a byte >= 10 into its top bit. A byte that overflows disturbs only the
    // ones behind it, and the first one that is no digit is all that counts.
    uint64_t stop = ((word + UINT64_C(0x7676767676767676)) | word) & UINT64_C(0x8080808080808080);
    return stop == 0 ? 8 : (unsigned)__builtin_ctzll(stop) >> 3;
}

// Value of the first `count` (1..8) digits of the word: shifted up, so that zeros come in front.
static inline uint64_t digits_value(uint64_t word, unsigned count)
{
    word <<= (8 - count) * 8;
    word = word * 10 + (word >> 8);
    return (((word & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x000F424000000064)) +
            (((word >> 16) & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x0000271000000001))) >>
           32;
}

#endif
