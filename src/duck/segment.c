// SPDX-License-Identifier: MIT
// Writing segments (layout: segment.h; reading: segment_read.c). A column is gathered from many
// chunks by "picks": a vector and the rows wanted of it. A pick without indexes is a plain run of
// rows, which is the usual case and one memcpy. Nested columns make new picks for their children,
// so the same few loops serve every depth.
#include "duck/segment_layout.h"
#include <string.h>

// Rows of one vector. PICK_NULL stands for a row that is NULL because its parent is.
struct pick {
    const struct vector *vector;
    const uint32_t *indexes; // NULL: first, first + 1, ..
    size_t first, count;
};
#define PICK_NULL UINT32_MAX

struct picks {
    struct pick *items;
    size_t len;
    size_t rows;
};

static inline size_t pick_row(const struct pick *pick, size_t i)
{
    return pick->indexes != NULL ? pick->indexes[i] : pick->first + i;
}

static inline bool pick_is_null(const struct pick *pick, size_t i)
{
    size_t row = pick_row(pick, i);
    return (uint32_t)row == PICK_NULL || vector_is_null(pick->vector, row);
}

static char *buf_grow_zeroed(struct buf *out, size_t len)
{
    buf_reserve(out, len);
    char *place = out->ptr + out->len;
    if (len > 0)
        memset(place, 0, len);
    out->len += len;
    return place;
}

static void pad(struct buf *out, size_t start)
{
    size_t used = (out->len - start) % SEGMENT_ALIGNMENT;
    if (used != 0)
        buf_grow_zeroed(out, SEGMENT_ALIGNMENT - used);
}

static bool picks_may_have_nulls(const struct picks *picks)
{
    for (size_t p = 0; p < picks->len; p++) {
        const struct pick *pick = &picks->items[p];
        if (pick->indexes == NULL && pick->vector->validity == NULL)
            continue;
        for (size_t i = 0; i < pick->count; i++)
            if (pick_is_null(pick, i))
                return true;
    }
    return false;
}

// Kind, null flag, bitmap, padding. Returns whether there are NULLs.
static bool add_head(struct buf *out, size_t start, enum type_kind kind, const struct picks *picks)
{
    bool has_nulls = picks_may_have_nulls(picks);
    buf_add_u8(out, (uint8_t)kind);
    buf_add_u8(out, has_nulls);
    if (has_nulls) {
        unsigned char *bitmap = (unsigned char *)buf_grow_zeroed(out, (picks->rows + 7) / 8);
        size_t at = 0;
        for (size_t p = 0; p < picks->len; p++) {
            const struct pick *pick = &picks->items[p];
            for (size_t i = 0; i < pick->count; i++, at++)
                if (!pick_is_null(pick, i))
                    bitmap[at / 8] = (unsigned char)(bitmap[at / 8] | 1u << (at % 8));
        }
    }
    pad(out, start);
    return has_nulls;
}

#define GATHER(type)                                                                               \
    for (size_t i = 0; i < pick->count; i++)                                                       \
    ((type *)target)[i] = ((const type *)pick->vector->data)[pick_row(pick, i)]

// Cells of one pick without NULLs.
static void gather(const struct pick *pick, size_t bytes, char *target)
{
    if (pick->indexes == NULL) {
        memcpy(target, (const char *)pick->vector->data + pick->first * bytes, pick->count * bytes);
        return;
    }
    switch (bytes) {
    case 1:
        GATHER(uint8_t);
        return;
    case 2:
        GATHER(uint16_t);
        return;
    case 4:
        GATHER(uint32_t);
        return;
    case 8:
        GATHER(uint64_t);
        return;
    default:
        for (size_t i = 0; i < pick->count; i++)
            memcpy(target + i * bytes, (const char *)pick->vector->data + pick_row(pick, i) * bytes,
                   bytes);
    }
}

static void add_cells(struct buf *out, const struct picks *picks, size_t bytes, bool has_nulls)
{
    char *target = buf_grow_zeroed(out, picks->rows * bytes);
    for (size_t p = 0; p < picks->len; p++) {
        const struct pick *pick = &picks->items[p];
        if (pick->count > 0 && !has_nulls)
            gather(pick, bytes, target);
        for (size_t i = 0; has_nulls && i < pick->count; i++)
            if (!pick_is_null(pick, i))
                memcpy(target + i * bytes,
                       (const char *)pick->vector->data + pick_row(pick, i) * bytes, bytes);
        target += pick->count * bytes;
    }
}

// Two passes: the lengths first, so that the bytes are copied into place that is already there.
static void add_strings(struct buf *out, const struct picks *picks)
{
    uint32_t *ends = (uint32_t *)(void *)buf_grow_zeroed(out, picks->rows * sizeof(uint32_t));
    size_t total = 0, row = 0;
    for (size_t p = 0; p < picks->len; p++) {
        const struct pick *pick = &picks->items[p];
        const struct string_cell *cells = pick->vector->data;
        for (size_t i = 0; i < pick->count; i++, row++) {
            if (!pick_is_null(pick, i))
                total += cells[pick_row(pick, i)].len;
            ASSERT(total <= UINT32_MAX);
            ends[row] = (uint32_t)total;
        }
    }
    buf_reserve(out, total);
    char *target = out->ptr + out->len;
    out->len += total;
    for (size_t p = 0; p < picks->len; p++) {
        const struct pick *pick = &picks->items[p];
        const struct string_cell *cells = pick->vector->data;
        for (size_t i = 0; i < pick->count; i++) {
            if (pick_is_null(pick, i))
                continue;
            struct str value = string_cell_str(&cells[pick_row(pick, i)]);
            memcpy(target, value.ptr, value.len);
            target += value.len;
        }
    }
}

static void picks_clear(struct picks *picks)
{
    for (size_t p = 0; p < picks->len; p++)
        heap_free((void *)picks->items[p].indexes);
    heap_free(picks->items);
}

// The elements of a LIST, in the order of its rows. Writes the end offsets.
static struct picks list_picks(struct buf *out, const struct picks *parents)
{
    struct picks children = {.items = heap_array(parents->len + 1, sizeof(struct pick)),
                             .len = parents->len};
    for (size_t p = 0; p < parents->len; p++) {
        const struct pick *parent = &parents->items[p];
        const struct list_cell *cells = parent->vector->data;
        size_t elements = 0;
        for (size_t i = 0; i < parent->count; i++) {
            if (!pick_is_null(parent, i))
                elements += cells[pick_row(parent, i)].length;
            buf_add_u64(out, children.rows + elements);
        }
        uint32_t *indexes = heap_array(elements + 1, sizeof(*indexes));
        size_t at = 0;
        for (size_t i = 0; i < parent->count; i++) {
            if (pick_is_null(parent, i))
                continue;
            struct list_cell cell = cells[pick_row(parent, i)];
            ASSERT(cell.offset + cell.length < PICK_NULL);
            for (uint64_t k = 0; k < cell.length; k++)
                indexes[at++] = (uint32_t)(cell.offset + k);
        }
        children.items[p] = (struct pick){
            .vector = &parent->vector->children[0], .indexes = indexes, .count = elements};
        children.rows += elements;
    }
    return children;
}

// The same rows of field `field`, NULL where the struct is NULL.
static struct picks field_picks(const struct picks *parents, size_t field, bool has_nulls)
{
    struct picks children = {.items = heap_array(parents->len + 1, sizeof(struct pick)),
                             .len = parents->len,
                             .rows = parents->rows};
    for (size_t p = 0; p < parents->len; p++) {
        const struct pick *parent = &parents->items[p];
        struct pick *child = &children.items[p];
        *child = (struct pick){.vector = &parent->vector->children[field],
                               .first = parent->first,
                               .count = parent->count};
        if (parent->indexes == NULL && !has_nulls)
            continue;
        uint32_t *indexes = heap_array(parent->count + 1, sizeof(*indexes));
        for (size_t i = 0; i < parent->count; i++)
            indexes[i] = pick_is_null(parent, i) ? PICK_NULL : (uint32_t)pick_row(parent, i);
        child->indexes = indexes;
    }
    return children;
}

// Recursion follows the type's depth, which the pipeline file decides, not the input.
static void add_column(struct buf *out, size_t start, const struct type *type,
                       const struct picks *picks)
{
    ASSERT(type->kind != TYPE_OTHER && type->kind != TYPE_ENUM);
    bool has_nulls = add_head(out, start, type->kind, picks);
    if (type->kind == TYPE_STRUCT) {
        for (size_t i = 0; i < type->fields_len; i++) {
            struct picks field = field_picks(picks, i, has_nulls);
            add_column(out, start, type->fields[i].type, &field);
            picks_clear(&field);
        }
    } else if (type->kind == TYPE_LIST || type->kind == TYPE_MAP) {
        struct picks elements = list_picks(out, picks);
        add_column(out, start, type->child, &elements);
        picks_clear(&elements);
    } else if (type_is_string(type->kind)) {
        add_strings(out, picks);
    } else {
        add_cells(out, picks, type->cell_bytes, has_nulls);
    }
}

// Selections as 32-bit indexes, made once for all columns.
static struct picks rows_picks(const struct rows *rows)
{
    struct picks picks = {.items = heap_array(rows->parts_len + 1, sizeof(struct pick)),
                          .len = rows->parts_len};
    for (size_t p = 0; p < rows->parts_len; p++) {
        const struct rows_part *part = &rows->parts[p];
        picks.items[p].count = part->count;
        picks.rows += part->count;
        if (part->selection == NULL)
            continue;
        uint32_t *indexes = heap_array(part->count + 1, sizeof(*indexes));
        for (size_t i = 0; i < part->count; i++)
            indexes[i] = part->selection[i];
        picks.items[p].indexes = indexes;
    }
    return picks;
}

void segment_encode(struct buf *out, const struct rows *rows, const struct column *columns,
                    size_t columns_len)
{
    ASSERT(out->len % SEGMENT_ALIGNMENT == 0);
    size_t start = out->len;
    struct picks picks = rows_picks(rows);
    buf_add_u32(out, SEGMENT_MAGIC);
    buf_add_u32(out, SEGMENT_VERSION);
    buf_add_u64(out, picks.rows);
    buf_add_u32(out, (uint32_t)columns_len);
    for (size_t c = 0; c < columns_len; c++) {
        for (size_t p = 0; p < picks.len; p++)
            picks.items[p].vector = &rows->parts[p].chunk->columns[c];
        add_column(out, start, columns[c].type, &picks);
    }
    picks_clear(&picks);
}

struct segment *segment_new(const struct rows *rows, const struct column *columns,
                            size_t columns_len)
{
    struct buf bytes = {0};
    segment_encode(&bytes, rows, columns, columns_len);
    struct segment *segment = heap_new(sizeof(*segment));
    *segment = (struct segment){.rows = (int64_t)rows_count(rows),
                                .columns_len = columns_len,
                                .columns = columns,
                                .bytes = heap_resize(bytes.ptr, bytes.len),
                                .len = bytes.len,
                                .owned = true};
    return segment;
}

void segment_free(struct segment *segment)
{
    if (segment == NULL)
        return;
    if (segment->owned)
        heap_free(segment->bytes);
    heap_free(segment);
}

size_t segment_bytes(const struct segment *segment)
{
    return segment->len + sizeof(*segment);
}
