// SPDX-License-Identifier: MIT
// Statements over chunks that this program holds: selections, projection, sequences, nested types.
#include "duck/scan.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static struct database *database;
static struct connection *connection;

static int setup(void **state)
{
    (void)state;
    struct error err = {0};
    database = database_open((struct database_options){.threads = 1}, &err);
    assert_non_null(database);
    connection = connection_open(database, &err);
    assert_non_null(connection);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    connection_close(connection);
    database_close(database);
    return 0;
}

static void assert_query(const char *sql, const char *expected)
{
    struct error err = {0};
    AUTO(buf_clear) struct buf out = {0};
    bool is_null;
    if (!connection_query_text(connection, sql, &out, &is_null, &err))
        fail_msg("%s: %s", sql, err.text);
    assert_string_equal(buf_cstr(&out), expected);
}

static void reads_selected_rows_in_order_with_their_numbers(void **state)
{
    (void)state;
    struct error err = {0};
    struct arena arena = {0};
    struct column columns[3] = {
        {STR("id"), type_simple(TYPE_BIGINT)},
        {STR("name"), type_simple(TYPE_VARCHAR)},
        {STR("place"),
         connection_type(connection, STR("STRUCT(a INTEGER, b VARCHAR[])"), &arena, &err)}};
    assert_non_null(columns[2].type);
    const struct type *types[3] = {columns[0].type, columns[1].type, columns[2].type};
    struct chunk *chunk = chunk_new(types, 3);
    for (size_t i = 0; i < 10; i++) {
        ((int64_t *)chunk->columns[0].data)[i] = (int64_t)i * 10;
        const char *text = i % 2 ? "a name longer than twelve bytes" : "short";
        ((struct string_cell *)chunk->columns[1].data)[i] = string_cell_of(text, strlen(text));
        ((int32_t *)chunk->columns[2].children[0].data)[i] = (int32_t)i;
        struct vector *list = &chunk->columns[2].children[1];
        vector_list_reserve(list, i + 1);
        ((struct string_cell *)list->children[0].data)[i] = string_cell_of("x", 1);
        ((struct list_cell *)list->data)[i] = (struct list_cell){i, 1};
        vector_list_set_size(list, i + 1);
    }
    vector_set_null(&chunk->columns[1], 4);
    chunk->rows = 10;
    uint16_t selection[] = {1, 3, 4, 9};
    struct rows_part part = {
        .chunk = chunk, .selection = selection, .count = 4, .first_sequence = 100};
    struct rows rows = {.parts = &part, .parts_len = 1};
    struct scan *scan = scan_new(connection, "scan_test", columns, 3, true, &err);
    assert_non_null(scan);
    scan_set_rows(scan, &rows);
    assert_query("SELECT string_agg(concat_ws(':', id, coalesce(name[1:5], 'null'), place.a, "
                 "place.b[1], _sequence), ' ') FROM scan_test()",
                 "10:a nam:1:x:101 30:a nam:3:x:103 40:null:4:x:104 90:a nam:9:x:109");
    assert_query("SELECT count(*) FROM scan_test()", "4"); // again, with nothing projected
    chunk_reset(chunk);
    assert_false(vector_is_null(&chunk->columns[1], 4));
    assert_int_equal(vector_list_size(&chunk->columns[2].children[1]), 0);
    scan_free(scan);
    chunk_free(chunk);
    arena_clear(&arena);
}

static void statement_gives_typed_chunks_and_errors(void **state)
{
    (void)state;
    struct error err = {0};
    assert_null(statement_prepare(connection, "SELECT nothing_here", &err));
    assert_int_equal(err.kind, ERROR_USER);
    struct statement *statement = statement_prepare(
        connection, "SELECT i::BIGINT AS i, 'value ' || i AS v FROM range(5000) t(i)", &err);
    assert_non_null(statement);
    assert_string_equal(statement_columns(statement)[1].type->sql, "VARCHAR");
    for (int round = 0; round < 2; round++) {
        assert_true(statement_execute(statement, &err));
        int64_t sum = 0, rows = 0;
        for (struct chunk *c = statement_next(statement); c != NULL;
             c = statement_next(statement)) {
            for (size_t i = 0; i < c->rows; i++)
                sum += ((int64_t *)c->columns[0].data)[i];
            rows += (int64_t)c->rows;
        }
        assert_int_equal(rows, 5000);
        assert_int_equal(sum, 4999 * 5000 / 2);
        statement_finish(statement);
    }
    statement_free(statement);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_selected_rows_in_order_with_their_numbers),
        cmocka_unit_test(statement_gives_typed_chunks_and_errors),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
