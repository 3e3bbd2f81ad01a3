// SPDX-License-Identifier: MIT
// Reading segments (layout: segment.h). Opening walks the whole segment once and checks every
// length and offset against what is really there; after that, reading may trust what it finds. A
// range of rows is found in a time that depends on the number of columns only. Strings are not
// copied: cells point into the segment.
#include "duck/segment_layout.h"
#include <string.h>

// One column's parts, found in the bytes.
struct place {
    const unsigned char *bitmap; // NULL: no NULLs
    const char *payload;         // cells, or end offsets
    const char *bytes;           // strings: what the offsets point into
    size_t rows;
};

static bool place_is_null(const struct place *place, size_t row)
{
    return place->bitmap != NULL && (place->bitmap[row / 8] >> (row % 8) & 1) == 0;
}

static void skip_padding(struct reader *reader)
{
    size_t used = reader->at % SEGMENT_ALIGNMENT;
    if (used != 0)
        reader_raw(reader, SEGMENT_ALIGNMENT - used);
}

static const char *take_array(struct reader *reader, size_t count, size_t bytes)
{
    if (bytes != 0 && count > reader->len / bytes) {
        reader->bad = true;
        return "";
    }
    return reader_raw(reader, count * bytes).ptr;
}

static uint32_t end_u32(const char *ends, size_t row)
{
    return ((const uint32_t *)(const void *)ends)[row];
}

static uint64_t end_u64(const char *ends, size_t row)
{
    return ((const uint64_t *)(const void *)ends)[row];
}

// Reads the column's head and payload, leaving the reader at its children (or the next column).
static struct place take_place(struct reader *reader, const struct type *type, size_t rows)
{
    struct place place = {.rows = rows};
    uint8_t kind = reader_u8(reader), has_nulls = reader_u8(reader);
    if (kind != (uint8_t)type->kind || has_nulls > 1)
        reader->bad = true;
    if (has_nulls)
        place.bitmap = (const unsigned char *)reader_raw(reader, rows / 8 + (rows % 8 != 0)).ptr;
    skip_padding(reader);
    if (type->kind == TYPE_STRUCT || reader->bad)
        return place;
    if (type_is_string(type->kind)) {
        place.payload = take_array(reader, rows, sizeof(uint32_t));
        size_t bytes = rows == 0 || reader->bad ? 0 : end_u32(place.payload, rows - 1);
        place.bytes = reader_raw(reader, bytes).ptr;
    } else if (type->kind == TYPE_LIST || type->kind == TYPE_MAP) {
        place.payload = take_array(reader, rows, sizeof(uint64_t));
    } else {
        place.payload = take_array(reader, rows, type->cell_bytes);
    }
    return place;
}

static size_t elements_of(const struct place *place)
{
    return place->rows == 0 ? 0 : end_u64(place->payload, place->rows - 1);
}

static bool ends_grow(const struct place *place, const struct type *type)
{
    bool is_list = type->kind == TYPE_LIST || type->kind == TYPE_MAP;
    uint64_t before = 0;
    if (!is_list && !type_is_string(type->kind))
        return true;
    for (size_t row = 0; row < place->rows; row++) {
        uint64_t end = is_list ? end_u64(place->payload, row) : end_u32(place->payload, row);
        if (end < before)
            return false;
        before = end;
    }
    return true;
}

static bool booleans_are_0_or_1(const struct place *place, const struct type *type)
{
    if (type->kind != TYPE_BOOLEAN)
        return true;
    unsigned char all = 0;
    for (size_t row = 0; row < place->rows; row++)
        all |= (unsigned char)place->payload[row];
    return all <= 1;
}

// Depth is the declared type's, which the caller knows; the bytes have no say in it.
static bool check_column(struct reader *reader, const struct type *type, size_t rows)
{
    if (type->kind == TYPE_OTHER || type->kind == TYPE_ENUM)
        return false;
    struct place place = take_place(reader, type, rows);
    if (reader->bad || !ends_grow(&place, type) || !booleans_are_0_or_1(&place, type))
        return false;
    if (type->kind == TYPE_LIST || type->kind == TYPE_MAP)
        return check_column(reader, type->child, elements_of(&place));
    for (size_t i = 0; type->kind == TYPE_STRUCT && i < type->fields_len; i++)
        if (!check_column(reader, type->fields[i].type, rows))
            return false;
    return true;
}

static bool check_head(struct reader *reader, const struct column *columns, size_t columns_len,
                       uint64_t *rows, struct error *err)
{
    uint32_t magic = reader_u32(reader), version = reader_u32(reader);
    *rows = reader_u64(reader);
    uint32_t columns_found = reader_u32(reader);
    if (reader->bad || magic != SEGMENT_MAGIC)
        return error_set(err, ERROR_FATAL, "segment: these %zu bytes are not a segment",
                         reader->len);
    if (version != SEGMENT_VERSION)
        return error_set(err, ERROR_FATAL,
                         "segment: format version %u, this program reads version %d", version,
                         SEGMENT_VERSION);
    if (columns_found != columns_len)
        return error_set(err, ERROR_FATAL, "segment: has %u columns, wanted %zu", columns_found,
                         columns_len);
    // Without columns nothing backs the row count, so it is taken as it is.
    if (*rows > (columns_len > 0 ? UINT32_MAX : INT64_MAX))
        return error_set(err, ERROR_FATAL, "segment: impossible row count %llu",
                         (unsigned long long)*rows);
    for (size_t c = 0; c < columns_len; c++)
        if (!check_column(reader, columns[c].type, *rows))
            return error_set(err, ERROR_FATAL,
                             "segment: column %zu (%.*s) is damaged or not of type %s", c + 1,
                             STR_ARGS(columns[c].name), columns[c].type->sql);
    if (!reader_is_done(reader))
        return error_set(err, ERROR_FATAL, "segment: %zu bytes too many at its end",
                         reader->len - reader->at);
    return true;
}

struct segment *segment_open(struct str bytes, bool copies, const struct column *columns,
                             size_t columns_len, struct error *err)
{
    char *kept = (char *)bytes.ptr;
    if (copies) {
        // Before checking: the offsets are looked at as numbers and must lie aligned.
        kept = heap_aligned(SEGMENT_ALIGNMENT, bytes.len + 1);
        if (bytes.len > 0)
            memcpy(kept, bytes.ptr, bytes.len);
    }
    ASSERT((uintptr_t)kept % SEGMENT_ALIGNMENT == 0);
    struct reader reader = {.ptr = kept, .len = bytes.len};
    uint64_t rows;
    if (!check_head(&reader, columns, columns_len, &rows, err)) {
        if (copies)
            heap_free(kept);
        return NULL;
    }
    struct segment *segment = heap_new(sizeof(*segment));
    *segment = (struct segment){.rows = (int64_t)rows,
                                .columns_len = columns_len,
                                .columns = columns,
                                .bytes = kept,
                                .len = bytes.len,
                                .owned = copies};
    return segment;
}

static void fill_nulls(const struct place *place, size_t from, size_t count, struct vector *vector)
{
    if (place->bitmap == NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        if (!place_is_null(place, from + i))
            continue;
        if (vector->validity == NULL || vector->type->kind == TYPE_STRUCT)
            vector_set_null(vector, i);
        else
            vector->validity[i >> 6] &= ~(UINT64_C(1) << (i & 63));
    }
}

static void fill_strings(const struct place *place, size_t from, size_t count,
                         struct string_cell *cells)
{
    size_t begin = from == 0 ? 0 : end_u32(place->payload, from - 1);
    for (size_t i = 0; i < count; i++) {
        size_t end = end_u32(place->payload, from + i);
        cells[i] = string_cell_of(place->bytes + begin, end - begin);
        begin = end;
    }
}

// Fills `vector` with rows from.. of the column where the reader stands, and moves the reader
// behind the column. vector = NULL: only moves.
static void fill_column(struct reader *reader, const struct type *type, size_t rows, size_t from,
                        size_t count, struct vector *vector)
{
    struct place place = take_place(reader, type, rows);
    if (vector != NULL)
        fill_nulls(&place, from, count, vector);
    if (type->kind == TYPE_STRUCT) {
        for (size_t i = 0; i < type->fields_len; i++)
            fill_column(reader, type->fields[i].type, rows, from, count,
                        vector == NULL ? NULL : &vector->children[i]);
        return;
    }
    if (type->kind == TYPE_LIST || type->kind == TYPE_MAP) {
        size_t first = from == 0 || vector == NULL ? 0 : end_u64(place.payload, from - 1);
        size_t last = first, begin = first;
        struct list_cell *cells = vector == NULL ? NULL : vector->data;
        for (size_t i = 0; cells != NULL && i < count; i++, begin = last) {
            last = end_u64(place.payload, from + i);
            cells[i] = (struct list_cell){.offset = begin - first, .length = last - begin};
        }
        if (vector != NULL) {
            vector_list_reserve(vector, last - first);
            vector_list_set_size(vector, last - first);
        }
        fill_column(reader, type->child, elements_of(&place), first, last - first,
                    vector == NULL ? NULL : &vector->children[0]);
        return;
    }
    if (vector == NULL || count == 0)
        return;
    if (type_is_string(type->kind))
        fill_strings(&place, from, count, vector->data);
    else
        memcpy(vector->data, place.payload + from * type->cell_bytes, count * type->cell_bytes);
}

void segment_read(const struct segment *segment, int64_t from, size_t count, struct chunk *chunk)
{
    ASSERT(from >= 0 && count <= ROWS_PER_VECTOR && from + (int64_t)count <= segment->rows);
    ASSERT(chunk->columns_len >= segment->columns_len);
    chunk_reset(chunk);
    struct reader reader = {.ptr = segment->bytes, .len = segment->len, .at = SEGMENT_HEAD_BYTES};
    for (size_t c = 0; c < segment->columns_len; c++)
        fill_column(&reader, segment->columns[c].type, (size_t)segment->rows, (size_t)from, count,
                    &chunk->columns[c]);
    ASSERT(!reader.bad);
    chunk->rows = count;
}
