// SPDX-License-Identifier: MIT
// All parts of a record are written one behind the other into one buffer, as offsets first: the
// buffer may move while it grows. Text and bytes go out as they are, other types as their text (a
// key of 5 is "5"), nested ones as JSON.
#include "connectors/kafka/record.h"

#include "formats/format.h"
#include "formats/value_print.h"
#include <string.h>

static int column_of(const struct record_shape *shape, const char *name)
{
    for (size_t i = shape->columns_len; i > 0; i--)
        if (str_is(shape->columns[i - 1].name, name))
            return (int)i - 1;
    return -1;
}

static bool option_column(struct record_shape *shape, const char *option, const char *name,
                          bool is_given, int *column, struct error *err)
{
    *column = -1;
    if (!is_given)
        return true;
    *column = column_of(shape, name);
    if (*column < 0)
        return error_set(err, ERROR_USER,
                         "kafka: option %s is for sinks with a SELECT or FROM; this one only takes "
                         "late rows",
                         option);
    if ((size_t)*column < shape->value_len)
        shape->value_len = (size_t)*column;
    return true;
}

static bool is_headers_type(const struct type *type)
{
    if (type->kind == TYPE_STRUCT)
        return true;
    return type->kind == TYPE_MAP && type->child->fields_len == 2 &&
           type->child->fields[0].type->kind == TYPE_VARCHAR;
}

bool record_shape_init(struct record_shape *shape, bool has_key, bool has_headers,
                       bool has_partition, struct error *err)
{
    shape->value_len = shape->columns_len;
    if (!option_column(shape, "key", "_key", has_key, &shape->key, err) ||
        !option_column(shape, "headers", "_headers", has_headers, &shape->headers, err) ||
        !option_column(shape, "partition", "_partition", has_partition, &shape->partition, err))
        return false;
    if (shape->headers >= 0 && !is_headers_type(shape->columns[shape->headers].type))
        return error_set(err, ERROR_USER,
                         "kafka: headers is %s: write a struct, ({'source': device_id}), or a MAP "
                         "with text keys",
                         shape->columns[shape->headers].type->sql);
    if (shape->partition >= 0 && !type_is_integer(shape->columns[shape->partition].type->kind))
        return error_set(err, ERROR_USER,
                         "kafka: partition is %s: write an expression that gives an integer",
                         shape->columns[shape->partition].type->sql);
    bool is_text = shape->value_len == 1 && type_is_string(shape->columns[0].type->kind);
    if (shape->format == RECORD_RAW && !is_text)
        return error_set(
            err, ERROR_USER,
            "kafka: format = 'raw' needs exactly one column, VARCHAR or BLOB; the sink "
            "has %zu",
            shape->value_len);
    return true;
}

static int64_t integer_of(const struct vector *vector, size_t row)
{
    switch ((int)vector->type->kind) {
    case TYPE_TINYINT:
        return ((const int8_t *)vector->data)[row];
    case TYPE_SMALLINT:
        return ((const int16_t *)vector->data)[row];
    case TYPE_INTEGER:
        return ((const int32_t *)vector->data)[row];
    case TYPE_UTINYINT:
        return ((const uint8_t *)vector->data)[row];
    case TYPE_USMALLINT:
        return ((const uint16_t *)vector->data)[row];
    case TYPE_UINTEGER:
        return ((const uint32_t *)vector->data)[row];
    case TYPE_UBIGINT: {
        uint64_t value = ((const uint64_t *)vector->data)[row];
        return value > INT64_MAX ? INT64_MAX : (int64_t)value;
    }
    default:
        return ((const int64_t *)vector->data)[row];
    }
}

// A value as bytes of its own. Not NULL.
static void value_add(struct buf *out, const struct vector *vector, size_t row)
{
    enum type_kind kind = vector->type->kind;
    if (type_is_string(kind))
        buf_add_str(out, string_cell_str(&((const struct string_cell *)vector->data)[row]));
    else if (kind == TYPE_LIST || kind == TYPE_STRUCT || kind == TYPE_MAP)
        json_encode_value(out, vector, row);
    else
        value_print(out, vector, row, true);
}

// A part of the record as offset and length; ptr is set when the buffer moves no more.
static struct str part_end(const struct buf *text, size_t from)
{
    return (struct str){(const char *)(uintptr_t)(from + 1), text->len - from};
}

static void part_place(struct str *part, const struct buf *text)
{
    if (part->ptr != NULL)
        part->ptr = text->ptr + ((uintptr_t)part->ptr - 1);
}

static bool header_add(struct record *record, struct str name, const struct vector *values,
                       size_t row, struct error *err)
{
    if (record->headers_len == RECORD_HEADERS_MAX)
        return error_set(err, ERROR_DATA, "column _headers: more than %d headers",
                         RECORD_HEADERS_MAX);
    struct record_header *header = &record->headers[record->headers_len++];
    header->name = name;
    header->value = (struct str){0};
    if (vector_is_null(values, row))
        return true;
    size_t from = record->text.len;
    value_add(&record->text, values, row);
    header->value = part_end(&record->text, from);
    return true;
}

static bool headers_add(struct record *record, const struct vector *vector, size_t row,
                        struct error *err)
{
    if (vector_is_null(vector, row))
        return true;
    const struct type *type = vector->type;
    if (type->kind == TYPE_STRUCT) {
        for (size_t i = 0; i < vector->children_len; i++)
            if (!header_add(record, type->fields[i].name, &vector->children[i], row, err))
                return false;
        return true;
    }
    struct list_cell cell = ((const struct list_cell *)vector->data)[row];
    const struct vector *entries = &vector->children[0];
    const struct string_cell *names = entries->children[0].data;
    for (uint64_t i = cell.offset; i < cell.offset + cell.length; i++)
        if (!header_add(record, string_cell_str(&names[i]), &entries->children[1], i, err))
            return false;
    return true;
}

static void key_add(const struct record_shape *shape, const struct chunk *chunk, size_t row,
                    struct record *record)
{
    struct buf *text = &record->text;
    size_t from = text->len;
    record->key = (struct str){0};
    if (shape->key >= 0) {
        if (vector_is_null(&chunk->columns[shape->key], row))
            return;
        value_add(text, &chunk->columns[shape->key], row);
    } else if (shape->upsert_keys_len > 0) {
        for (size_t i = 0; i < shape->upsert_keys_len; i++) {
            size_t column = (size_t)shape->upsert_keys[i];
            buf_add_char(text, i == 0 ? '{' : ',');
            buf_add_json_string(text, shape->columns[column].name);
            buf_add_char(text, ':');
            json_encode_value(text, &chunk->columns[column], row);
        }
        buf_add_char(text, '}');
    } else {
        return;
    }
    record->key = part_end(text, from);
}

bool record_encode(const struct record_shape *shape, const struct chunk *chunk, size_t row,
                   struct record *record, struct error *err)
{
    struct buf *text = &record->text;
    buf_reset(text);
    record->headers_len = 0;
    record->partition = -1;
    if (shape->format == RECORD_JSON)
        json_encode_row(text, chunk, row, shape->columns, shape->value_len);
    else if (!vector_is_null(&chunk->columns[0], row))
        value_add(text, &chunk->columns[0], row);
    record->value = part_end(text, 0);
    key_add(shape, chunk, row, record);
    if (shape->headers >= 0 && !headers_add(record, &chunk->columns[shape->headers], row, err))
        return false;
    if (shape->partition >= 0 && !vector_is_null(&chunk->columns[shape->partition], row)) {
        int64_t partition = integer_of(&chunk->columns[shape->partition], row);
        if (partition < 0 || partition > INT32_MAX)
            return error_set(err, ERROR_DATA, "column _partition: there is no partition %lld",
                             (long long)partition);
        record->partition = (int32_t)partition;
    }
    buf_reserve(text, 1);
    part_place(&record->value, text);
    part_place(&record->key, text);
    for (size_t i = 0; i < record->headers_len; i++)
        part_place(&record->headers[i].value, text);
    return true;
}

struct str record_widest(const struct record_shape *shape, const struct chunk *chunk, size_t row,
                         size_t *bytes)
{
    AUTO(buf_clear) struct buf text = {0};
    struct str widest = {0};
    *bytes = 0;
    for (size_t i = 0; i < shape->columns_len; i++) {
        buf_reset(&text);
        json_encode_value(&text, &chunk->columns[i], row);
        if (text.len > *bytes) {
            *bytes = text.len;
            widest = shape->columns[i].name;
        }
    }
    return widest;
}

void record_clear(struct record *record)
{
    buf_clear(&record->text);
}
