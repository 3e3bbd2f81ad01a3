// SPDX-License-Identifier: MIT
// A chunk is up to 2,048 rows of typed columns: DuckDB's own vectors, seen through plain pointers.
// Formats decode straight into them, the engine folds straight out of them, and DuckDB statements
// read them by reference (scan.h): a value is written once and never copied on the way of a row.
#ifndef FIRESTEEL_CHUNK_H
#define FIRESTEEL_CHUNK_H

#include "duck/type.h"
#include <string.h>

// One string value. <= 12 bytes inline, else a 4-byte prefix and a pointer to bytes somebody else
// owns (the batch's arena, a segment). The layout is DuckDB's public duckdb_string_t.
struct string_cell {
    uint32_t len;
    union {
        char inlined[12]; // unused bytes must be zero
        struct {
            char prefix[4];
            const char *ptr;
        } __attribute__((packed)) pointer;
    };
};
_Static_assert(sizeof(struct string_cell) == 16, "layout of duckdb_string_t");

struct list_cell {
    uint64_t offset, length; // into the child vector
};

struct vector {
    const struct type *type;
    void *data;              // NULL for STRUCT
    uint64_t *validity;      // bit set = value present; NULL: all present (see vector_set_null)
    struct vector *children; // STRUCT: one a field; LIST/MAP: one
    size_t children_len;
    void *handle; // duckdb_vector
};

struct chunk {
    size_t rows;
    size_t columns_len;
    struct vector *columns;
    void *handle; // duckdb_data_chunk
    bool owned;   // chunk_new made it (else it is a view of a fetched one)
};

struct chunk *chunk_new(const struct type *const *types, size_t types_len); // capacity 2,048 rows
void chunk_free(struct chunk *chunk);
// rows = 0, every value present. Data pointers stay. Call before refilling. List children are
// emptied.
void chunk_reset(struct chunk *chunk);
void vector_set_null(
    struct vector *vector,
    size_t row); // makes the validity mask when needed; for STRUCT the children too
// Grows a LIST/MAP child to hold `size` elements; refreshes child's data pointers. Sets list size.
void vector_list_reserve(struct vector *vector, size_t size);
void vector_list_set_size(struct vector *vector, size_t size);
size_t vector_list_size(const struct vector *vector);
void vector_copy_value(struct vector *target, size_t target_row, const struct vector *source,
                       size_t source_row); // any type; strings by reference

static inline bool vector_is_null(const struct vector *vector, size_t row)
{
    return vector->validity != NULL && (vector->validity[row >> 6] >> (row & 63) & 1) == 0;
}

static inline struct string_cell string_cell_of(const char *ptr, size_t len)
{
    struct string_cell cell;
    cell.len = (uint32_t)len;
    if (len <= sizeof(cell.inlined)) {
        memset(cell.inlined, 0, sizeof(cell.inlined));
        if (len > 0)
            memcpy(cell.inlined, ptr, len);
    } else {
        memcpy(cell.pointer.prefix, ptr, sizeof(cell.pointer.prefix));
        cell.pointer.ptr = ptr;
    }
    return cell;
}

// The result points into *cell when it is short: keep the cell where it is while using it.
static inline struct str string_cell_str(const struct string_cell *cell)
{
    return (struct str){cell->len <= sizeof(cell->inlined) ? cell->inlined : cell->pointer.ptr,
                        cell->len};
}

// Rows on their way through a lane: chunks, and for each the rows that are still in it.
// A selection keeps filtered rows out without moving the others.
struct rows {
    struct rows_part *parts;
    size_t parts_len, parts_capacity;
};
struct rows_part {
    struct chunk *chunk;
    uint16_t *selection;    // NULL: all rows of the chunk, in order
    size_t count;           // rows selected
    int64_t first_sequence; // row number (over the whole job) of chunk row 0, or -1: see sequences
    int64_t *sequences;     // per chunk row, when rows no longer follow their input one to one
};
static inline size_t rows_part_row(const struct rows_part *part, size_t i)
{
    return part->selection != NULL ? part->selection[i] : i;
}
size_t rows_count(const struct rows *rows);

#endif
