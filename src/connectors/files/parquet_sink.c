// SPDX-License-Identifier: MIT
// Parquet by DuckDB's COPY over a scan of the rows. One scan per writer, fed chunk by chunk, so a
// file costs no second copy of its rows. Types are cast to what Spark reads back unchanged:
//   TIMESTAMP  -> TIMESTAMP WITH TIME ZONE: written as UTC-adjusted, which is Spark's TimestampType
//                 (the connection's zone is UTC, so the value stays; a column that is a TIMESTAMP
//                 itself is read as the other type, since both are the same microseconds);
//   HUGEINT    -> DECIMAL(38,0): DuckDB would write a DOUBLE and lose digits without a word;
//   UUID       -> VARCHAR: Spark has no such type.
// They are cast inside STRUCT, LIST and MAP too.
#include "connectors/files/writer.h"

#include "base/file.h"
#include "duck/scan.h"
#include <stdatomic.h>
#include <stdio.h>

struct parquet_writer {
    const struct writer_options *options;
    struct connection *connection;
    struct scan *scan;
    struct buf select; // "SELECT .. FROM scan()"
    struct arena arena;
    struct column *columns; // as scanned
    struct chunk *chunk;
};

static void scanned_columns(struct parquet_writer *parquet)
{
    const struct writer_options *options = parquet->options;
    size_t len = options->columns_len;
    const struct type **types = ARENA_ARRAY(&parquet->arena, const struct type *, len);
    parquet->columns = ARENA_ARRAY(&parquet->arena, struct column, len);
    for (size_t i = 0; i < len; i++) {
        parquet->columns[i] = options->columns[i];
        if (options->columns[i].type->kind == TYPE_TIMESTAMP)
            parquet->columns[i].type = type_simple(TYPE_TIMESTAMPTZ);
        types[i] = parquet->columns[i].type;
    }
    parquet->chunk = chunk_new(types, len);
}

static bool type_needs_cast(const struct type *type)
{
    switch ((int)type->kind) {
    case TYPE_TIMESTAMP:
    case TYPE_HUGEINT:
    case TYPE_UUID:
        return true;
    case TYPE_LIST:
    case TYPE_MAP:
        return type_needs_cast(type->child);
    case TYPE_STRUCT:
        for (size_t i = 0; i < type->fields_len; i++) {
            if (type_needs_cast(type->fields[i].type))
                return true;
        }
        return false;
    default:
        return false;
    }
}

// Recursion goes as deep as the type, which the pipeline's text spells out.
static void type_print(struct buf *out, const struct type *type)
{
    switch ((int)type->kind) {
    case TYPE_TIMESTAMP:
        buf_add_cstr(out, "TIMESTAMP WITH TIME ZONE");
        break;
    case TYPE_HUGEINT:
        buf_add_cstr(out, "DECIMAL(38,0)");
        break;
    case TYPE_UUID:
        buf_add_cstr(out, "VARCHAR");
        break;
    case TYPE_LIST:
        type_print(out, type->child);
        buf_add_cstr(out, "[]");
        break;
    case TYPE_MAP:
        buf_add_cstr(out, "MAP(");
        type_print(out, type->child->fields[0].type);
        buf_add_cstr(out, ", ");
        type_print(out, type->child->fields[1].type);
        buf_add_cstr(out, ")");
        break;
    case TYPE_STRUCT:
        buf_add_cstr(out, "STRUCT(");
        for (size_t i = 0; i < type->fields_len; i++) {
            buf_add_cstr(out, i > 0 ? ", " : "");
            buf_add_sql_name(out, type->fields[i].name);
            buf_add_char(out, ' ');
            type_print(out, type->fields[i].type);
        }
        buf_add_cstr(out, ")");
        break;
    default:
        buf_add_cstr(out, type->sql);
    }
}

static void select_print(struct buf *out, const struct writer_options *options,
                         const struct column *columns, const char *scan)
{
    buf_add_cstr(out, "SELECT ");
    for (size_t i = 0; i < options->kept_len; i++) {
        const struct column *column = &columns[options->kept[i]];
        buf_add_cstr(out, i > 0 ? ", " : "");
        if (type_needs_cast(column->type)) {
            buf_add_cstr(out, "CAST(");
            buf_add_sql_name(out, column->name);
            buf_add_cstr(out, " AS ");
            type_print(out, column->type);
            buf_add_cstr(out, ") AS ");
        }
        buf_add_sql_name(out, column->name);
    }
    buf_print(out, " FROM %s()", scan);
}

struct parquet_writer *parquet_writer_new(const struct writer_options *options, struct error *err)
{
    static _Atomic uint64_t scans;
    if (options->database == NULL) {
        error_set(err, ERROR_FATAL, "files: no database to write parquet with");
        return NULL;
    }
    struct parquet_writer *parquet = heap_new(sizeof(*parquet));
    parquet->options = options;
    scanned_columns(parquet);
    char name[64];
    snprintf(name, sizeof(name), "_files_sink_%llu",
             (unsigned long long)atomic_fetch_add(&scans, 1));
    parquet->connection = connection_open(options->database, err);
    if (parquet->connection != NULL)
        parquet->scan =
            scan_new(parquet->connection, name, parquet->columns, options->columns_len, false, err);
    if (parquet->scan == NULL) {
        parquet_writer_free(parquet);
        return NULL;
    }
    select_print(&parquet->select, options, parquet->columns, name);
    return parquet;
}

void parquet_writer_free(struct parquet_writer *parquet)
{
    if (parquet == NULL)
        return;
    if (parquet->scan != NULL)
        scan_free(parquet->scan);
    if (parquet->connection != NULL)
        connection_close(parquet->connection);
    buf_clear(&parquet->select);
    chunk_free(parquet->chunk);
    arena_clear(&parquet->arena);
    heap_free(parquet);
}

static bool next_chunk(void *context, struct chunk **out, struct error *err UNUSED)
{
    *out = segment_cursor_next(context);
    return true;
}

bool parquet_write(struct parquet_writer *parquet, const char *path, struct segment_cursor *cursor,
                   struct error *err)
{
    AUTO(buf_clear) struct buf sql = {0};
    struct str compression = parquet->options->compression;
    if (compression.len == 0)
        compression = STR("snappy");
    else if (str_equal_nocase(compression, STR("none")))
        compression = STR("uncompressed");
    buf_add_cstr(&sql, "COPY (");
    buf_add_str(&sql, buf_str(&parquet->select));
    buf_add_cstr(&sql, ") TO ");
    buf_add_sql_string(&sql, str_of(path));
    buf_add_cstr(&sql, " (FORMAT parquet, COMPRESSION ");
    buf_add_sql_string(&sql, compression);
    buf_add_cstr(&sql, ")");
    if (!file_remove(path, err)) // a piece that a crash left behind
        return false;
    cursor->chunk = parquet->chunk;
    scan_set_callback(parquet->scan, next_chunk, cursor);
    if (connection_execute(parquet->connection, buf_cstr(&sql), err))
        return file_sync_path(path, err);
    // The statement is ours: what fails is the disk or the system, not the user's text.
    err->kind = ERROR_RETRY;
    return error_wrap(err, "files: cannot write %s", path);
}
