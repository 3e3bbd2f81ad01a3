// SPDX-License-Identifier: MIT
// Rows go out one behind the other, but columns come one behind the other. So the work is done
// twice over the columns of a chunk, each time in one loop for one type: the first adds up how long
// each row will be (and finds values that do not fit), the second writes each value at its row's
// cursor. Elements of a list are again a column of fields, only with cursors of their own.
#include "connectors/postgres/copy_encode.h"

#include "connectors/postgres/copy_value.h"

struct cells { // scratch for as many cells as a column has
    uint32_t *sizes;
    char **at;
    size_t capacity;
};

struct copy_encoder {
    struct cells rows, elements;
};

struct copy_encoder *copy_encoder_new(void)
{
    return heap_new(sizeof(struct copy_encoder));
}

void copy_encoder_free(struct copy_encoder *encoder)
{
    if (encoder == NULL)
        return;
    heap_free(encoder->rows.sizes);
    heap_free(encoder->rows.at);
    heap_free(encoder->elements.sizes);
    heap_free(encoder->elements.at);
    heap_free(encoder);
}

static void cells_reserve(struct cells *cells, size_t count)
{
    if (count <= cells->capacity)
        return;
    cells->capacity = count * 2;
    cells->sizes = heap_resize(cells->sizes, cells->capacity * sizeof(*cells->sizes));
    cells->at = heap_resize(cells->at, cells->capacity * sizeof(*cells->at));
}

// ---- First pass: sizes
// ---------------------------------------------------------------------------
static void add_fixed(const struct vector *vector, size_t count, uint32_t bytes, uint32_t *sizes)
{
    if (vector->validity == NULL) {
        for (size_t i = 0; i < count; i++)
            sizes[i] += 4 + bytes;
        return;
    }
    for (size_t i = 0; i < count; i++)
        sizes[i] += 4 + (vector_is_null(vector, i) ? 0 : bytes);
}

static const char *add_strings(const struct vector *vector, enum copy_form form, size_t count,
                               uint32_t *sizes, size_t *bad)
{
    const struct string_cell *cells = vector->data;
    uint32_t extra = form == COPY_JSONB ? 5 : 4;
    for (size_t i = 0; i < count; i++) {
        if (vector_is_null(vector, i)) {
            sizes[i] += 4;
            continue;
        }
        struct str text = string_cell_str(&cells[i]);
        if (form != COPY_BYTEA && memchr(text.ptr, 0, text.len) != NULL) {
            *bad = i;
            return "the text holds a zero byte, which PostgreSQL's text cannot";
        }
        sizes[i] += extra + (uint32_t)text.len;
    }
    return NULL;
}

static void add_numerics(const struct vector *vector, size_t count, uint32_t *sizes)
{
    for (size_t i = 0; i < count; i++) {
        if (vector_is_null(vector, i)) {
            sizes[i] += 4;
            continue;
        }
        struct numeric numeric;
        numeric_of(value_integer(vector, i), vector->type->scale, &numeric);
        sizes[i] += 4 + 8 + 2 * (uint32_t)numeric.digits_len;
    }
}

// Only where the server's integer is narrower than ours.
static const char *check_range(const struct vector *vector, enum copy_form form, size_t count,
                               size_t *bad)
{
    int bits = form == COPY_INT2 ? 16 : form == COPY_INT4 ? 32 : 64;
    if (value_fits(vector->type->kind, bits))
        return NULL;
    __int128 high = ((__int128)1 << (bits - 1)) - 1, low = -high - 1;
    for (size_t i = 0; i < count; i++) {
        if (vector_is_null(vector, i))
            continue;
        __int128 value = value_integer(vector, i);
        if (value < low || value > high) {
            *bad = i;
            return form == COPY_INT2   ? "the number is out of the range of smallint"
                   : form == COPY_INT4 ? "the number is out of the range of integer"
                                       : "the number is out of the range of bigint";
        }
    }
    return NULL;
}

static const char *add_sizes(enum copy_form form, const struct vector *vector, size_t count,
                             uint32_t *sizes, size_t *bad)
{
    switch (form) {
    case COPY_TEXT:
    case COPY_JSONB:
    case COPY_BYTEA:
        return add_strings(vector, form, count, sizes, bad);
    case COPY_NUMERIC:
        add_numerics(vector, count, sizes);
        return NULL;
    case COPY_INT2:
    case COPY_INT4:
    case COPY_INT8:
        add_fixed(vector, count, value_bytes(form), sizes);
        return check_range(vector, form, count, bad);
    case COPY_BOOL:
    case COPY_FLOAT4:
    case COPY_FLOAT8:
    case COPY_DATE:
    case COPY_TIME:
    case COPY_TIMESTAMP:
    case COPY_INTERVAL:
    case COPY_UUID:
        add_fixed(vector, count, value_bytes(form), sizes);
        return NULL;
    case COPY_NONE:
        break;
    }
    assert_failed("a form that add_sizes() knows", __FILE__, __LINE__);
}

#define ARRAY_HEAD                                                                                 \
    20 // dimensions, has_nulls, element type; then, unless empty: length, first index

// A segment gives the elements of its rows one behind the other, from 0 on.
static size_t elements_check(const struct vector *vector, size_t count)
{
    const struct list_cell *cells = vector->data;
    size_t elements = 0;
    for (size_t i = 0; i < count; i++) {
        if (vector_is_null(vector, i) || cells[i].length == 0)
            continue;
        ASSERT(cells[i].offset == elements);
        elements += cells[i].length;
    }
    return elements;
}

static const char *add_lists(struct copy_encoder *encoder, const struct copy_column *column,
                             const struct vector *vector, size_t count, uint32_t *sizes,
                             size_t *bad)
{
    const struct list_cell *cells = vector->data;
    size_t elements = elements_check(vector, count), bad_element = 0;
    cells_reserve(&encoder->elements, elements);
    uint32_t *own = encoder->elements.sizes;
    if (elements > 0)
        memset(own, 0, elements * sizeof(*own));
    const char *reason = add_sizes(column->form, &vector->children[0], elements, own, &bad_element);
    size_t element = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_null = vector_is_null(vector, i);
        size_t length = is_null ? 0 : cells[i].length;
        if (reason != NULL && bad_element < element + length) {
            *bad = i;
            return reason;
        }
        sizes[i] += is_null ? 4 : length == 0 ? 4 + 12 : 4 + ARRAY_HEAD;
        for (size_t k = 0; k < length; k++)
            sizes[i] += own[element++];
    }
    return NULL;
}

// ---- Second pass: values
// -------------------------------------------------------------------------
// A loop over the rows; `put` sees `out` (where the value goes, behind its length) and `i`.
#define WRITE_EACH(length, put)                                                                    \
    for (size_t i = 0; i < count; i++) {                                                           \
        char *out = at[i];                                                                         \
        if (vector_is_null(vector, i)) {                                                           \
            put_i32(out, -1);                                                                      \
            at[i] = out + 4;                                                                       \
            continue;                                                                              \
        }                                                                                          \
        put_i32(out, (length));                                                                    \
        out += 4;                                                                                  \
        put;                                                                                       \
        at[i] = out + (length);                                                                    \
    }

#define WRITE_INTEGERS(type)                                                                       \
    do {                                                                                           \
        const type *cells = vector->data;                                                          \
        if (form == COPY_INT2)                                                                     \
            WRITE_EACH(2, put_i16(out, (int16_t)cells[i]))                                         \
        else if (form == COPY_INT4)                                                                \
            WRITE_EACH(4, put_i32(out, (int32_t)cells[i]))                                         \
        else if (form == COPY_INT8)                                                                \
            WRITE_EACH(8, put_i64(out, (int64_t)cells[i]))                                         \
        else                                                                                       \
            WRITE_EACH(8, put_f64(out, (double)cells[i]))                                          \
    } while (0)

static void write_integers(enum copy_form form, const struct vector *vector, size_t count,
                           char **at)
{
    enum type_kind kind = vector->type->kind;
    if (kind == TYPE_TINYINT)
        WRITE_INTEGERS(int8_t);
    else if (kind == TYPE_SMALLINT)
        WRITE_INTEGERS(int16_t);
    else if (kind == TYPE_INTEGER)
        WRITE_INTEGERS(int32_t);
    else if (kind == TYPE_BIGINT)
        WRITE_INTEGERS(int64_t);
    else if (kind == TYPE_UTINYINT)
        WRITE_INTEGERS(uint8_t);
    else if (kind == TYPE_USMALLINT)
        WRITE_INTEGERS(uint16_t);
    else if (kind == TYPE_UINTEGER)
        WRITE_INTEGERS(uint32_t);
    else if (kind == TYPE_UBIGINT)
        WRITE_INTEGERS(uint64_t);
    else
        WRITE_INTEGERS(__int128);
}

static void write_floats(enum copy_form form, const struct vector *vector, size_t count, char **at)
{
    const float *floats = vector->data;
    const double *doubles = vector->data;
    if (form == COPY_FLOAT4)
        WRITE_EACH(4, put_f32(out, floats[i]))
    else if (vector->type->kind == TYPE_FLOAT)
        WRITE_EACH(8, put_f64(out, floats[i]))
    else if (vector->type->kind == TYPE_DOUBLE)
        WRITE_EACH(8, put_f64(out, doubles[i]))
    else
        write_integers(form, vector, count, at);
}

static void write_strings(enum copy_form form, const struct vector *vector, size_t count, char **at)
{
    const struct string_cell *cells = vector->data;
    if (form == COPY_JSONB) // its first byte is a version
        WRITE_EACH((int32_t)cells[i].len + 1, {
            out[0] = 1;
            memcpy(out + 1, string_cell_str(&cells[i]).ptr, cells[i].len);
        })
    else
        WRITE_EACH((int32_t)cells[i].len, memcpy(out, string_cell_str(&cells[i]).ptr, cells[i].len))
}

static void write_numerics(const struct vector *vector, size_t count, char **at)
{
    for (size_t i = 0; i < count; i++) {
        if (vector_is_null(vector, i)) {
            put_i32(at[i], -1);
            at[i] += 4;
            continue;
        }
        struct numeric numeric;
        numeric_of(value_integer(vector, i), vector->type->scale, &numeric);
        put_i32(at[i], 8 + 2 * numeric.digits_len);
        at[i] = numeric_put(&numeric, at[i] + 4);
    }
}

static void write_times(enum copy_form form, const struct vector *vector, size_t count, char **at)
{
    const int32_t *days = vector->data;
    const int64_t *times_us = vector->data;
    const struct interval_cell *intervals = vector->data;
    const unsigned __int128 *uuids = vector->data;
    if (form == COPY_DATE)
        WRITE_EACH(4, put_i32(out, server_date(days[i])))
    else if (form == COPY_TIME)
        WRITE_EACH(8, put_i64(out, times_us[i]))
    else if (form == COPY_TIMESTAMP)
        WRITE_EACH(8, put_i64(out, server_time(times_us[i])))
    else if (form == COPY_INTERVAL)
        WRITE_EACH(16, {
            put_i64(out, intervals[i].us);
            put_i32(out + 8, intervals[i].days);
            put_i32(out + 12, intervals[i].months);
        })
    else
        WRITE_EACH(16, {
            put_i64(out, (int64_t)((uint64_t)(uuids[i] >> 64) ^ UINT64_C(1) << 63));
            put_i64(out + 8, (int64_t)(uint64_t)uuids[i]);
        })
}

static void write_values(enum copy_form form, const struct vector *vector, size_t count, char **at)
{
    switch (form) {
    case COPY_BOOL: {
        const uint8_t *cells = vector->data;
        WRITE_EACH(1, *out = (char)(cells[i] != 0))
        return;
    }
    case COPY_INT2:
    case COPY_INT4:
    case COPY_INT8:
        write_integers(form, vector, count, at);
        return;
    case COPY_FLOAT4:
    case COPY_FLOAT8:
        write_floats(form, vector, count, at);
        return;
    case COPY_NUMERIC:
        write_numerics(vector, count, at);
        return;
    case COPY_TEXT:
    case COPY_JSONB:
    case COPY_BYTEA:
        write_strings(form, vector, count, at);
        return;
    case COPY_DATE:
    case COPY_TIME:
    case COPY_TIMESTAMP:
    case COPY_INTERVAL:
    case COPY_UUID:
        write_times(form, vector, count, at);
        return;
    case COPY_NONE:
        break;
    }
    assert_failed("a form that write_values() knows", __FILE__, __LINE__);
}

// The head of each array, and where its elements go. The first pass filled elements.sizes last for
// another column perhaps: they are added up anew.
static void write_lists(struct copy_encoder *encoder, const struct copy_column *column,
                        const struct vector *vector, size_t count, char **at)
{
    const struct list_cell *cells = vector->data;
    const struct vector *child = &vector->children[0];
    size_t elements = elements_check(vector, count), bad, element = 0;
    cells_reserve(&encoder->elements, elements);
    uint32_t *sizes = encoder->elements.sizes;
    if (elements > 0)
        memset(sizes, 0, elements * sizeof(*sizes));
    const char *reason = add_sizes(column->form, child, elements, sizes, &bad);
    ASSERT(reason == NULL);
    for (size_t i = 0; i < count; i++) {
        char *head = at[i], *out = at[i];
        if (vector_is_null(vector, i)) {
            put_i32(out, -1);
            at[i] += 4;
            continue;
        }
        size_t length = cells[i].length;
        bool has_null = false;
        out += length == 0 ? 4 + 12 : 4 + ARRAY_HEAD;
        for (size_t k = 0; k < length; k++, element++) {
            has_null = has_null || vector_is_null(child, element);
            encoder->elements.at[element] = out;
            out += sizes[element];
        }
        put_i32(head, (int32_t)(out - head - 4));
        put_i32(head + 4, length > 0);
        put_i32(head + 8, has_null);
        put_i32(head + 12, (int32_t)column->element_oid);
        if (length > 0) {
            put_i32(head + 16, (int32_t)length);
            put_i32(head + 20, 1);
        }
        at[i] = out;
    }
    write_values(column->form, child, elements, encoder->elements.at);
}

// ---- The whole
// -----------------------------------------------------------------------------------
void copy_begin(struct buf *out)
{
    buf_add(out, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
}

void copy_end(struct buf *out)
{
    buf_add(out, "\377\377", 2);
}

bool copy_encode(struct copy_encoder *encoder, const struct copy_column *columns,
                 size_t columns_len, const struct chunk *chunk, int64_t ordinal, struct buf *out,
                 struct copy_problem *problem)
{
    size_t rows = chunk->rows, bytes = 0;
    cells_reserve(&encoder->rows, rows);
    uint32_t *sizes = encoder->rows.sizes;
    char **at = encoder->rows.at;
    for (size_t i = 0; i < rows; i++)
        sizes[i] = ordinal >= 0 ? 2 + 12 : 2;
    for (size_t c = 0; c < columns_len; c++) {
        const struct vector *vector = &chunk->columns[c];
        const struct copy_column *column = &columns[c];
        *problem = (struct copy_problem){.column = c};
        problem->reason = column->is_list
                              ? add_lists(encoder, column, vector, rows, sizes, &problem->row)
                              : add_sizes(column->form, vector, rows, sizes, &problem->row);
        if (problem->reason != NULL)
            return false;
    }
    for (size_t i = 0; i < rows; i++)
        bytes += sizes[i];
    buf_reserve(out, bytes);
    char *cursor = out->ptr + out->len;
    int16_t fields = (int16_t)(columns_len + (ordinal >= 0));
    for (size_t i = 0; i < rows; i++) {
        put_i16(cursor, fields);
        at[i] = cursor + 2;
        cursor += sizes[i];
    }
    for (size_t c = 0; c < columns_len; c++) {
        if (columns[c].is_list)
            write_lists(encoder, &columns[c], &chunk->columns[c], rows, at);
        else
            write_values(columns[c].form, &chunk->columns[c], rows, at);
    }
    for (size_t i = 0; i < rows && ordinal >= 0; i++) {
        put_i32(at[i], 8);
        put_i64(at[i] + 4, ordinal + (int64_t)i);
    }
    out->len += bytes;
    return true;
}
