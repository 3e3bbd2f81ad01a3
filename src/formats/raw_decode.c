// SPDX-License-Identifier: MIT
// The record as it is, in one VARCHAR or BLOB column. A VARCHAR must be UTF-8, since strings go to
// DuckDB unchecked; a BLOB takes every byte.
#include "formats/format.h"
#include "formats/fault.h"
#include "formats/utf8.h"

struct decoder {
    struct format_column column;
    bool has_column; // nobody may ask for it: count(*)
    bool coerce_spark;
    struct decode_problem problems[ROWS_PER_VECTOR];
};

static struct decoder *raw_open(const struct format_column *columns, size_t columns_len,
                                bool coerce_spark, struct str options, struct error *err)
{
    if (options.len > 0) {
        error_set(err, ERROR_USER, "format raw: no options are known, got '%.*s'",
                  STR_ARGS(options));
        return NULL;
    }
    if (columns_len > 1 || (columns_len == 1 && !type_is_string(columns[0].type->kind))) {
        error_set(err, ERROR_USER,
                  "format raw: column %.*s: the source must have exactly one column of the record, "
                  "of type VARCHAR or BLOB",
                  STR_ARGS(columns[columns_len - 1].name));
        return NULL;
    }
    struct decoder *decoder = heap_new(sizeof(*decoder));
    decoder->coerce_spark = coerce_spark;
    decoder->has_column = columns_len == 1;
    if (decoder->has_column)
        decoder->column = columns[0];
    return decoder;
}

static void raw_decode(struct decoder *decoder, const struct payload *payloads, size_t count,
                       struct chunk *chunk, uint8_t *verdicts, struct arena *arena,
                       const struct decode_problem **problems, size_t *problems_len)
{
    (void)arena; // the payload outlives the chunk's use
    ASSERT(count <= ROWS_PER_VECTOR);
    const struct format_column *column = &decoder->column;
    size_t bad = 0;
    for (size_t row = 0; row < count; row++) {
        verdicts[row] = VERDICT_OK;
        if (!decoder->has_column)
            continue;
        struct vector *vector = &chunk->columns[column->target];
        const struct payload *payload = &payloads[row];
        if (column->type->kind == TYPE_BLOB || utf8_is_valid(payload->ptr, payload->len)) {
            ((struct string_cell *)vector->data)[row] = string_cell_of(payload->ptr, payload->len);
            continue;
        }
        vector_set_null(vector, row);
        if (decoder->coerce_spark)
            continue;
        verdicts[row] = VERDICT_UNDECODABLE;
        decoder->problems[bad++] =
            (struct decode_problem){.row = row, .reason = str_of(fault_text(FAULT_UTF8))};
    }
    chunk->rows = count;
    *problems = decoder->problems;
    *problems_len = bad;
}

static void raw_close(struct decoder *decoder)
{
    heap_free(decoder);
}

const struct format_type format_raw = {
    .name = "raw",
    .summary = "the record as one VARCHAR or BLOB",
    .open = raw_open,
    .decode = raw_decode,
    .close = raw_close,
};
