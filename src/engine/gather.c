// SPDX-License-Identifier: MIT
// One tight loop for each column type; the switch stands outside of the loops.
#include "engine/gather.h"

enum number_class number_class_of(enum type_kind kind)
{
    switch ((int)kind) {
    case TYPE_BOOLEAN:
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INTEGER:
    case TYPE_BIGINT:
    case TYPE_UTINYINT:
    case TYPE_USMALLINT:
    case TYPE_UINTEGER:
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        return NUMBER_WHOLE;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return NUMBER_REAL;
    case TYPE_UBIGINT:
    case TYPE_HUGEINT:
    case TYPE_UUID:
        return NUMBER_HUGE;
    default:
        return NUMBER_NONE;
    }
}

#define GATHER(type, target)                                                                       \
    {                                                                                              \
        const type *values = vector->data;                                                         \
        if (rows == NULL)                                                                          \
            for (size_t i = 0; i < count; i++)                                                     \
                out[i] = (target)values[i];                                                        \
        else                                                                                       \
            for (size_t i = 0; i < count; i++)                                                     \
                out[i] = (target)values[rows[i]];                                                  \
        return;                                                                                    \
    }

void gather_whole(const struct vector *vector, const uint16_t *rows, size_t count, int64_t *out)
{
    switch ((int)vector->type->kind) {
    case TYPE_TINYINT:
        GATHER(int8_t, int64_t)
    case TYPE_BOOLEAN:
    case TYPE_UTINYINT:
        GATHER(uint8_t, int64_t)
    case TYPE_SMALLINT:
        GATHER(int16_t, int64_t)
    case TYPE_USMALLINT:
        GATHER(uint16_t, int64_t)
    case TYPE_INTEGER:
    case TYPE_DATE:
        GATHER(int32_t, int64_t)
    case TYPE_UINTEGER:
        GATHER(uint32_t, int64_t)
    default:
        ASSERT(number_class_of(vector->type->kind) == NUMBER_WHOLE);
        GATHER(int64_t, int64_t)
    }
}

void gather_real(const struct vector *vector, const uint16_t *rows, size_t count, double *out)
{
    switch ((int)vector->type->kind) {
    case TYPE_DOUBLE:
        GATHER(double, double)
    case TYPE_FLOAT:
        GATHER(float, double)
    case TYPE_TINYINT:
        GATHER(int8_t, double)
    case TYPE_BOOLEAN:
    case TYPE_UTINYINT:
        GATHER(uint8_t, double)
    case TYPE_SMALLINT:
        GATHER(int16_t, double)
    case TYPE_USMALLINT:
        GATHER(uint16_t, double)
    case TYPE_INTEGER:
        GATHER(int32_t, double)
    case TYPE_UINTEGER:
        GATHER(uint32_t, double)
    case TYPE_UBIGINT:
        GATHER(uint64_t, double)
    default:
        ASSERT(vector->type->kind == TYPE_BIGINT);
        GATHER(int64_t, double)
    }
}

void gather_huge(const struct vector *vector, const uint16_t *rows, size_t count, __int128 *out)
{
    if (vector->type->cell_bytes == sizeof(__int128)) {
        for (size_t i = 0; i < count; i++) {
            size_t row = rows == NULL ? i : rows[i];
            memcpy(&out[i], (const char *)vector->data + row * sizeof(__int128), sizeof(__int128));
        }
        return;
    }
    if (vector->type->kind == TYPE_UBIGINT)
        GATHER(uint64_t, __int128)
    for (size_t from = 0; from < count; from += 64) { // a narrower type, piece by piece
        int64_t piece[64];
        size_t len = count - from < 64 ? count - from : 64;
        struct vector rest = *vector;
        if (rows == NULL)
            rest.data = (char *)vector->data + from * vector->type->cell_bytes;
        gather_whole(&rest, rows == NULL ? NULL : rows + from, len, piece);
        for (size_t i = 0; i < len; i++)
            out[from + i] = piece[i];
    }
}

int string_cell_compare(const struct string_cell *a, const struct string_cell *b)
{
    uint32_t head_a, head_b; // the first 4 bytes decide most comparisons
    memcpy(&head_a, a->inlined, sizeof(head_a));
    memcpy(&head_b, b->inlined, sizeof(head_b));
    if (head_a != head_b && a->len >= 4 && b->len >= 4)
        return __builtin_bswap32(head_a) < __builtin_bswap32(head_b) ? -1 : 1;
    size_t shorter = a->len < b->len ? a->len : b->len;
    struct str text_a = string_cell_str(a), text_b = string_cell_str(b);
    int order = shorter == 0 ? 0 : memcmp(text_a.ptr, text_b.ptr, shorter);
    if (order != 0)
        return order < 0 ? -1 : 1;
    return a->len < b->len ? -1 : a->len > b->len;
}
