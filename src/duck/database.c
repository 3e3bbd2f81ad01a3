// SPDX-License-Identifier: MIT
// Instance and connections. In memory always: what must survive is in the journal, not here (a
// DuckDB file with UPDATE or DELETE in it is 10-50 times slower and stalls at its own checkpoints:
// measured).
#include "duck/internal.h"
#include <stdio.h>

static bool set_option(duckdb_config config, const char *name, const char *value, struct error *err)
{
    if (duckdb_set_config(config, name, value) == DuckDBSuccess)
        return true;
    return error_set(err, ERROR_FATAL, "duckdb: cannot set %s to %s", name, value);
}

static bool configure(duckdb_config config, struct database_options options, struct error *err)
{
    char text[32];
    snprintf(text, sizeof(text), "%d", options.threads > 0 ? options.threads : 1);
    if (!set_option(config, "threads", text, err) ||
        !set_option(config, "autoinstall_known_extensions", "false", err) ||
        !set_option(config, "allocator_flush_threshold", "8MB", err) ||
        !set_option(config, "autoload_known_extensions", "false", err) ||
        !set_option(config, "preserve_insertion_order", options.threads > 1 ? "false" : "true",
                    err))
        return false;
    if (options.memory_max_bytes > 0) {
        snprintf(text, sizeof(text), "%lldB", (long long)options.memory_max_bytes);
        if (!set_option(config, "memory_limit", text, err))
            return false;
    }
    return set_option(config, "temp_directory",
                      options.temp_folder != NULL ? options.temp_folder : "", err);
}

static bool functions_register(struct database *database, struct error *err)
{
    struct connection connection;
    if (duckdb_connect(database->handle, &connection.handle) != DuckDBSuccess)
        return error_set(err, ERROR_FATAL, "duckdb: cannot connect");
    bool ok = sentiment_register(&connection, err);
    duckdb_disconnect(&connection.handle);
    return ok;
}

struct database *database_open(struct database_options options, struct error *err)
{
    duckdb_config config;
    if (duckdb_create_config(&config) != DuckDBSuccess) {
        error_set(err, ERROR_FATAL, "duckdb: cannot make a configuration");
        return NULL;
    }
    struct database *database = NULL;
    duckdb_database handle;
    char *message = NULL;
    if (configure(config, options, err)) {
        if (duckdb_open_ext(NULL, &handle, config, &message) == DuckDBSuccess) {
            database = heap_new(sizeof(*database));
            database->handle = handle;
        } else {
            error_set(err, ERROR_FATAL, "duckdb: cannot open: %s", message);
            duckdb_free(message);
        }
    }
    duckdb_destroy_config(&config);
    if (database != NULL && !functions_register(database, err)) {
        database_close(database);
        return NULL;
    }
    return database;
}

void database_close(struct database *database)
{
    if (database == NULL)
        return;
    duckdb_close(&database->handle);
    heap_free(database);
}

struct connection *connection_open(struct database *database, struct error *err)
{
    duckdb_connection handle;
    if (duckdb_connect(database->handle, &handle) != DuckDBSuccess) {
        error_set(err, ERROR_FATAL, "duckdb: cannot connect");
        return NULL;
    }
    struct connection *connection = heap_new(sizeof(*connection));
    connection->handle = handle;
    if (!connection_execute(connection, "SET TimeZone = 'UTC'", err)) {
        connection_close(connection);
        return NULL;
    }
    return connection;
}

void connection_close(struct connection *connection)
{
    if (connection == NULL)
        return;
    duckdb_disconnect(&connection->handle);
    heap_free(connection);
}

bool connection_execute(struct connection *connection, const char *sql, struct error *err)
{
    duckdb_result result;
    bool ok = duckdb_query(connection->handle, sql, &result) == DuckDBSuccess;
    if (!ok)
        error_set(err, ERROR_USER, "%s", duckdb_result_error(&result));
    duckdb_destroy_result(&result);
    return ok;
}

bool connection_query_text(struct connection *connection, const char *sql, struct buf *out,
                           bool *is_null, struct error *err)
{
    // The cast to text is DuckDB's, so any type prints as its users know it.
    duckdb_result result;
    bool ok = duckdb_query(connection->handle, sql, &result) == DuckDBSuccess;
    *is_null = true;
    if (!ok) {
        error_set(err, ERROR_USER, "%s", duckdb_result_error(&result));
    } else if (duckdb_row_count(&result) > 0 && duckdb_column_count(&result) > 0 &&
               !duckdb_value_is_null(&result, 0, 0)) {
        *is_null = false;
        duckdb_string text = duckdb_value_string(&result, 0, 0);
        buf_add(out, text.data, text.size);
        duckdb_free(text.data);
    }
    duckdb_destroy_result(&result);
    return ok;
}

void connection_interrupt(struct connection *connection)
{
    duckdb_interrupt(connection->handle);
}

bool connection_evaluate(struct connection *connection, struct str expression, struct buf *out,
                         bool *is_null, struct error *err)
{
    AUTO(buf_clear) struct buf sql = {0};
    buf_print(&sql, "SELECT CAST((%.*s\n) AS VARCHAR)", STR_ARGS(expression));
    return connection_query_text(connection, buf_cstr(&sql), out, is_null, err);
}

const struct type *connection_type(struct connection *connection, struct str sql,
                                   struct arena *arena, struct error *err)
{
    AUTO(buf_clear) struct buf text = {0};
    buf_print(&text, "SELECT CAST(NULL AS %.*s\n)", STR_ARGS(sql));
    struct statement *statement = statement_prepare(connection, buf_cstr(&text), err);
    if (statement == NULL)
        return NULL;
    const struct type *type = NULL;
    if (statement_columns_len(statement) == 1)
        type = type_copy(statement_columns(statement)[0].type, arena);
    else
        error_set(err, ERROR_USER, "not a type: %.*s", STR_ARGS(sql));
    statement_free(statement);
    return type;
}
