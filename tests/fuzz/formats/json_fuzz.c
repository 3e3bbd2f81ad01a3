// SPDX-License-Identifier: MIT
// The JSON decoder against jansson: the same records are good, and their values are equal. Records
// are separated by zero bytes and decoded twice as one batch, so predicted keys are met too.
// Where the oracle cannot judge (its own limits on numbers, depth and keys) only safety is tested.
#include <jansson.h>
#include "decode_batch.h"
#include "base/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { I, B, D, T, O, TS, S, L, P, M, COLUMNS };
static const struct schema_column columns[COLUMNS] = {
    [I] = {"i", "INTEGER", "i", NULL},
    [B] = {"b", "BIGINT", "b", NULL},
    [D] = {"d", "DOUBLE", "d", NULL},
    [T] = {"t", "VARCHAR", "t", NULL},
    [O] = {"o", "BOOLEAN", "o", NULL},
    [TS] = {"ts", "TIMESTAMP", "ts", NULL},
    [S] = {"s", "STRUCT(x INTEGER, y VARCHAR)", "s", NULL},
    [L] = {"l", "INTEGER[]", "l", NULL},
    [P] = {"p", "DOUBLE", "n", "p"},
    [M] = {"m", "MAP(VARCHAR, VARCHAR)", "m", NULL},
};

static struct schema schema;
static bool misfit; // some value of the record does not fit its column

static void check(bool condition)
{
    misfit = misfit || !condition;
}

static bool is_null(const json_t *value)
{
    return value == NULL || json_is_null(value);
}

// First pass (vector NULL): does the value fit? Second pass: is it what the vector holds?
static void check_integer(const json_t *value, const struct vector *vector, size_t row, int64_t min,
                          int64_t max)
{
    if (vector == NULL) {
        check(is_null(value) || (json_is_integer(value) && json_integer_value(value) >= min &&
                                 json_integer_value(value) <= max));
        return;
    }
    ASSERT(vector_is_null(vector, row) == is_null(value));
    if (is_null(value))
        return;
    int64_t got = vector->type->kind == TYPE_BIGINT ? ((int64_t *)vector->data)[row]
                                                    : ((int32_t *)vector->data)[row];
    ASSERT(got == json_integer_value(value));
}

static void check_double(const json_t *value, const struct vector *vector, size_t row)
{
    if (vector == NULL) {
        check(is_null(value) || json_is_number(value));
        return;
    }
    ASSERT(vector_is_null(vector, row) == is_null(value));
    if (is_null(value))
        return;
    double wanted = json_number_value(value), got = ((double *)vector->data)[row];
    // "-0" is an integer for jansson and has no sign there.
    ASSERT(memcmp(&wanted, &got, sizeof(got)) == 0 || (json_is_integer(value) && wanted == got));
}

static void check_text(const json_t *value, const struct vector *vector, size_t row)
{
    if (vector == NULL)
        return; // takes everything
    ASSERT(vector_is_null(vector, row) == is_null(value));
    if (!json_is_string(value))
        return; // the raw text, which jansson did not keep
    struct str got = string_cell_str((const struct string_cell *)vector->data + row);
    ASSERT(str_equal(got, (struct str){json_string_value(value), json_string_length(value)}));
}

static void check_boolean(const json_t *value, const struct vector *vector, size_t row)
{
    if (vector == NULL) {
        check(is_null(value) || json_is_boolean(value));
        return;
    }
    ASSERT(vector_is_null(vector, row) == is_null(value));
    if (!is_null(value))
        ASSERT(((uint8_t *)vector->data)[row] == json_is_true(value));
}

static void check_timestamp(const json_t *value, const struct vector *vector, size_t row)
{
    int64_t wanted = 0;
    struct str text = {json_string_value(value), json_string_length(value)};
    bool fits = json_is_string(value) && time_parse(text, &wanted) &&
                str_find(text, 'z') < 0; // we take the dialect's Z only
    if (vector == NULL) {
        check(is_null(value) || fits);
        return;
    }
    ASSERT(vector_is_null(vector, row) == is_null(value));
    if (!is_null(value))
        ASSERT(((int64_t *)vector->data)[row] == wanted);
}

static void check_struct(const json_t *value, const struct vector *vector, size_t row)
{
    if (vector == NULL)
        check(is_null(value) || json_is_object(value));
    else
        ASSERT(vector_is_null(vector, row) == is_null(value));
    if (!json_is_object(value))
        return;
    check_integer(json_object_get(value, "x"), vector ? &vector->children[0] : NULL, row, INT32_MIN,
                  INT32_MAX);
    check_text(json_object_get(value, "y"), vector ? &vector->children[1] : NULL, row);
}

static void check_list(const json_t *value, const struct vector *vector, size_t row)
{
    struct list_cell cell = {0};
    if (vector == NULL)
        check(is_null(value) || json_is_array(value));
    else
        ASSERT(vector_is_null(vector, row) == is_null(value));
    if (!json_is_array(value))
        return;
    if (vector != NULL) {
        cell = ((struct list_cell *)vector->data)[row];
        ASSERT(cell.length == json_array_size(value));
        ASSERT(cell.offset + cell.length <= vector_list_size(vector));
    }
    for (size_t i = 0; i < json_array_size(value); i++)
        check_integer(json_array_get(value, i), vector ? &vector->children[0] : NULL,
                      cell.offset + i, INT32_MIN, INT32_MAX);
}

static void check_map(const json_t *value, const struct vector *vector, size_t row)
{
    if (vector == NULL) {
        check(is_null(value) || json_is_object(value));
        return;
    }
    ASSERT(vector_is_null(vector, row) == is_null(value));
    if (is_null(value))
        return;
    const struct list_cell cell = ((struct list_cell *)vector->data)[row];
    const struct vector *keys = &vector->children[0].children[0];
    const struct vector *values = &vector->children[0].children[1];
    ASSERT(cell.length == json_object_size(value));
    for (size_t i = cell.offset; i < cell.offset + cell.length; i++) {
        struct str key = string_cell_str((const struct string_cell *)keys->data + i);
        const json_t *found = json_object_getn(value, key.ptr, key.len);
        ASSERT(found != NULL);
        check_text(found, values, i);
    }
}

static void check_record(const json_t *record, const struct chunk *chunk, size_t row)
{
    const struct vector *v = chunk != NULL ? chunk->columns : NULL;
    const json_t *path = json_object_get(record, "n");
    check_integer(json_object_get(record, "i"), v ? v + I : NULL, row, INT32_MIN, INT32_MAX);
    check_integer(json_object_get(record, "b"), v ? v + B : NULL, row, INT64_MIN, INT64_MAX);
    check_double(json_object_get(record, "d"), v ? v + D : NULL, row);
    check_text(json_object_get(record, "t"), v ? v + T : NULL, row);
    check_boolean(json_object_get(record, "o"), v ? v + O : NULL, row);
    check_timestamp(json_object_get(record, "ts"), v ? v + TS : NULL, row);
    check_struct(json_object_get(record, "s"), v ? v + S : NULL, row);
    check_list(json_object_get(record, "l"), v ? v + L : NULL, row);
    check(is_null(path) || json_is_object(path));
    check_double(json_object_get(path, "p"), v ? v + P : NULL, row);
    check_map(json_object_get(record, "m"), v ? v + M : NULL, row);
}

static bool oracle_can_judge(const json_error_t *error, const char *reason)
{
    enum json_error_code code = json_error_code(error);
    return code != json_error_numeric_overflow && code != json_error_null_byte_in_key &&
           code != json_error_stack_overflow && strcmp(reason, "too deep") != 0;
}

static void judge(const struct payload *payload, const struct chunk *chunk, size_t row, bool ok,
                  const char *reason)
{
    json_error_t error = {0};
    json_t *record =
        json_loadb(payload->ptr, payload->len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (record == NULL && !oracle_can_judge(&error, reason))
        return;
    if (!json_is_object(record)) {
        ASSERT(!ok);
    } else if (strcmp(reason, "too deep") != 0) {
        misfit = false;
        check_record(record, NULL, 0);
        ASSERT(ok == !misfit);
        ASSERT(ok || strstr(reason, ": ") != NULL);
        if (ok)
            check_record(record, chunk, row);
    }
    json_decref(record);
}

static void batch_judge(struct decoder *decoder, const struct payload *payloads, size_t count,
                        struct chunk *chunk)
{
    uint8_t verdicts[BATCH_ROWS_MAX];
    const struct decode_problem *problems;
    size_t problems_len, bad = 0;
    struct arena values = {0};
    struct buf text = {0};
    chunk_reset(chunk);
    format_json.decode(decoder, payloads, count, chunk, verdicts, &values, &problems,
                       &problems_len);
    for (size_t row = 0; row < count; row++) {
        char reason[64] = "";
        bool ok = verdicts[row] == VERDICT_OK;
        if (!ok) {
            ASSERT(bad < problems_len && problems[bad].row == row);
            snprintf(reason, sizeof(reason), "%.*s", STR_ARGS(problems[bad].reason));
            bad++;
        }
        judge(&payloads[row], chunk, row, ok, reason);
        json_encode_row(&text, chunk, row, schema.named, COLUMNS); // bad rows are safe to read too
    }
    ASSERT(bad == problems_len);
    buf_clear(&text);
    arena_clear(&values);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct chunk *chunk;
    if (chunk == NULL) {
        schema_init(&schema, columns, COLUMNS);
        chunk = chunk_new(schema.types, COLUMNS);
    }
    struct payload payloads[BATCH_ROWS_MAX];
    size_t count = 0;
    for (size_t at = 0; at <= len && count < BATCH_ROWS_MAX; count++) {
        const uint8_t *zero = at < len ? memchr(bytes + at, 0, len - at) : NULL;
        size_t end = zero != NULL ? (size_t)(zero - bytes) : len;
        payloads[count] = payload_copy(bytes + at, end - at);
        at = end + 1;
    }
    struct error err = {0};
    struct decoder *decoder =
        format_json.open(schema.columns, COLUMNS, false, (struct str){NULL, 0}, &err);
    ASSERT(decoder != NULL);
    batch_judge(decoder, payloads, count, chunk);
    batch_judge(decoder, payloads, count, chunk);
    format_json.close(decoder);
    for (size_t i = 0; i < count; i++)
        payload_free(&payloads[i]);
    return 0;
}
