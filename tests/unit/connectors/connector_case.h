// SPDX-License-Identifier: MIT
// What the tests of connectors share: a folder of their own, options as text, sources read to the
// end, sinks fed from SQL.
#ifndef FIRESTEEL_CONNECTOR_CASE_H
#define FIRESTEEL_CONNECTOR_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/failpoint.h"
#include "base/file.h"
#include "base/log.h"
#include "connectors/registry.h"
#include "duck/database.h"

static char root[64];           // this test's folder
static struct arena case_arena; // options and texts; cleared after each test
static struct database *database;
static struct connection *connection;

// A scan's memory belongs to the DuckDB instance's catalog (src/duck/scan.c, scan_free).
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:scan_new\nleak:scan_set_segments\n";
}

// A connector to a server is tested against a real one.
UNUSED static bool is_tested_with_server(const char *connector)
{
    static const char *const folders[] = {"", "_source", "_sink"};
    bool is_there = false;
    for (size_t i = 0; i < COUNT_OF(folders); i++) {
        char path[128];
        snprintf(path, sizeof(path), "tests/services/%s%s/run", connector, folders[i]);
        is_there = is_there || path_exists(path);
    }
    return is_there;
}

#define CHECK(call)                                                                                \
    do {                                                                                           \
        if (!(call)) {                                                                             \
            print_error("%s\n", err.text);                                                         \
            fail();                                                                                \
        }                                                                                          \
    } while (0)

UNUSED static int case_begin(void **state)
{
    (void)state;
    struct error err = {0};
    log_set_level(LOG_ERROR);
    snprintf(root, sizeof(root), "/tmp/firesteel_connector.XXXXXX");
    database = database_open((struct database_options){.threads = 1}, &err);
    connection = database != NULL ? connection_open(database, &err) : NULL;
    return mkdtemp(root) == NULL || connection == NULL;
}

UNUSED static int case_end(void **state)
{
    (void)state;
    struct error err = {0};
    failpoint_disarm();
    connection_close(connection);
    database_close(database);
    arena_clear(&case_arena);
    return folder_remove_tree(root, &err) ? 0 : 1;
}

UNUSED static const char *at(const char *name)
{
    return arena_print(&case_arena, "%s/%s", root, name).ptr;
}

UNUSED static void write_text(const char *name, struct str text)
{
    struct error err = {0};
    const char *path = at(name);
    char *slash = strrchr(path, '/');
    CHECK(folder_create(arena_cstr(&case_arena, (struct str){path, (size_t)(slash - path)}), &err));
    CHECK(file_write_whole(path, text, &err));
}

UNUSED static void query(struct buf *out, const char *sql)
{
    struct error err = {0};
    bool is_null;
    buf_reset(out);
    CHECK(connection_query_text(connection, sql, out, &is_null, &err));
}

// "path=x;rows=3" -> the struct that the connector reads. "{root}" stands for the folder.
UNUSED static void *options_of(const struct option *table, size_t table_len, size_t size,
                               const char *text, struct error *err)
{
    struct option_value values[24];
    size_t len = 0, bad;
    struct str rest = str_of(text);
    while (rest.len > 0) {
        int64_t end = str_find(rest, ';');
        struct str item = str_slice(rest, 0, end < 0 ? rest.len : (size_t)end);
        rest = str_slice(rest, item.len + (end >= 0), rest.len);
        size_t equal = (size_t)str_find(item, '=');
        struct str value = str_slice(item, equal + 1, item.len);
        if (str_starts(value, "{root}"))
            value = arena_print(&case_arena, "%s%.*s", root, (int)value.len - 6, value.ptr + 6);
        values[len++] = (struct option_value){.name = str_slice(item, 0, equal), .value = value};
    }
    void *options = arena_new(&case_arena, size);
    return option_fill(table, table_len, values, len, options, &case_arena, &bad, err) ? options
                                                                                       : NULL;
}

UNUSED static const struct type *type_of(const char *sql)
{
    struct error err = {0};
    const struct type *type = connection_type(connection, str_of(sql), &case_arena, &err);
    CHECK(type != NULL);
    return type;
}

UNUSED static struct source *source_open(const char *connector, const char *options,
                                         const struct source_context *context, struct error *err)
{
    const struct source_type *type = source_type_find(str_of(connector));
    assert_non_null(type);
    void *filled = options_of(type->options, type->options_len, type->options_size, options, err);
    return filled != NULL ? type->open(filled, context, err) : NULL;
}

UNUSED static struct sink *sink_open(const char *connector, const char *options,
                                     const struct sink_context *context, struct error *err)
{
    const struct sink_type *type = sink_type_find(str_of(connector));
    assert_non_null(type);
    void *filled = options_of(type->options, type->options_len, type->options_size, options, err);
    return filled != NULL ? type->open(filled, context, err) : NULL;
}

// Rows of a query as one segment per 2,048 rows; *columns live in case_arena.
UNUSED static size_t segments_of(const char *sql, struct segment **segments, size_t capacity,
                                 struct column **columns, size_t *columns_len)
{
    struct error err = {0};
    struct statement *statement = statement_prepare(connection, sql, &err);
    CHECK(statement != NULL);
    CHECK(statement_execute(statement, &err));
    *columns_len = statement_columns_len(statement);
    if (*columns == NULL) {
        *columns = ARENA_ARRAY(&case_arena, struct column, *columns_len);
        for (size_t i = 0; i < *columns_len; i++) {
            (*columns)[i].name = arena_str(&case_arena, statement_columns(statement)[i].name);
            (*columns)[i].type = type_copy(statement_columns(statement)[i].type, &case_arena);
        }
    }
    size_t len = 0;
    struct chunk *chunk;
    while ((chunk = statement_next(statement)) != NULL) {
        struct rows_part part = {.chunk = chunk, .count = chunk->rows, .first_sequence = -1};
        struct rows rows = {.parts = &part, .parts_len = 1, .parts_capacity = 1};
        assert_true(len < capacity);
        segments[len++] = segment_new(&rows, *columns, *columns_len);
    }
    statement_free(statement);
    return len;
}

#endif
