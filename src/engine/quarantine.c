// SPDX-License-Identifier: MIT
// Collecting bad rows and turning them into a segment (contract: quarantine.h; files:
// quarantine_write.c). Bad rows are rare, so they are kept as plain records in an arena; the order
// that lanes left is replaced by that of the input, so that equal input gives equal files.
#include "engine/quarantine.h"
#include <stdlib.h>

static const struct type reasons_type = {
    .kind = TYPE_LIST,
    .sql = "VARCHAR[]",
    .cell_bytes = sizeof(struct list_cell),
    .child = &(struct type){.kind = TYPE_VARCHAR, .sql = "VARCHAR", .cell_bytes = 16},
};
static const struct type blob_type = {.kind = TYPE_BLOB, .sql = "BLOB", .cell_bytes = 16};
static const struct type text_type = {.kind = TYPE_VARCHAR, .sql = "VARCHAR", .cell_bytes = 16};
static const struct type bigint_type = {.kind = TYPE_BIGINT, .sql = "BIGINT", .cell_bytes = 8};
static const struct type time_type = {.kind = TYPE_TIMESTAMP, .sql = "TIMESTAMP", .cell_bytes = 8};

enum { RAW, SOURCE, TOPIC, PARTITION, OFFSET, AT, REASONS, EPOCH };

const struct column quarantine_columns[QUARANTINE_COLUMNS] = {
    [RAW] = {{"raw", 3}, &blob_type},
    [SOURCE] = {{"source", 6}, &text_type},
    [TOPIC] = {{"topic", 5}, &text_type},
    [PARTITION] = {{"partition", 9}, &text_type},
    [OFFSET] = {{"offset", 6}, &bigint_type},
    [AT] = {{"at", 2}, &time_type},
    [REASONS] = {{"reasons", 7}, &reasons_type},
    [EPOCH] = {{"epoch", 5}, &bigint_type},
};

struct bad_row {
    struct str raw, source, partition;
    int64_t offset, at_us;
    const struct str *reasons;
    size_t reasons_len;
    size_t arrival; // ties keep the order in which they came
};

struct quarantine {
    struct arena arena;
    struct bad_row *rows;
    size_t len, capacity;
    int64_t bytes;
};

struct quarantine *quarantine_new(void)
{
    return heap_new(sizeof(struct quarantine));
}

void quarantine_free(struct quarantine *quarantine)
{
    if (quarantine == NULL)
        return;
    arena_clear(&quarantine->arena);
    heap_free(quarantine->rows);
    heap_free(quarantine);
}

void quarantine_add(struct quarantine *quarantine, struct str raw, struct str source,
                    struct str partition, int64_t offset, int64_t at_us, const struct str *reasons,
                    size_t reasons_len)
{
    if (quarantine->len == quarantine->capacity) {
        quarantine->capacity = quarantine->capacity == 0 ? 64 : quarantine->capacity * 2;
        quarantine->rows =
            heap_resize(quarantine->rows, quarantine->capacity * sizeof(*quarantine->rows));
    }
    struct arena *arena = &quarantine->arena;
    struct str *kept = ARENA_ARRAY(arena, struct str, reasons_len);
    for (size_t i = 0; i < reasons_len; i++)
        kept[i] = arena_str(arena, reasons[i]);
    quarantine->rows[quarantine->len] = (struct bad_row){
        .raw = raw.ptr == NULL ? raw : arena_str(arena, raw),
        .source = arena_str(arena, source),
        .partition = arena_str(arena, partition),
        .offset = offset,
        .at_us = at_us,
        .reasons = kept,
        .reasons_len = reasons_len,
        .arrival = quarantine->len,
    };
    quarantine->len++;
    quarantine->bytes += (int64_t)(raw.len + source.len + partition.len + sizeof(struct bad_row));
}

int64_t quarantine_rows(const struct quarantine *quarantine)
{
    return (int64_t)quarantine->len;
}

int64_t quarantine_bytes(const struct quarantine *quarantine)
{
    return quarantine->bytes;
}

static void empty(struct quarantine *quarantine)
{
    quarantine->len = 0;
    quarantine->bytes = 0;
    arena_reset(&quarantine->arena);
}

void quarantine_move(struct quarantine *to, struct quarantine *from)
{
    for (size_t i = 0; i < from->len; i++) {
        const struct bad_row *row = &from->rows[i];
        quarantine_add(to, row->raw, row->source, row->partition, row->offset, row->at_us,
                       row->reasons, row->reasons_len);
    }
    empty(from);
}

static int row_compare(const void *a, const void *b)
{
    const struct bad_row *left = a, *right = b;
    int order = str_compare(left->source, right->source);
    if (order == 0)
        order = str_compare(left->partition, right->partition);
    if (order == 0)
        order = (left->offset > right->offset) - (left->offset < right->offset);
    if (order == 0)
        order = (left->arrival > right->arrival) - (left->arrival < right->arrival);
    return order;
}

static void put_text(struct vector *vector, size_t row, struct str text)
{
    if (text.ptr == NULL)
        vector_set_null(vector, row);
    else
        ((struct string_cell *)vector->data)[row] = string_cell_of(text.ptr, text.len);
}

static void put_row(struct chunk *chunk, size_t at, const struct bad_row *row, uint64_t epoch)
{
    struct vector *columns = chunk->columns;
    put_text(&columns[RAW], at, row->raw);
    put_text(&columns[SOURCE], at, row->source);
    vector_set_null(&columns[TOPIC], at); // for connectors whose partitions belong to topics
    put_text(&columns[PARTITION], at, row->partition);
    if (row->offset >= 0)
        ((int64_t *)columns[OFFSET].data)[at] = row->offset;
    else
        vector_set_null(&columns[OFFSET], at);
    ((int64_t *)columns[AT].data)[at] = row->at_us;
    ((int64_t *)columns[EPOCH].data)[at] = (int64_t)epoch;

    struct vector *list = &columns[REASONS];
    size_t begin = vector_list_size(list);
    vector_list_reserve(list, begin + row->reasons_len);
    vector_list_set_size(list, begin + row->reasons_len);
    ((struct list_cell *)list->data)[at] =
        (struct list_cell){.offset = begin, .length = row->reasons_len};
    for (size_t i = 0; i < row->reasons_len; i++)
        put_text(&list->children[0], begin + i, row->reasons[i]);
}

static struct chunk *make_chunk(const struct bad_row *rows, size_t count, uint64_t epoch)
{
    const struct type *types[QUARANTINE_COLUMNS];
    for (size_t i = 0; i < QUARANTINE_COLUMNS; i++)
        types[i] = quarantine_columns[i].type;
    struct chunk *chunk = chunk_new(types, QUARANTINE_COLUMNS);
    for (size_t i = 0; i < count; i++)
        put_row(chunk, i, &rows[i], epoch);
    chunk->rows = count;
    return chunk;
}

struct segment *quarantine_take_segment(struct quarantine *quarantine, uint64_t epoch)
{
    if (quarantine->len == 0)
        return NULL;
    qsort(quarantine->rows, quarantine->len, sizeof(*quarantine->rows), row_compare);
    size_t parts_len = (quarantine->len + ROWS_PER_VECTOR - 1) / ROWS_PER_VECTOR;
    struct rows rows = {.parts = heap_array(parts_len, sizeof(struct rows_part)),
                        .parts_len = parts_len};
    for (size_t p = 0; p < parts_len; p++) {
        size_t first = p * ROWS_PER_VECTOR, left = quarantine->len - first;
        size_t count = left < ROWS_PER_VECTOR ? left : ROWS_PER_VECTOR;
        rows.parts[p] =
            (struct rows_part){.chunk = make_chunk(&quarantine->rows[first], count, epoch),
                               .count = count,
                               .first_sequence = -1};
    }
    struct segment *segment = segment_new(&rows, quarantine_columns, QUARANTINE_COLUMNS);
    for (size_t p = 0; p < parts_len; p++)
        chunk_free(rows.parts[p].chunk);
    heap_free(rows.parts);
    empty(quarantine);
    return segment;
}

struct segment *quarantine_open_segment(struct str bytes, struct error *err)
{
    struct segment *segment =
        segment_open(bytes, true, quarantine_columns, QUARANTINE_COLUMNS, err);
    if (segment == NULL)
        error_wrap(err, "quarantine");
    return segment;
}
