// SPDX-License-Identifier: MIT
// First every row gets the number of its part (the folder's text, looked up in a hash table; rows
// with the text of the row before skip the look-up). Then open_max parts at a time are gathered
// into segments of their own: large runs of a chunk are encoded with a selection, small ones are
// copied into a chunk of the part first, so that there are no tiny segments. Everything is linear
// in rows, whether they come clustered (closed windows) or well mixed.
#include "connectors/files/split.h"
#include "connectors/files/naming.h"

#include "base/hash.h"
#include <string.h>

#define RUN_ROWS 512 // rows of a part in one chunk that are worth a segment

struct part {
    struct str folder;
    int64_t rows;
    struct chunk *staged; // rows waiting for a segment
    struct segment **segments;
    size_t segments_len, segments_capacity;
};

struct split {
    const struct delivery *delivery;
    const struct split_options *options;
    const struct type **types;
    struct arena arena;
    struct chunk *chunk;
    struct part *parts;
    size_t parts_len, parts_capacity;
    uint32_t *slots; // hash table of part number + 1
    size_t slots_len;
    uint32_t *part_of;                       // per row
    uint16_t (*selections)[ROWS_PER_VECTOR]; // one for each open part
    size_t *counts;
};

struct chunk *segment_cursor_next(struct segment_cursor *cursor)
{
    while (cursor->left > 0 && cursor->item < cursor->segments_len) {
        const struct segment *segment = cursor->segments[cursor->item];
        int64_t rows = segment->rows - cursor->row;
        rows = rows < cursor->left ? rows : cursor->left;
        rows = rows < ROWS_PER_VECTOR ? rows : ROWS_PER_VECTOR;
        if (rows <= 0) {
            cursor->item++;
            cursor->row = 0;
            continue;
        }
        segment_read(segment, cursor->row, (size_t)rows, cursor->chunk);
        cursor->row += rows;
        cursor->left -= rows;
        return cursor->chunk;
    }
    return NULL;
}

static void part_clear(struct part *part)
{
    for (size_t i = 0; i < part->segments_len; i++)
        segment_free(part->segments[i]);
    heap_free(part->segments);
    part->segments = NULL;
    part->segments_len = part->segments_capacity = 0;
    if (part->staged != NULL)
        chunk_free(part->staged);
    part->staged = NULL;
}

static void split_clear(struct split *split)
{
    for (size_t i = 0; i < split->parts_len; i++)
        part_clear(&split->parts[i]);
    heap_free(split->parts);
    heap_free(split->slots);
    heap_free(split->part_of);
    heap_free(split->selections);
    heap_free(split->counts);
    if (split->chunk != NULL)
        chunk_free(split->chunk);
    arena_clear(&split->arena);
}

static void slots_grow(struct split *split)
{
    size_t len = split->slots_len == 0 ? 1024 : split->slots_len * 2;
    heap_free(split->slots);
    split->slots = heap_array(len, sizeof(*split->slots));
    split->slots_len = len;
    for (size_t i = 0; i < split->parts_len; i++) {
        struct str folder = split->parts[i].folder;
        size_t at = hash64_bytes(folder.ptr, folder.len) & (len - 1);
        while (split->slots[at] != 0)
            at = (at + 1) & (len - 1);
        split->slots[at] = (uint32_t)i + 1;
    }
}

static uint32_t part_number(struct split *split, struct str folder)
{
    if (split->parts_len * 2 >= split->slots_len)
        slots_grow(split);
    size_t at = hash64_bytes(folder.ptr, folder.len) & (split->slots_len - 1);
    while (split->slots[at] != 0) {
        uint32_t number = split->slots[at] - 1;
        if (str_equal(split->parts[number].folder, folder))
            return number;
        at = (at + 1) & (split->slots_len - 1);
    }
    if (split->parts_len == split->parts_capacity) {
        split->parts_capacity = split->parts_capacity == 0 ? 64 : split->parts_capacity * 2;
        split->parts = heap_resize(split->parts, split->parts_capacity * sizeof(*split->parts));
    }
    split->slots[at] = (uint32_t)split->parts_len + 1;
    split->parts[split->parts_len] = (struct part){.folder = arena_str(&split->arena, folder)};
    return (uint32_t)split->parts_len++;
}

static bool is_time(enum type_kind kind)
{
    return kind == TYPE_TIMESTAMP || kind == TYPE_TIMESTAMPTZ;
}

// Spark casts a time to text without the zeros at the end of its fraction.
static void fraction_trim(struct buf *value)
{
    if (str_find(buf_str(value), '.') < 0)
        return;
    while (value->ptr[value->len - 1] == '0')
        value->len--;
}

static void folder_print(const struct split *split, const struct chunk *chunk, size_t row,
                         struct buf *value, struct buf *out)
{
    const struct split_options *options = split->options;
    buf_reset(out);
    for (size_t i = 0; i < options->partition_columns_len; i++) {
        int column = options->partition_columns[i];
        buf_reset(value);
        text_encode_value(value, &chunk->columns[column], row, "");
        if (is_time(options->columns[column].type->kind))
            fraction_trim(value);
        if (i > 0)
            buf_add_char(out, '/');
        partition_print(out, options->columns[column].name, buf_str(value));
    }
}

static bool folder_check(struct split *split, struct str folder, struct error *err)
{
    struct str column = split->options->columns[split->options->partition_columns[0]].name;
    if ((int64_t)split->parts_len > split->options->parts_max)
        return error_set(err, ERROR_DATA,
                         "files: partition_by makes more than %lld folders (first column %.*s): "
                         "choose columns with fewer values or raise partitions_max",
                         (long long)split->options->parts_max, STR_ARGS(column));
    size_t name = 0;
    for (size_t i = 0; i < folder.len; i++) {
        name = folder.ptr[i] == '/' ? 0 : name + 1;
        if (name > 255)
            return error_set(err, ERROR_DATA,
                             "files: a partition value is too long for a folder name: %.300s..",
                             folder.ptr);
    }
    return true;
}

// Gives each row of the delivery its part.
static bool rows_number(struct split *split, struct error *err)
{
    AUTO(buf_clear) struct buf value = {0};
    AUTO(buf_clear) struct buf text = {0};
    AUTO(buf_clear) struct buf last = {0};
    uint32_t number = 0;
    int64_t at = 0;
    struct segment_cursor cursor = {.segments = split->delivery->segments,
                                    .segments_len = split->delivery->segments_len,
                                    .left = split->delivery->rows,
                                    .chunk = split->chunk};
    struct chunk *chunk;
    while ((chunk = segment_cursor_next(&cursor)) != NULL) {
        for (size_t row = 0; row < chunk->rows; row++) {
            folder_print(split, chunk, row, &value, &text);
            if (at == 0 || !str_equal(buf_str(&text), buf_str(&last))) {
                size_t parts = split->parts_len;
                number = part_number(split, buf_str(&text));
                if (split->parts_len > parts && !folder_check(split, buf_str(&text), err))
                    return false;
                buf_reset(&last);
                buf_add_str(&last, buf_str(&text));
            }
            split->part_of[at++] = number;
            split->parts[number].rows++;
        }
    }
    if (at != split->delivery->rows)
        return error_set(err, ERROR_FATAL, "files: delivery of %lld rows holds %lld",
                         (long long)split->delivery->rows, (long long)at);
    return true;
}

static void segment_append(struct split *split, struct part *part, struct chunk *chunk,
                           uint16_t *selection, size_t count)
{
    if (part->segments_len == part->segments_capacity) {
        part->segments_capacity = part->segments_capacity == 0 ? 8 : part->segments_capacity * 2;
        part->segments =
            heap_resize(part->segments, part->segments_capacity * sizeof(*part->segments));
    }
    struct rows_part rows_part = {
        .chunk = chunk, .selection = selection, .count = count, .first_sequence = -1};
    struct rows rows = {.parts = &rows_part, .parts_len = 1, .parts_capacity = 1};
    part->segments[part->segments_len++] =
        segment_new(&rows, split->options->columns, split->options->columns_len);
}

static void staged_flush(struct split *split, struct part *part)
{
    if (part->staged == NULL || part->staged->rows == 0)
        return;
    segment_append(split, part, part->staged, NULL, part->staged->rows);
    chunk_reset(part->staged);
}

static void rows_stage(struct split *split, struct part *part, const struct chunk *chunk,
                       const uint16_t *selection, size_t count)
{
    if (part->staged == NULL)
        part->staged = chunk_new(split->types, split->options->columns_len);
    for (size_t i = 0; i < count; i++) {
        if (part->staged->rows == ROWS_PER_VECTOR)
            staged_flush(split, part);
        for (size_t column = 0; column < chunk->columns_len; column++)
            vector_copy_value(&part->staged->columns[column], part->staged->rows,
                              &chunk->columns[column], selection[i]);
        part->staged->rows++;
    }
}

// Moves the rows of `chunk` that belong to parts from..to into these parts.
static void chunk_deal(struct split *split, struct chunk *chunk, const uint32_t *part_of,
                       size_t from, size_t to)
{
    memset(split->counts, 0, (to - from) * sizeof(*split->counts));
    bool is_any = false;
    for (size_t row = 0; row < chunk->rows; row++) {
        size_t open = (size_t)part_of[row] - from;
        if (part_of[row] < from || part_of[row] >= to)
            continue;
        split->selections[open][split->counts[open]++] = (uint16_t)row;
        is_any = true;
    }
    for (size_t open = 0; is_any && open < to - from; open++) {
        struct part *part = &split->parts[from + open];
        size_t count = split->counts[open];
        if (count == 0)
            continue;
        if (count < RUN_ROWS) {
            rows_stage(split, part, chunk, split->selections[open], count);
            continue;
        }
        staged_flush(split, part);
        segment_append(split, part, chunk, split->selections[open], count);
    }
}

// Gathers parts from..to and hands them over.
static bool parts_write(struct split *split, size_t from, size_t to, split_write put, void *context,
                        struct error *err)
{
    struct segment_cursor cursor = {.segments = split->delivery->segments,
                                    .segments_len = split->delivery->segments_len,
                                    .left = split->delivery->rows,
                                    .chunk = split->chunk};
    struct chunk *chunk;
    const uint32_t *part_of = split->part_of;
    while ((chunk = segment_cursor_next(&cursor)) != NULL) {
        chunk_deal(split, chunk, part_of, from, to);
        part_of += chunk->rows;
    }
    for (size_t i = from; i < to; i++) {
        struct part *part = &split->parts[i];
        staged_flush(split, part);
        struct split_part view = {.folder = part->folder,
                                  .rows = part->rows,
                                  .segments = (const struct segment *const *)part->segments,
                                  .segments_len = part->segments_len};
        if (!put(context, &view, err))
            return false;
        part_clear(part);
    }
    return true;
}

static bool split_run(struct split *split, split_write put, void *context, struct error *err)
{
    const struct split_options *options = split->options;
    split->types = ARENA_ARRAY(&split->arena, const struct type *, options->columns_len);
    for (size_t i = 0; i < options->columns_len; i++)
        split->types[i] = options->columns[i].type;
    split->chunk = chunk_new(split->types, options->columns_len);
    split->part_of = heap_array((size_t)split->delivery->rows, sizeof(*split->part_of));
    if (!rows_number(split, err))
        return false;
    size_t open = options->open_max < split->parts_len ? options->open_max : split->parts_len;
    split->selections = heap_array(open, sizeof(*split->selections));
    split->counts = heap_array(open, sizeof(*split->counts));
    for (size_t from = 0; from < split->parts_len; from += open) {
        size_t to = from + open < split->parts_len ? from + open : split->parts_len;
        if (!parts_write(split, from, to, put, context, err))
            return false;
    }
    return true;
}

bool split_rows(const struct delivery *delivery, const struct split_options *options,
                split_write put, void *context, struct error *err)
{
    if (delivery->rows == 0)
        return true;
    if (options->partition_columns_len == 0) {
        struct split_part whole = {.folder = {"", 0},
                                   .rows = delivery->rows,
                                   .segments = delivery->segments,
                                   .segments_len = delivery->segments_len};
        return put(context, &whole, err);
    }
    ASSERT(options->open_max > 0);
    struct split split = {.delivery = delivery, .options = options};
    bool is_done = split_run(&split, put, context, err);
    split_clear(&split);
    return is_done;
}
