// SPDX-License-Identifier: MIT
// Keys to 128-bit hashes over an encoding of our own, so that the hash of a key is the same in
// every chunk, run and version: state on disk depends on it. Encoding of a value, then XXH3-128 of
// all:
//   NULL: 0;  whole number, float, time: 1 and 8 or 16 bytes little endian, integers widened, -0.0
//   as 0.0, one NaN;  text: 2, length u32, bytes;  INTERVAL: 1, months, days, microseconds carried
//   over as comparison does;  STRUCT: 3 and its fields;  LIST, MAP: 4, length u64 and its elements.
#define XXH_INLINE_ALL
#include "engine/dedup.h"
#include "engine/gather.h"
#include <xxhash.h>

enum { MARK_NULL, MARK_CELL, MARK_TEXT, MARK_STRUCT, MARK_LIST };

static void encode_interval(struct buf *out, const char *cell)
{
    int32_t months, days;
    int64_t us;
    memcpy(&months, cell, sizeof(months));
    memcpy(&days, cell + 4, sizeof(days));
    memcpy(&us, cell + 8, sizeof(us));
    int64_t day_us = 86400 * US_PER_SECOND;
    int64_t days_all = days + us / day_us;
    int64_t months_all = months + days_all / 30;
    buf_add_i64(out, months_all);
    buf_add_i64(out, days_all % 30);
    buf_add_i64(out, us % day_us);
}

static double real_canonical(double value)
{
    return value != value ? __builtin_nan("") : value == 0 ? 0.0 : value;
}

static void encode_cell(struct buf *out, const struct vector *vector, size_t row)
{
    const char *cell = (const char *)vector->data + row * vector->type->cell_bytes;
    struct vector one = *vector;
    one.data = (void *)(uintptr_t)cell;
    enum number_class class = number_class_of(vector->type->kind);
    if (class == NUMBER_WHOLE) {
        int64_t value;
        gather_whole(&one, NULL, 1, &value);
        buf_add_i64(out, value);
    } else if (class == NUMBER_REAL) {
        double value;
        gather_real(&one, NULL, 1, &value);
        buf_add_double(out, real_canonical(value));
    } else if (vector->type->kind == TYPE_UBIGINT) {
        buf_add(out, cell, 8);
    } else if (vector->type->kind == TYPE_INTERVAL) {
        encode_interval(out, cell);
    } else { // HUGEINT, UUID, DECIMAL, ENUM: the cell is the value
        ASSERT(vector->type->kind != TYPE_OTHER && vector->type->cell_bytes <= 16);
        buf_add(out, cell, vector->type->cell_bytes);
    }
}

// Depth is that of the column's type.
static void encode_value(struct buf *out, const struct vector *vector, size_t row)
{
    if (vector_is_null(vector, row)) {
        buf_add_u8(out, MARK_NULL);
        return;
    }
    enum type_kind kind = vector->type->kind;
    if (type_is_string(kind)) {
        buf_add_u8(out, MARK_TEXT);
        buf_add_bytes(out, string_cell_str(&((const struct string_cell *)vector->data)[row]));
    } else if (kind == TYPE_STRUCT) {
        buf_add_u8(out, MARK_STRUCT);
        for (size_t i = 0; i < vector->children_len; i++)
            encode_value(out, &vector->children[i], row);
    } else if (kind == TYPE_LIST || kind == TYPE_MAP) {
        struct list_cell cell = ((const struct list_cell *)vector->data)[row];
        buf_add_u8(out, MARK_LIST);
        buf_add_u64(out, cell.length);
        for (uint64_t i = 0; i < cell.length; i++)
            encode_value(out, &vector->children[0], cell.offset + i);
    } else {
        buf_add_u8(out, MARK_CELL);
        encode_cell(out, vector, row);
    }
}

// ---- Columns of integers, times and text: the usual keys, encoded without a call a value

enum { FAST_BYTES = 240, FAST_KEYS = 8 };

static bool keys_are_fast(const struct rows_part *part, const int *keys, size_t keys_len)
{
    if (keys_len > FAST_KEYS)
        return false;
    for (size_t k = 0; k < keys_len; k++) {
        enum type_kind kind = part->chunk->columns[keys[k]].type->kind;
        if (number_class_of(kind) != NUMBER_WHOLE && !type_is_string(kind))
            return false;
    }
    return true;
}

struct fast_key {
    const struct vector *vector;
    const struct string_cell *texts; // NULL: a number
    int64_t whole[64];               // of the current block of rows
};

// Bytes written, or 0 when the row does not fit.
static size_t encode_fast(const struct fast_key *keys, size_t keys_len, size_t row, size_t place,
                          char *out)
{
    size_t at = 0;
    for (size_t k = 0; k < keys_len; k++) {
        const struct fast_key *key = &keys[k];
        if (vector_is_null(key->vector, row)) {
            out[at++] = MARK_NULL;
        } else if (key->texts == NULL) {
            out[at] = MARK_CELL;
            memcpy(out + at + 1, &key->whole[place], 8);
            at += 9;
        } else {
            const struct string_cell *cell = &key->texts[row];
            if (cell->len > FAST_BYTES - at - 16)
                return 0;
            out[at] = MARK_TEXT;
            memcpy(out + at + 1, &cell->len, 4);
            if (cell->len <= sizeof(cell->inlined))
                memcpy(out + at + 5, cell->inlined, sizeof(cell->inlined));
            else
                memcpy(out + at + 5, cell->pointer.ptr, cell->len);
            at += 5 + cell->len;
        }
        if (at > FAST_BYTES - 32)
            return 0;
    }
    return at;
}

static struct hash128 hash_slow(const struct rows_part *part, const int *keys, size_t keys_len,
                                size_t row, struct buf *bytes)
{
    buf_reset(bytes);
    for (size_t k = 0; k < keys_len; k++)
        encode_value(bytes, &part->chunk->columns[keys[k]], row);
    XXH128_hash_t hash = XXH3_128bits(bytes->ptr, bytes->len);
    return (struct hash128){.lo = hash.low64, .hi = hash.high64};
}

static void hash_block(const struct rows_part *part, const int *keys, size_t keys_len, size_t from,
                       size_t len, struct fast_key *fast, struct hash128 *hashes, struct buf *bytes)
{
    uint16_t rows[64];
    for (size_t i = 0; i < len; i++)
        rows[i] = (uint16_t)rows_part_row(part, from + i);
    for (size_t k = 0; k < keys_len; k++)
        if (fast[k].texts == NULL)
            gather_whole(fast[k].vector, rows, len, fast[k].whole);
    for (size_t i = 0; i < len; i++) {
        char encoded[FAST_BYTES];
        size_t size = encode_fast(fast, keys_len, rows[i], i, encoded);
        if (size == 0) {
            hashes[from + i] = hash_slow(part, keys, keys_len, rows[i], bytes);
            continue;
        }
        XXH128_hash_t hash = XXH3_128bits(encoded, size);
        hashes[from + i] = (struct hash128){.lo = hash.low64, .hi = hash.high64};
    }
}

void dedup_hash(const struct rows_part *part, const int *keys, size_t keys_len,
                struct hash128 *hashes)
{
    AUTO(buf_clear) struct buf bytes = {0};
    if (keys_len == 0 || !keys_are_fast(part, keys, keys_len)) {
        for (size_t i = 0; i < part->count; i++)
            hashes[i] = hash_slow(part, keys, keys_len, rows_part_row(part, i), &bytes);
        return;
    }
    struct fast_key fast[FAST_KEYS];
    for (size_t k = 0; k < keys_len; k++) {
        fast[k].vector = &part->chunk->columns[keys[k]];
        fast[k].texts = type_is_string(fast[k].vector->type->kind) ? fast[k].vector->data : NULL;
    }
    for (size_t from = 0; from < part->count; from += 64) {
        size_t len = part->count - from < 64 ? part->count - from : 64;
        hash_block(part, keys, keys_len, from, len, fast, hashes, &bytes);
    }
}
