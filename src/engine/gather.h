// SPDX-License-Identifier: MIT
// Values of some rows of a vector, widened to one of three number types: what lets the fold and the
// judge have one loop for each width of result instead of one for each column type.
#ifndef FIRESTEEL_GATHER_H
#define FIRESTEEL_GATHER_H

#include "duck/chunk.h"

enum number_class {
    NUMBER_NONE,  // strings, nested types, INTERVAL: not a number
    NUMBER_WHOLE, // fits int64: integers but UBIGINT, BOOLEAN, DATE, TIME, TIMESTAMP, TIMESTAMPTZ
    NUMBER_REAL,  // FLOAT, DOUBLE
    NUMBER_HUGE,  // UBIGINT, HUGEINT, UUID: need an __int128
};
enum number_class number_class_of(enum type_kind kind);

// out[i] = value of chunk row rows[i]; rows NULL: of row i. The value of a NULL row is arbitrary.
void gather_whole(const struct vector *vector, const uint16_t *rows, size_t count, int64_t *out);
void gather_real(const struct vector *vector, const uint16_t *rows, size_t count, double *out);
void gather_huge(const struct vector *vector, const uint16_t *rows, size_t count, __int128 *out);

// DuckDB's order of floats: NaN equals itself and is greater than everything else.
static inline bool real_less(double a, double b)
{
    return a == a && !(b <= a);
}

// Byte order, the shorter of two equal beginnings first.
int string_cell_compare(const struct string_cell *a, const struct string_cell *b);

static inline bool string_cell_equal(const struct string_cell *a, const struct string_cell *b)
{
    uint64_t head_a, head_b, tail_a, tail_b;
    memcpy(&head_a, a, sizeof(head_a));
    memcpy(&head_b, b, sizeof(head_b));
    memcpy(&tail_a, (const char *)a + 8, sizeof(tail_a));
    memcpy(&tail_b, (const char *)b + 8, sizeof(tail_b));
    if (head_a != head_b)
        return false;
    if (tail_a == tail_b)
        return true;
    return a->len > sizeof(a->inlined) && memcmp(a->pointer.ptr, b->pointer.ptr, a->len) == 0;
}

#endif
