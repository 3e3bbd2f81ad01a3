// SPDX-License-Identifier: MIT
// Shared by the fuzzers of decoders: a schema made once, and batches decoded with exact padding.
#ifndef FIRESTEEL_DECODE_BATCH_H
#define FIRESTEEL_DECODE_BATCH_H

#include <stdlib.h>
#include "duck/database.h"
#include "formats/format.h"

#define BATCH_ROWS_MAX 16
#define BATCH_COLUMNS_MAX 16

struct schema_column {
    const char *name, *sql, *first, *second; // the path; second NULL: one key
};

struct schema {
    struct arena arena;
    struct format_column columns[BATCH_COLUMNS_MAX];
    struct column named[BATCH_COLUMNS_MAX];
    const struct type *types[BATCH_COLUMNS_MAX];
    size_t len;
};

static inline void schema_init(struct schema *schema, const struct schema_column *columns,
                               size_t len)
{
    struct error err = {0};
    struct database *database = database_open((struct database_options){.threads = 1}, &err);
    struct connection *connection = connection_open(database, &err);
    ASSERT(connection != NULL);
    schema->len = len;
    for (size_t i = 0; i < len; i++) {
        struct str *path = ARENA_ARRAY(&schema->arena, struct str, 2);
        path[0] = str_of(columns[i].first);
        path[1] = str_of(columns[i].second);
        schema->types[i] =
            connection_type(connection, str_of(columns[i].sql), &schema->arena, &err);
        ASSERT(schema->types[i] != NULL);
        schema->columns[i] = (struct format_column){.name = str_of(columns[i].name),
                                                    .type = schema->types[i],
                                                    .path = path,
                                                    .path_len = columns[i].second ? 2 : 1,
                                                    .target = (int)i};
        schema->named[i] = (struct column){str_of(columns[i].name), schema->types[i]};
    }
    connection_close(connection);
    database_close(database);
}

// A payload with 64 bytes behind it that look like JSON and CSV; freed with the pointer.
static inline struct payload payload_copy(const void *bytes, size_t len)
{
    char *copy = malloc(len + 64);
    ASSERT(copy != NULL);
    if (len > 0)
        memcpy(copy, bytes, len);
    for (size_t i = 0; i < 64; i++)
        copy[len + i] = "\"}],:1\"}"[i % 8];
    return (struct payload){.ptr = copy, .len = (uint32_t)len};
}

static inline void payload_free(struct payload *payload)
{
    free((void *)(uintptr_t)payload->ptr);
}

#endif
