// SPDX-License-Identifier: MIT
// Two properties. Any bytes decode as CSV and raw without a crash. And values made from the bytes
// come back unchanged when encoded as CSV and as JSON and decoded again, whatever they hold.
#include <math.h>
#include "decode_batch.h"
#include "formats/moment_text.h"
#include "formats/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const struct schema_column columns[] = {
    {"a", "VARCHAR", "a", NULL},       {"b", "DOUBLE", "b", NULL},   {"c", "BIGINT", "c", NULL},
    {"d", "TIMESTAMP", "d", NULL},     {"e", "BOOLEAN", "e", NULL},  {"f", "DATE", "f", NULL},
    {"g", "DECIMAL(18,3)", "g", NULL}, {"h", "HUGEINT", "h", NULL},  {"i", "UUID", "i", NULL},
    {"j", "FLOAT", "j", NULL},         {"k", "UTINYINT", "k", NULL}, {"l", "TIME", "l", NULL},
    {"m", "VARCHAR", "m", NULL},
};
#define COLUMNS COUNT_OF(columns)
static struct schema schema;

static void take(const uint8_t **bytes, size_t *len, void *target, size_t size)
{
    size_t have = *len < size ? *len : size;
    memset(target, 0, size);
    if (have > 0)
        memcpy(target, *bytes, have);
    *bytes += have;
    *len -= have;
}

// Values that the type allows; the rest of the bytes is the text of column m.
static void row_make(struct chunk *chunk, const uint8_t *bytes, size_t len)
{
    uint16_t nulls;
    uint8_t text_len;
    take(&bytes, &len, &nulls, sizeof(nulls));
    take(&bytes, &len, &text_len, 1);
    for (size_t i = 0; i < COLUMNS; i++) {
        struct vector *vector = &chunk->columns[i];
        enum type_kind kind = vector->type->kind;
        int64_t word;
        if (kind != TYPE_VARCHAR)
            take(&bytes, &len, vector->data, vector->type->cell_bytes);
        memcpy(&word, vector->data, kind == TYPE_VARCHAR ? 0 : sizeof(word));
        if (kind == TYPE_BOOLEAN)
            *(uint8_t *)vector->data &= 1;
        if (kind == TYPE_TIMESTAMP && !timestamp_is_in_range(word))
            *(int64_t *)vector->data = word % INT64_C(50000000000000000);
        if (kind == TYPE_TIME)
            *(int64_t *)vector->data = (int64_t)((uint64_t)word % UINT64_C(86400000000));
        if (kind == TYPE_DATE)
            *(int32_t *)vector->data %= 700000;
        if (kind == TYPE_DECIMAL)
            *(int64_t *)vector->data %= INT64_C(1000000000000000000);
        if (kind == TYPE_VARCHAR) {
            size_t size = i == 0 && text_len < len ? text_len : len;
            bool valid = utf8_is_valid((const char *)bytes, size);
            *(struct string_cell *)vector->data =
                string_cell_of((const char *)bytes, valid ? size : 0);
            bytes += size;
            len -= size;
        }
        if ((nulls >> i & 1) != 0)
            vector_set_null(vector, 0);
    }
}

static bool values_equal(const struct vector *a, const struct vector *b, bool json)
{
    enum type_kind kind = a->type->kind;
    bool is_finite = (kind != TYPE_DOUBLE || isfinite(*(double *)a->data)) &&
                     (kind != TYPE_FLOAT || isfinite(*(float *)a->data));
    if (vector_is_null(a, 0) || (json && !is_finite)) // JSON has no NaN
        return vector_is_null(b, 0);
    if (vector_is_null(b, 0))
        return false;
    if (kind == TYPE_VARCHAR)
        return str_equal(string_cell_str(a->data), string_cell_str(b->data));
    if (kind == TYPE_DOUBLE && isnan(*(double *)a->data))
        return isnan(*(double *)b->data);
    if (kind == TYPE_FLOAT && isnan(*(float *)a->data))
        return isnan(*(float *)b->data);
    return memcmp(a->data, b->data, a->type->cell_bytes) == 0;
}

static void round_trip(const struct chunk *chunk, struct chunk *back, bool json)
{
    const struct format_type *format = json ? &format_json : &format_csv;
    struct buf text = {0};
    struct arena values = {0};
    struct error err = {0};
    if (json)
        json_encode_row(&text, chunk, 0, schema.named, COLUMNS);
    else
        csv_encode_row(&text, chunk, 0, schema.named, COLUMNS);
    struct payload payload = payload_copy(text.ptr, text.len);
    uint8_t verdict;
    const struct decode_problem *problems;
    size_t problems_len;
    struct decoder *decoder =
        format->open(schema.columns, COLUMNS, false, (struct str){NULL, 0}, &err);
    ASSERT(decoder != NULL);
    chunk_reset(back);
    format->decode(decoder, &payload, 1, back, &verdict, &values, &problems, &problems_len);
    ASSERT(verdict == VERDICT_OK);
    for (size_t i = 0; i < COLUMNS; i++)
        ASSERT(values_equal(&chunk->columns[i], &back->columns[i], json));
    format->close(decoder);
    payload_free(&payload);
    arena_clear(&values);
    buf_clear(&text);
}

static void decode_bytes(const struct format_type *format, size_t columns_len, struct str options,
                         const uint8_t *bytes, size_t len, struct chunk *chunk)
{
    struct payload payload = payload_copy(bytes, len);
    struct arena values = {0};
    struct buf text = {0};
    struct error err = {0};
    uint8_t verdict;
    const struct decode_problem *problems;
    size_t problems_len;
    struct decoder *decoder = format->open(schema.columns, columns_len, false, options, &err);
    if (decoder != NULL) {
        chunk_reset(chunk);
        format->decode(decoder, &payload, 1, chunk, &verdict, &values, &problems, &problems_len);
        ASSERT(problems_len == (verdict != VERDICT_OK));
        csv_encode_row(&text, chunk, 0, schema.named, columns_len);
        format->close(decoder);
    }
    payload_free(&payload);
    arena_clear(&values);
    buf_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct chunk *chunk, *back;
    if (chunk == NULL) {
        schema_init(&schema, columns, COLUMNS);
        chunk = chunk_new(schema.types, COLUMNS);
        back = chunk_new(schema.types, COLUMNS);
    }
    decode_bytes(&format_csv, COLUMNS, (struct str){NULL, 0}, bytes, len, back);
    decode_bytes(&format_raw, 1, (struct str){NULL, 0}, bytes, len, back);
    struct buf options = {0}; // the header and the delimiter are input too
    buf_add_cstr(&options, "delimiter=;\nheader=");
    buf_add(&options, bytes, len);
    decode_bytes(&format_csv, COLUMNS, buf_str(&options), bytes, len, back);
    buf_clear(&options);
    chunk_reset(chunk);
    row_make(chunk, bytes, len);
    round_trip(chunk, back, false);
    round_trip(chunk, back, true);
    return 0;
}
