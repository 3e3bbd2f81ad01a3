// SPDX-License-Identifier: MIT
// Parquet as a log of rows. Chunks must come in the order of the file, on every machine, so that a
// row number is a position: the reader has a small DuckDB instance of its own with one thread (the
// job's instance gives up insertion order for speed). A file is read in ranges of row numbers,
// since a statement's result is held in memory as a whole.
#include "connectors/files/parquet_source.h"

#include "duck/database.h"
#include <string.h>

#define RANGE_ROWS 122880 // rows of one statement

struct parquet_reader {
    const struct source_context *context;
    struct database *database;
    struct connection *connection;
    struct arena arena;
    struct buf place; // the file that `select` is for
    struct buf select;
    int64_t rows; // in that file
    // Chunks read and not yet handed out: ready[ready_at..ready_len), from row ready_row on.
    struct chunk *ready[RANGE_ROWS / 64];
    size_t ready_at, ready_len;
    int64_t ready_row;
};

struct parquet_reader *parquet_reader_new(const struct source_context *context, struct error *err)
{
    struct parquet_reader *reader = heap_new(sizeof(*reader));
    reader->context = context;
    reader->rows = -1;
    reader->database = database_open((struct database_options){.threads = 1}, err);
    if (reader->database != NULL)
        reader->connection = connection_open(reader->database, err);
    if (reader->connection == NULL) {
        parquet_reader_free(reader);
        return NULL;
    }
    return reader;
}

static void ready_clear(struct parquet_reader *reader)
{
    while (reader->ready_at < reader->ready_len)
        chunk_free(reader->ready[reader->ready_at++]);
    reader->ready_at = reader->ready_len = 0;
}

void parquet_reader_free(struct parquet_reader *reader)
{
    if (reader == NULL)
        return;
    ready_clear(reader);
    if (reader->connection != NULL)
        connection_close(reader->connection);
    if (reader->database != NULL)
        database_close(reader->database);
    buf_clear(&reader->place);
    buf_clear(&reader->select);
    arena_clear(&reader->arena);
    heap_free(reader);
}

static void from_print(struct buf *out, const char *place)
{
    buf_add_cstr(out, " FROM read_parquet(");
    buf_add_sql_string(out, str_of(place));
    buf_add_cstr(out, ", hive_partitioning = true, file_row_number = true)");
}

// The type of column path[0] in the file, NULL when the file has no such column.
static const struct type *file_type(const struct statement *statement,
                                    const struct format_column *field)
{
    const struct column *columns = statement_columns(statement);
    for (size_t i = 0; i < statement_columns_len(statement); i++) {
        if (str_equal(columns[i].name, field->path[0]))
            return columns[i].type;
    }
    return NULL;
}

// A value of the declared type from the field's place in the file; missing fields are NULL.
static void field_print(struct buf *out, const struct format_column *field, const struct type *type)
{
    bool is_there = type != NULL;
    for (size_t i = 1; i < field->path_len && is_there; i++) {
        int at = type->kind == TYPE_STRUCT ? type_field_find(type, field->path[i]) : -1;
        is_there = at >= 0;
        type = is_there ? type->fields[at].type : NULL;
    }
    buf_add_cstr(out, "CAST(");
    if (!is_there)
        buf_add_cstr(out, "NULL");
    // Text with an offset would lose it on the way to TIMESTAMP.
    bool is_time_text =
        is_there && type->kind == TYPE_VARCHAR && field->type->kind == TYPE_TIMESTAMP;
    buf_add_cstr(out, is_time_text ? "CAST(" : "");
    for (size_t i = 0; i < field->path_len && is_there; i++) {
        buf_add_cstr(out, i > 0 ? "." : "");
        buf_add_sql_name(out, field->path[i]);
    }
    buf_add_cstr(out, is_time_text ? " AS TIMESTAMP WITH TIME ZONE)" : "");
    buf_print(out, " AS %s)", field->type->sql);
}

static bool select_make(struct parquet_reader *reader, const char *place, struct error *err)
{
    AUTO(buf_clear) struct buf sql = {0};
    AUTO(buf_clear) struct buf count = {0};
    buf_reset(&reader->select);
    buf_add_cstr(&sql, "SELECT *");
    from_print(&sql, place);
    struct statement *statement = statement_prepare(reader->connection, buf_cstr(&sql), err);
    if (statement == NULL)
        return false;
    const struct source_context *context = reader->context;
    buf_add_cstr(&reader->select, "SELECT ");
    for (size_t column = 0; column < context->columns_len; column++) {
        const struct format_column *field = NULL;
        for (size_t i = 0; i < context->columns_len && field == NULL; i++) {
            if (context->fields[i].target == (int)column)
                field = &context->fields[i];
        }
        field = field != NULL ? field : &context->fields[column];
        buf_add_cstr(&reader->select, column > 0 ? ", " : "");
        field_print(&reader->select, field, file_type(statement, field));
    }
    statement_free(statement);
    from_print(&reader->select, place);
    buf_reset(&sql);
    buf_add_cstr(&sql, "SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata(");
    buf_add_sql_string(&sql, str_of(place));
    buf_add_char(&sql, ')');
    bool is_null;
    if (!connection_query_text(reader->connection, buf_cstr(&sql), &count, &is_null, err))
        return false;
    if (is_null || !str_parse_int64(buf_str(&count), &reader->rows))
        return error_set(err, ERROR_FATAL, "number of rows not known");
    buf_reset(&reader->place);
    buf_add_cstr(&reader->place, place);
    return true;
}

static void chunk_add(struct batch *batch, struct chunk *chunk)
{
    if (batch->chunks_len == batch->chunks_capacity) {
        size_t capacity = batch->chunks_capacity == 0 ? 64 : batch->chunks_capacity * 2;
        batch->chunks = heap_resize(batch->chunks, capacity * sizeof(*batch->chunks));
        batch->chunks_capacity = capacity;
    }
    batch->chunks[batch->chunks_len++] = chunk;
}

static bool range_read(struct parquet_reader *reader, int64_t from, int64_t rows, struct error *err)
{
    AUTO(buf_clear) struct buf sql = {0};
    ready_clear(reader);
    buf_add_str(&sql, buf_str(&reader->select));
    buf_print(&sql, " WHERE file_row_number >= %lld AND file_row_number < %lld", (long long)from,
              (long long)(from + rows));
    struct statement *statement = statement_prepare(reader->connection, buf_cstr(&sql), err);
    if (statement == NULL)
        return false;
    bool is_done = statement_execute(statement, err);
    int64_t got = 0;
    struct chunk *chunk;
    reader->ready_row = from;
    while (is_done && (chunk = statement_take(statement)) != NULL) {
        ASSERT(reader->ready_len < COUNT_OF(reader->ready));
        got += (int64_t)chunk->rows;
        reader->ready[reader->ready_len++] = chunk;
    }
    statement_free(statement);
    if (is_done && got != rows)
        return error_set(err, ERROR_FATAL, "%lld rows came from row %lld on, not %lld",
                         (long long)got, (long long)from, (long long)rows);
    return is_done;
}

// Chunks are handed out whole, at least one.
static void chunks_hand_out(struct parquet_reader *reader, struct batch *batch, size_t rows_max)
{
    size_t rows = 0;
    while (reader->ready_at < reader->ready_len &&
           (rows == 0 || rows + reader->ready[reader->ready_at]->rows <= rows_max)) {
        struct chunk *chunk = reader->ready[reader->ready_at++];
        rows += chunk->rows;
        reader->ready_row += (int64_t)chunk->rows;
        chunk_add(batch, chunk);
    }
}

bool parquet_read(struct parquet_reader *reader, const char *place, struct batch *batch,
                  int64_t row, size_t rows_max, int64_t *next_row, bool *is_end, struct error *err)
{
    bool is_known = str_equal(buf_str(&reader->place), str_of(place));
    if (!is_known)
        ready_clear(reader);
    if (!is_known && !select_make(reader, place, err)) {
        err->kind = ERROR_FATAL;
        return error_wrap(err, "files: cannot read %s as parquet", place);
    }
    int64_t rows = reader->rows - row;
    if (rows < 0)
        return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                              "files: %s has %lld rows, the checkpoint stands at %lld", place,
                              (long long)reader->rows, (long long)row);
    rows = rows < RANGE_ROWS ? rows : RANGE_ROWS;
    bool is_ready = reader->ready_at < reader->ready_len && reader->ready_row == row;
    if (rows > 0 && !is_ready && !range_read(reader, row, rows, err)) {
        err->kind = ERROR_FATAL;
        return error_wrap(err, "files: cannot read %s", place);
    }
    *next_row = row;
    if (rows > 0) {
        chunks_hand_out(reader, batch, rows_max);
        *next_row = reader->ready_row;
    }
    *is_end = *next_row == reader->rows;
    return true;
}
