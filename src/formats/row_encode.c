// SPDX-License-Identifier: MIT
// Rows as text, for sinks: JSON objects, CSV lines, and values as people read them. All three
// append to a buf that the sink keeps, so the steady state allocates nothing.
#include "formats/format.h"
#include "formats/utf8.h"
#include "formats/value_print.h"
#include <math.h>

static struct str string_at(const struct vector *vector, size_t row)
{
    return string_cell_str((const struct string_cell *)vector->data + row);
}

static bool is_opaque(enum type_kind kind)
{
    return kind == TYPE_OTHER || kind == TYPE_ENUM;
}

static bool is_nested(enum type_kind kind)
{
    return kind == TYPE_LIST || kind == TYPE_STRUCT || kind == TYPE_MAP;
}

// --- JSON ---------------------------------------------------------------------------------------

static void json_encode_blob(struct buf *out, struct str bytes)
{
    if (utf8_is_valid(bytes.ptr, bytes.len)) {
        buf_add_json_string(out, bytes);
        return;
    }
    struct buf text = {0}; // rare: a payload that is no text
    blob_print(&text, bytes);
    buf_add_json_string(out, buf_str(&text));
    buf_clear(&text);
}

static void json_encode_struct(struct buf *out, const struct vector *vector, size_t row)
{
    for (size_t i = 0; i < vector->children_len; i++) {
        buf_add_char(out, i == 0 ? '{' : ',');
        buf_add_json_string(out, vector->type->fields[i].name);
        buf_add_char(out, ':');
        json_encode_value(out, &vector->children[i], row);
    }
    buf_add_cstr(out, vector->children_len == 0 ? "{}" : "}");
}

static void json_encode_list(struct buf *out, const struct vector *vector, size_t row)
{
    struct list_cell cell = ((const struct list_cell *)vector->data)[row];
    buf_add_char(out, '[');
    for (size_t i = 0; i < cell.length; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        json_encode_value(out, &vector->children[0], cell.offset + i);
    }
    buf_add_char(out, ']');
}

static void json_encode_map(struct buf *out, const struct vector *vector, size_t row)
{
    struct list_cell cell = ((const struct list_cell *)vector->data)[row];
    const struct vector *keys = &vector->children[0].children[0];
    const struct vector *values = &vector->children[0].children[1];
    buf_add_char(out, '{');
    for (size_t i = cell.offset; i < cell.offset + cell.length; i++) {
        if (i > cell.offset)
            buf_add_char(out, ',');
        if (type_is_string(keys->type->kind)) {
            buf_add_json_string(out, string_at(keys, i));
        } else {
            struct buf key = {0};
            text_encode_value(&key, keys, i, "null");
            buf_add_json_string(out, buf_str(&key));
            buf_clear(&key);
        }
        buf_add_char(out, ':');
        json_encode_value(out, values, i);
    }
    buf_add_char(out, '}');
}

static bool is_finite(const struct vector *vector, size_t row)
{
    if (vector->type->kind == TYPE_DOUBLE)
        return isfinite(((const double *)vector->data)[row]);
    if (vector->type->kind == TYPE_FLOAT)
        return isfinite(((const float *)vector->data)[row]);
    return true;
}

void json_encode_value(struct buf *out, const struct vector *vector, size_t row)
{
    enum type_kind kind = vector->type->kind;
    if (vector_is_null(vector, row) || is_opaque(kind) || !is_finite(vector, row)) {
        buf_add_cstr(out, "null");
        return;
    }
    switch ((int)kind) {
    case TYPE_VARCHAR:
        buf_add_json_string(out, string_at(vector, row));
        break;
    case TYPE_BLOB:
        json_encode_blob(out, string_at(vector, row));
        break;
    case TYPE_STRUCT:
        json_encode_struct(out, vector, row);
        break;
    case TYPE_LIST:
        json_encode_list(out, vector, row);
        break;
    case TYPE_MAP:
        json_encode_map(out, vector, row);
        break;
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
    case TYPE_INTERVAL:
    case TYPE_UUID:
        buf_add_char(out, '"');
        value_print(out, vector, row, true);
        buf_add_char(out, '"');
        break;
    default:
        value_print(out, vector, row, true);
        break;
    }
}

void json_encode_row(struct buf *out, const struct chunk *chunk, size_t row,
                     const struct column *columns, size_t columns_len)
{
    buf_add_char(out, '{');
    for (size_t i = 0; i < columns_len; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        buf_add_json_string(out, columns[i].name);
        buf_add_char(out, ':');
        json_encode_value(out, &chunk->columns[i], row);
    }
    buf_add_char(out, '}');
}

// --- CSV ----------------------------------------------------------------------------------------

static void csv_add_quoted(struct buf *out, struct str text)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            buf_add_char(out, '"');
        buf_add_char(out, text.ptr[i]);
    }
    buf_add_char(out, '"');
}

// Quotes also an empty text (a bare empty field is NULL) and outer spaces, which some readers trim.
static bool needs_quotes(struct str text)
{
    if (text.len == 0 || text.ptr[0] == ' ' || text.ptr[text.len - 1] == ' ')
        return true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '"' || c == ',' || c == ';' || c == '\t' || c == '\n' || c == '\r')
            return true;
    }
    return false;
}

static void csv_add_text(struct buf *out, struct str text)
{
    if (needs_quotes(text))
        csv_add_quoted(out, text);
    else
        buf_add_str(out, text);
}

static void csv_encode_value(struct buf *out, const struct vector *vector, size_t row)
{
    enum type_kind kind = vector->type->kind;
    if (vector_is_null(vector, row) || is_opaque(kind))
        return;
    if (kind == TYPE_VARCHAR) {
        csv_add_text(out, string_at(vector, row));
        return;
    }
    if (kind != TYPE_BLOB && !is_nested(kind)) {
        value_print(out, vector, row, true);
        return;
    }
    struct buf text = {0};
    struct str bytes = kind == TYPE_BLOB ? string_at(vector, row) : (struct str){NULL, 0};
    if (is_nested(kind))
        json_encode_value(&text, vector, row);
    else if (utf8_is_valid(bytes.ptr, bytes.len))
        buf_add_str(&text, bytes);
    else
        blob_print(&text, bytes);
    csv_add_text(out, buf_str(&text));
    buf_clear(&text);
}

void csv_encode_row(struct buf *out, const struct chunk *chunk, size_t row,
                    const struct column *columns, size_t columns_len)
{
    (void)columns;
    for (size_t i = 0; i < columns_len; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        csv_encode_value(out, &chunk->columns[i], row);
    }
}

// --- as people read it --------------------------------------------------------------------------

static void text_encode_struct(struct buf *out, const struct vector *vector, size_t row,
                               const char *null_text)
{
    buf_add_char(out, '{');
    for (size_t i = 0; i < vector->children_len; i++) {
        buf_print(out, "%s'%.*s': ", i > 0 ? ", " : "", STR_ARGS(vector->type->fields[i].name));
        text_encode_value(out, &vector->children[i], row, null_text);
    }
    buf_add_char(out, '}');
}

static void text_encode_list(struct buf *out, const struct vector *vector, size_t row,
                             const char *null_text)
{
    struct list_cell cell = ((const struct list_cell *)vector->data)[row];
    bool is_map = vector->type->kind == TYPE_MAP;
    const struct vector *child = &vector->children[0];
    buf_add_char(out, is_map ? '{' : '[');
    for (size_t i = cell.offset; i < cell.offset + cell.length; i++) {
        if (i > cell.offset)
            buf_add_cstr(out, ", ");
        if (is_map) {
            text_encode_value(out, &child->children[0], i, null_text);
            buf_add_char(out, '=');
        }
        text_encode_value(out, is_map ? &child->children[1] : child, i, null_text);
    }
    buf_add_char(out, is_map ? '}' : ']');
}

void text_encode_value(struct buf *out, const struct vector *vector, size_t row,
                       const char *null_text)
{
    enum type_kind kind = vector->type->kind;
    if (vector_is_null(vector, row) || is_opaque(kind))
        buf_add_cstr(out, null_text);
    else if (kind == TYPE_VARCHAR)
        buf_add_str(out, string_at(vector, row));
    else if (kind == TYPE_BLOB)
        blob_print(out, string_at(vector, row));
    else if (kind == TYPE_STRUCT)
        text_encode_struct(out, vector, row, null_text);
    else if (is_nested(kind))
        text_encode_list(out, vector, row, null_text);
    else
        value_print(out, vector, row, false);
}
