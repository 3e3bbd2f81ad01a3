// SPDX-License-Identifier: MIT
// Any bytes as a segment of columns of every shape: opening must refuse or give rows that can all
// be read, and reading them must stay inside the bytes.
#include "duck/segment.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct type text = {.kind = TYPE_VARCHAR, .sql = "VARCHAR", .cell_bytes = 16};
static struct type whole = {.kind = TYPE_BIGINT, .sql = "BIGINT", .cell_bytes = 8};
static struct type truth = {.kind = TYPE_BOOLEAN, .sql = "BOOLEAN", .cell_bytes = 1};
static struct type texts = {
    .kind = TYPE_LIST, .sql = "VARCHAR[]", .cell_bytes = sizeof(struct list_cell), .child = &text};
static struct type_field fields[] = {{{"a", 1}, &whole}, {{"b", 1}, &texts}};
static struct type place = {.kind = TYPE_STRUCT,
                            .sql = "STRUCT(a BIGINT, b VARCHAR[])",
                            .fields = fields,
                            .fields_len = COUNT_OF(fields)};
static struct type places = {.kind = TYPE_LIST,
                             .sql = "STRUCT(a BIGINT, b VARCHAR[])[]",
                             .cell_bytes = sizeof(struct list_cell),
                             .child = &place};
static const struct column columns[] = {
    {{"text", 4}, &text}, {{"truth", 5}, &truth}, {{"place", 5}, &place}, {{"places", 6}, &places}};

// Touches every byte that a string claims.
static uint64_t sum_strings(const struct vector *vector, size_t rows)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < rows; i++) {
        if (vector_is_null(vector, i))
            continue;
        struct str value = string_cell_str(&((const struct string_cell *)vector->data)[i]);
        for (size_t k = 0; k < value.len; k++)
            sum += (unsigned char)value.ptr[k];
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct chunk *chunk;
    if (chunk == NULL)
        chunk = chunk_new((const struct type *const[]){&text, &truth, &place, &places},
                          COUNT_OF(columns));
    struct error err = {0};
    struct segment *segment = segment_open((struct str){(const char *)bytes, len}, true, columns,
                                           COUNT_OF(columns), &err);
    if (segment == NULL) {
        ASSERT(err.text[0] != 0);
        return 0;
    }
    uint64_t sum = 0;
    for (int64_t from = 0; from < segment->rows; from += ROWS_PER_VECTOR) {
        int64_t left = segment->rows - from;
        size_t count = left < ROWS_PER_VECTOR ? (size_t)left : ROWS_PER_VECTOR;
        segment_read(segment, from, count, chunk);
        sum += sum_strings(&chunk->columns[0], count);
        struct vector *list = &chunk->columns[2].children[1];
        sum += sum_strings(&list->children[0], vector_list_size(list));
    }
    segment_free(segment);
    ASSERT(sum < UINT64_MAX); // uses it, so that the reads stay in the program
    return 0;
}
