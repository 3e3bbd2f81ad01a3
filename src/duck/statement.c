// SPDX-License-Identifier: MIT
// Prepared statements and their result chunks. Results are always materialised: a streaming result
// would pin the chunks that a scan lent by reference.
#include "duck/internal.h"

struct statement {
    duckdb_prepared_statement handle;
    duckdb_result result;
    bool has_result;
    struct chunk *current;
    struct column *columns;
    size_t columns_len;
    struct arena arena;
};

struct statement *statement_prepare(struct connection *connection, const char *sql,
                                    struct error *err)
{
    struct statement *statement = heap_new(sizeof(*statement));
    if (duckdb_prepare(connection->handle, sql, &statement->handle) != DuckDBSuccess) {
        error_set(err, ERROR_USER, "%s", duckdb_prepare_error(statement->handle));
        statement_free(statement);
        return NULL;
    }
    size_t len = duckdb_prepared_statement_column_count(statement->handle);
    statement->columns = ARENA_ARRAY(&statement->arena, struct column, len);
    statement->columns_len = len;
    for (size_t i = 0; i < len; i++) {
        const char *name = duckdb_prepared_statement_column_name(statement->handle, i);
        statement->columns[i].name = arena_str(&statement->arena, str_of(name));
        duckdb_free((void *)(uintptr_t)name);
        duckdb_logical_type logical =
            duckdb_prepared_statement_column_logical_type(statement->handle, i);
        statement->columns[i].type = type_of_logical(logical, &statement->arena);
        duckdb_destroy_logical_type(&logical);
    }
    return statement;
}

void statement_free(struct statement *statement)
{
    if (statement == NULL)
        return;
    statement_finish(statement);
    duckdb_destroy_prepare(&statement->handle);
    arena_clear(&statement->arena);
    heap_free(statement);
}

size_t statement_columns_len(const struct statement *statement)
{
    return statement->columns_len;
}

const struct column *statement_columns(const struct statement *statement)
{
    return statement->columns;
}

bool statement_bind_text(struct statement *statement, size_t number, struct str value,
                         struct error *err)
{
    if (duckdb_bind_varchar_length(statement->handle, number, value.ptr, value.len) ==
        DuckDBSuccess)
        return true;
    return error_set(err, ERROR_FATAL, "duckdb: cannot set parameter %zu", number);
}

bool statement_execute(struct statement *statement, struct error *err)
{
    statement_finish(statement);
    bool ok = duckdb_execute_prepared(statement->handle, &statement->result) == DuckDBSuccess;
    statement->has_result = true;
    if (ok)
        return true;
    error_set(err, ERROR_DATA, "%s", duckdb_result_error(&statement->result));
    statement_finish(statement);
    return false;
}

struct chunk *statement_take(struct statement *statement)
{
    ASSERT(statement->has_result);
    duckdb_data_chunk handle = duckdb_fetch_chunk(statement->result);
    if (handle == NULL)
        return NULL;
    return chunk_of_fetched(handle, statement->columns, statement->columns_len);
}

struct chunk *statement_next(struct statement *statement)
{
    chunk_free(statement->current);
    statement->current = statement_take(statement);
    return statement->current;
}

void statement_finish(struct statement *statement)
{
    chunk_free(statement->current);
    statement->current = NULL;
    if (statement->has_result)
        duckdb_destroy_result(&statement->result);
    statement->has_result = false;
}

int64_t statement_rows_changed(const struct statement *statement)
{
    ASSERT(statement->has_result);
    duckdb_result result = statement->result;
    return (int64_t)duckdb_rows_changed(&result);
}
