// SPDX-License-Identifier: MIT
// A record is one CSV line without its line break, RFC 4180: fields in double quotes may hold the
// delimiter, doubled quotes and line breaks. An empty field is NULL, a quoted empty one is ''.
// Options are lines `name=value`: `delimiter=;` (one byte, or \t) and `header=a;b;c`, the header
// line of the file. With a header columns are found by name (the path joined by dots,
// case-sensitive), without by position. Fewer fields are NULL, more fields than known make the
// record bad.
#include "formats/cell_value.h"
#include "formats/utf8.h"

#define FIELD_NONE SIZE_MAX

struct csv_column {
    struct format_column column;
    size_t place; // field number; FIELD_NONE: the header does not name it
    struct str reasons[FAULT_COUNT];
};

struct decoder {
    struct csv_column *columns;
    size_t columns_len;
    size_t *by_place; // index into columns by field number, FIELD_NONE: not wanted
    size_t places_len;
    char delimiter;
    bool coerce_spark;
    struct day_cache days;
    struct arena arena;
    struct arena *unescaped;
    struct decode_problem problems[ROWS_PER_VECTOR];
};

struct field {
    struct str text;
    bool quoted;
};

// Reads the field at *at and moves *at behind its delimiter; *more tells whether another follows.
static bool field_read(struct decoder *decoder, struct str line, size_t *at, struct field *field,
                       bool *more)
{
    const char *p = line.ptr + *at, *end = line.ptr + line.len;
    if (p < end && *p == '"') {
        const char *content = ++p;
        bool doubled = false;
        for (; p < end && (*p != '"' || (p + 1 < end && p[1] == '"')); p++) {
            p += *p == '"';
            doubled = doubled || *p == '"';
        }
        if (p >= end || (p + 1 < end && p[1] != decoder->delimiter))
            return false;
        *field = (struct field){{content, (size_t)(p - content)}, true};
        if (doubled) {
            char *target = arena_bytes(decoder->unescaped, field->text.len + MOMENT_PADDING);
            size_t len = 0;
            for (const char *q = content; q < p; q++) {
                target[len++] = *q;
                q += *q == '"';
            }
            memset(target + len, 0, MOMENT_PADDING);
            field->text = (struct str){target, len};
        }
        p++;
    } else {
        const char *content = p;
        const char *found = p < end ? memchr(p, decoder->delimiter, (size_t)(end - p)) : NULL;
        p = found != NULL ? found : end;
        *field = (struct field){{content, (size_t)(p - content)}, false};
        if (content < p && memchr(content, '"', field->text.len) != NULL)
            return false;
    }
    *more = p < end;
    *at = (size_t)(p - line.ptr) + 1;
    return true;
}

static bool is_word(struct str text, const char *word)
{
    return str_equal_nocase(text, str_of(word));
}

static enum fault boolean_from(struct str text, void *cell)
{
    bool yes = is_word(text, "true") || is_word(text, "t") || is_word(text, "1");
    if (!yes && !is_word(text, "false") && !is_word(text, "f") && !is_word(text, "0"))
        return FAULT_BOOLEAN;
    *(uint8_t *)cell = yes;
    return FAULT_NONE;
}

// NaN and the infinities, which csv_encode_row writes.
static bool float_word(const struct type *type, struct str text, void *cell)
{
    double value;
    if (str_is(text, "NaN"))
        value = __builtin_nan("");
    else if (str_is(text, "Infinity"))
        value = __builtin_inf();
    else if (str_is(text, "-Infinity"))
        value = -__builtin_inf();
    else
        return false;
    if (type->kind == TYPE_DOUBLE)
        *(double *)cell = value;
    else
        *(float *)cell = (float)value;
    return true;
}

static enum fault number_from(struct decoder *decoder, const struct csv_column *column,
                              struct str text, void *cell)
{
    const struct type *type = column->column.type;
    bool is_float = type->kind == TYPE_DOUBLE || type->kind == TYPE_FLOAT;
    if (is_float && float_word(type, text, cell))
        return FAULT_NONE;
    // A copy, because the byte behind the field may look like more of the number to strtod.
    char copy[64];
    char *ptr = text.len < sizeof(copy) - 8 ? copy : arena_bytes(decoder->unescaped, text.len + 8);
    memcpy(ptr, text.ptr, text.len);
    memset(ptr + text.len, 0, 8);
    struct number number;
    const char *end = number_scan(ptr, ptr + text.len, true, &number);
    if (end != ptr + text.len)
        return cell_misfit(type);
    return cell_from_number(type, column->column.time_unit, &number, cell);
}

static enum fault value_from(struct decoder *decoder, const struct csv_column *column,
                             struct str text, void *cell)
{
    const struct format_column *wanted = &column->column;
    switch ((int)wanted->type->kind) {
    case TYPE_BOOLEAN:
        return boolean_from(text, cell);
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        if (wanted->time_unit != TIME_TEXT)
            return number_from(decoder, column, text, cell);
        return cell_from_moment(wanted->type, wanted->time_unit, text, &decoder->days, cell);
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_UUID:
        return cell_from_moment(wanted->type, wanted->time_unit, text, &decoder->days, cell);
    default:
        return number_from(decoder, column, text, cell);
    }
}

// Fills one cell. A misfit becomes NULL with `coerce_spark`, else it is the result.
static enum fault field_store(struct decoder *decoder, struct csv_column *column,
                              const struct field *field, struct chunk *chunk, size_t row)
{
    struct vector *vector = &chunk->columns[column->column.target];
    size_t cell_bytes = column->column.type->cell_bytes;
    void *cell = (char *)vector->data + row * cell_bytes;
    bool is_null = field->text.len == 0 && !field->quoted;
    enum fault fault = FAULT_NONE;
    if (!is_null && type_is_string(column->column.type->kind))
        *(struct string_cell *)cell = string_cell_of(field->text.ptr, field->text.len);
    else if (!is_null)
        fault = value_from(decoder, column, field->text, cell);
    if (is_null || fault != FAULT_NONE)
        vector_set_null(vector, row);
    return decoder->coerce_spark ? FAULT_NONE : fault;
}

static struct str reason_of(struct decoder *decoder, struct csv_column *column, enum fault fault)
{
    if (column == NULL)
        return str_of(fault_text(fault));
    struct str *reason = &column->reasons[fault];
    if (reason->ptr == NULL)
        *reason = arena_print(&decoder->arena, "%.*s: %s", STR_ARGS(column->column.name),
                              fault_text(fault));
    return *reason;
}

// One record; *bad_column is the column of a value's fault, NULL for a fault of the record.
static enum fault record_read(struct decoder *decoder, const struct payload *payload,
                              struct chunk *chunk, size_t row, struct csv_column **bad_column)
{
    struct str line = {payload->ptr, payload->len};
    enum fault first = FAULT_NONE;
    *bad_column = NULL;
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (line.len == 0)
        return FAULT_EMPTY;
    if (!utf8_is_valid(line.ptr, line.len))
        return FAULT_UTF8;
    size_t at = 0, place = 0;
    for (bool more = true; more; place++) {
        struct field field;
        if (!field_read(decoder, line, &at, &field, &more)) {
            *bad_column = NULL;
            return FAULT_QUOTE;
        }
        if (place >= decoder->places_len) {
            *bad_column = NULL;
            return FAULT_FIELDS;
        }
        size_t index = decoder->by_place[place];
        if (index == FIELD_NONE)
            continue;
        enum fault fault = field_store(decoder, &decoder->columns[index], &field, chunk, row);
        if (fault != FAULT_NONE && first == FAULT_NONE) {
            first = fault;
            *bad_column = &decoder->columns[index];
        }
    }
    for (size_t i = 0; i < decoder->columns_len; i++)
        if (decoder->columns[i].place >= place)
            vector_set_null(&chunk->columns[decoder->columns[i].column.target], row);
    return first;
}

static void csv_decode(struct decoder *decoder, const struct payload *payloads, size_t count,
                       struct chunk *chunk, uint8_t *verdicts, struct arena *arena,
                       const struct decode_problem **problems, size_t *problems_len)
{
    ASSERT(count <= ROWS_PER_VECTOR);
    size_t bad = 0;
    decoder->unescaped = arena;
    for (size_t row = 0; row < count; row++) {
        struct csv_column *bad_column;
        enum fault fault = record_read(decoder, &payloads[row], chunk, row, &bad_column);
        verdicts[row] = fault == FAULT_NONE ? VERDICT_OK : VERDICT_UNDECODABLE;
        if (fault == FAULT_NONE)
            continue;
        decoder->problems[bad++] =
            (struct decode_problem){.row = row, .reason = reason_of(decoder, bad_column, fault)};
        for (size_t i = 0; i < decoder->columns_len; i++)
            vector_set_null(&chunk->columns[decoder->columns[i].column.target], row);
    }
    chunk->rows = count;
    *problems = decoder->problems;
    *problems_len = bad;
}

static bool name_matches(const struct format_column *column, struct str name)
{
    if (column->path_len == 0)
        return str_equal(column->name, name);
    for (size_t i = 0; i < column->path_len; i++) {
        struct str key = column->path[i];
        bool last = i + 1 == column->path_len;
        if (name.len < key.len + !last || memcmp(name.ptr, key.ptr, key.len) != 0 ||
            (!last && name.ptr[key.len] != '.'))
            return false;
        name = str_slice(name, key.len + !last, name.len);
    }
    return name.len == 0;
}

static bool header_bind(struct decoder *decoder, struct str header, struct error *err)
{
    if (header.len > 0 && header.ptr[header.len - 1] == '\r')
        header.len--;
    if (header.len >= 3 && memcmp(header.ptr, "\xEF\xBB\xBF", 3) == 0) // byte order mark
        header = str_slice(header, 3, header.len);
    decoder->by_place = ARENA_ARRAY(&decoder->arena, size_t, header.len + 1);
    decoder->places_len = 0;
    decoder->unescaped = &decoder->arena;
    size_t at = 0;
    for (bool more = true; more; decoder->places_len++) {
        struct field field;
        if (!field_read(decoder, header, &at, &field, &more))
            return error_set(err, ERROR_USER, "format csv: misplaced quote in header '%.*s'",
                             STR_ARGS(header));
        decoder->by_place[decoder->places_len] = FIELD_NONE;
        for (size_t i = 0; i < decoder->columns_len; i++) {
            if (!name_matches(&decoder->columns[i].column, field.text))
                continue;
            decoder->columns[i].place = decoder->places_len;
            decoder->by_place[decoder->places_len] = i;
        }
    }
    return true;
}

static bool option_set(struct decoder *decoder, struct str line, struct str *header,
                       struct error *err)
{
    if (str_starts(line, "delimiter=")) {
        struct str value = str_slice(line, strlen("delimiter="), line.len);
        if (str_is(value, "\\t"))
            value = STR("\t");
        bool fits = value.len == 1 && value.ptr[0] != '"' && value.ptr[0] != '\r' &&
                    (unsigned char)value.ptr[0] < 0x80;
        if (!fits)
            return error_set(err, ERROR_USER,
                             "format csv: delimiter '%.*s' must be one ASCII character, or \\t",
                             STR_ARGS(value));
        decoder->delimiter = value.ptr[0];
        return true;
    }
    if (str_starts(line, "header=")) {
        *header = str_slice(line, strlen("header="), line.len);
        return true;
    }
    return line.len == 0 ||
           error_set(err, ERROR_USER,
                     "format csv: unknown option '%.*s'; known are delimiter and header",
                     STR_ARGS(line));
}

// The header may hold line breaks in quotes, so it comes last and takes all that follows.
static bool options_read(struct decoder *decoder, struct str options, struct error *err)
{
    struct str header = {NULL, 0};
    while (options.len > 0) {
        int64_t newline = str_starts(options, "header=") ? -1 : str_find(options, '\n');
        size_t len = newline < 0 ? options.len : (size_t)newline;
        if (!option_set(decoder, str_slice(options, 0, len), &header, err))
            return false;
        options = str_slice(options, len + (newline >= 0), options.len);
    }
    if (header.ptr != NULL)
        return header_bind(decoder, header, err);
    decoder->places_len = decoder->columns_len;
    decoder->by_place = ARENA_ARRAY(&decoder->arena, size_t, decoder->columns_len);
    for (size_t i = 0; i < decoder->columns_len; i++)
        decoder->by_place[i] = decoder->columns[i].place = i;
    return true;
}

static bool type_is_readable(enum type_kind kind)
{
    return kind != TYPE_OTHER && kind != TYPE_INTERVAL && kind != TYPE_ENUM && kind != TYPE_LIST &&
           kind != TYPE_STRUCT && kind != TYPE_MAP;
}

static void csv_close(struct decoder *decoder)
{
    if (decoder == NULL)
        return;
    arena_clear(&decoder->arena);
    heap_free(decoder);
}

static struct decoder *csv_open(const struct format_column *columns, size_t columns_len,
                                bool coerce_spark, struct str options, struct error *err)
{
    struct decoder *decoder = heap_new(sizeof(*decoder));
    decoder->coerce_spark = coerce_spark;
    decoder->delimiter = ',';
    decoder->columns_len = columns_len;
    decoder->columns = ARENA_ARRAY(&decoder->arena, struct csv_column, columns_len);
    for (size_t i = 0; i < columns_len; i++) {
        decoder->columns[i].column = columns[i];
        decoder->columns[i].place = FIELD_NONE;
        if (!type_is_readable(columns[i].type->kind)) {
            error_set(
                err, ERROR_USER,
                "column %.*s: type %s cannot be read from csv; declare it VARCHAR and cast it",
                STR_ARGS(columns[i].name), columns[i].type->sql);
            csv_close(decoder);
            return NULL;
        }
    }
    if (!options_read(decoder, options, err)) {
        csv_close(decoder);
        return NULL;
    }
    return decoder;
}

const struct format_type format_csv = {
    .name = "csv",
    .summary = "one CSV line a record (RFC 4180)",
    .open = csv_open,
    .decode = csv_decode,
    .close = csv_close,
};
