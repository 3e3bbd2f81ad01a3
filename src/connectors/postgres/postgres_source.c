// SPDX-License-Identifier: MIT
// Source 'postgres': a table or query, read once. The server makes each row a JSON object, which
// the usual decoder turns into the declared columns: so STRUCT columns over jsonb, quarantine and
// constraints work as they do for any other source. Rows come by binary COPY (a message a row), so
// nothing is unescaped.
//
// A table has no order and no offsets to come back to: a run that breaks off begins anew, and a
// checkpoint that has read part of a table cannot go on.
#include "base/failpoint.h"
#include "connectors/postgres/copy_value.h"
#include "connectors/postgres/postgres.h"
#include "connectors/postgres/postgres_link.h"

#include <poll.h>
#include <string.h>

#define COPY_HEAD 19 // bytes in front of the first row
#define WAIT_MS 50

struct postgres_source_options {
    struct postgres_options address;
    struct str schema, table, query;
};

#define OPTION(name, kind, fallback, help)                                                         \
    {                                                                                              \
#name, kind, fallback, help, offsetof(struct postgres_source_options, name), NULL          \
    }
static const struct option source_options[] = {
    POSTGRES_ADDRESS_OPTIONS(struct postgres_source_options),
    OPTION(schema, OPTION_TEXT, "", "of the table; default: as the search_path says"),
    OPTION(table, OPTION_TEXT, "", "'name' or 'schema.name'"),
    OPTION(query, OPTION_TEXT, "", "a SELECT instead of a table"),
};

struct source {
    struct arena arena;
    struct postgres_address address;
    struct postgres_link link;
    struct str sql; // COPY ..
    struct partition partition;
    bool is_reading, has_head;
};

static void postgres_close(struct source *source)
{
    postgres_link_close(&source->link);
    arena_clear(&source->arena);
    heap_free(source);
}

static void copy_print(const struct postgres_source_options *options, struct buf *sql)
{
    struct str schema = options->schema, table = options->table;
    int64_t dot = str_find(table, '.');
    if (schema.len == 0 && dot > 0) {
        schema = str_slice(table, 0, (size_t)dot);
        table = str_slice(table, (size_t)dot + 1, table.len);
    }
    buf_add_cstr(sql, "COPY (SELECT row_to_json(r)::text FROM ");
    if (options->query.len > 0) {
        struct str query = str_trim(options->query);
        while (str_ends(query, ";"))
            query = str_trim(str_slice(query, 0, query.len - 1));
        buf_print(sql, "(%.*s\n) r", STR_ARGS(query)); // it may end with a comment
    } else {
        if (schema.len > 0) {
            buf_add_sql_name(sql, schema);
            buf_add_char(sql, '.');
        }
        buf_add_sql_name(sql, table);
        buf_add_cstr(sql, " r");
    }
    buf_add_cstr(sql, ") TO STDOUT WITH (FORMAT binary)");
}

static bool check_options(const struct postgres_source_options *options,
                          const struct source_context *context, struct error *err)
{
    if ((options->table.len > 0) == (options->query.len > 0))
        return error_set(err, ERROR_USER, "postgres: give either table or query");
    if (!str_is(context->format, "json"))
        return error_set(err, ERROR_USER, "postgres: rows come as json: leave option format out");
    if (context->execution == EXECUTION_STREAM)
        return error_set(err, ERROR_USER,
                         "postgres: a table is read once, as it is at start: run with --batch or "
                         "--once");
    return true;
}

static struct source *postgres_open(const void *options, const struct source_context *context,
                                    struct error *err)
{
    const struct postgres_source_options *given = options;
    if (!check_options(given, context, err))
        return NULL;
    struct source *source = heap_new(sizeof(*source));
    AUTO(buf_clear) struct buf text = {0};
    buf_print(&text, "firesteel %.*s", STR_ARGS(context->name));
    if (!postgres_address_make(&given->address, buf_cstr(&text), &source->arena, &source->address,
                               err)) {
        postgres_close(source);
        return NULL;
    }
    source->link.address = &source->address;
    buf_reset(&text);
    copy_print(given, &text);
    source->sql = arena_str(&source->arena, buf_str(&text));
    source->partition.name =
        given->query.len > 0 ? STR("query") : arena_str(&source->arena, given->table);
    return source;
}

static bool postgres_list(struct source *source, const struct partition **partitions, size_t *len,
                          struct error *err UNUSED)
{
    *partitions = &source->partition;
    *len = 1;
    return true;
}

static bool postgres_seek(struct source *source, const struct partition *partitions, size_t len,
                          struct error *err)
{
    for (size_t i = 0; i < len; i++) {
        if (!str_equal(partitions[i].name, source->partition.name) || partitions[i].offset == 0)
            continue;
        return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                              "postgres: the checkpoint has read %lld rows of %.*s, and a table "
                              "has no order to go on "
                              "in; begin with a new checkpoint, or run with --batch",
                              (long long)partitions[i].offset, STR_ARGS(source->partition.name));
    }
    return true;
}

// ---- Reading
// -------------------------------------------------------------------------------------
static bool begin(struct source *source, struct error *err)
{
    if (!postgres_link_open(&source->link, NULL, err))
        return false;
    AUTO(postgres_result_clear)
    PGresult *result = postgres_query(&source->link, source->sql.ptr, err);
    if (result == NULL) {
        postgres_link_close(&source->link);
        return false;
    }
    source->is_reading = true;
    return true;
}

// Rows were handed out already, so beginning anew would give them twice.
static bool broken(struct source *source, struct error *err)
{
    postgres_link_close(&source->link);
    source->is_reading = source->has_head = false;
    if (source->partition.offset == 0 || err->kind != ERROR_RETRY)
        return false;
    err->kind = ERROR_FATAL;
    return error_wrap(err, "postgres: after row %lld of %.*s; run again",
                      (long long)source->partition.offset, STR_ARGS(source->partition.name));
}

static bool finish(struct source *source, struct error *err)
{
    AUTO(postgres_result_clear) PGresult *result = PQgetResult(source->link.connection);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        postgres_fail(&source->link, result, err);
        return broken(source, err);
    }
    PQclear(PQgetResult(source->link.connection));
    postgres_link_close(&source->link);
    source->is_reading = false;
    source->partition.is_end = source->partition.is_done = true;
    return true;
}

// One message: [head] int16 1, int32 length, text; or int16 -1 at the end.
static bool take_row(struct source *source, struct batch *batch, const char *bytes, size_t len,
                     struct error *err)
{
    if (!source->has_head) {
        source->has_head = len >= COPY_HEAD && memcmp(bytes, "PGCOPY\n", 7) == 0;
        if (!source->has_head)
            return error_set(err, ERROR_FATAL, "postgres: what came is not binary COPY");
        bytes += COPY_HEAD;
        len -= COPY_HEAD;
    }
    if (len == 0 || (len == 2 && get_i16(bytes) == -1))
        return true;
    bool is_row = len >= 6 && get_i16(bytes) == 1 && get_i32(bytes + 2) == (int32_t)(len - 6);
    if (!is_row)
        return error_set(err, ERROR_FATAL, "postgres: a row of binary COPY is damaged");
    bytes += 6;
    len -= 6;
    char *copy = arena_bytes(&batch->arena, len + 64);
    memcpy(copy, bytes, len);
    memset(copy + len, 0, 64);
    batch_add(batch, copy, len, 0, source->partition.offset);
    source->partition.offset++;
    return true;
}

static bool wait_readable(struct source *source, struct error *err)
{
    struct pollfd wait = {.fd = PQsocket(source->link.connection), .events = POLLIN};
    if (wait.fd >= 0)
        poll(&wait, 1, WAIT_MS);
    return PQconsumeInput(source->link.connection) == 1 || postgres_fail(&source->link, NULL, err);
}

static bool read_rows(struct source *source, struct batch *batch, size_t rows_max, size_t bytes_max,
                      struct error *err)
{
    bool has_waited = false;
    while (batch->rows < rows_max && batch->bytes < bytes_max) {
        char *message = NULL;
        int len = PQgetCopyData(source->link.connection, &message, true);
        if (len > 0) {
            bool ok = take_row(source, batch, message, (size_t)len, err);
            PQfreemem(message);
            if (!ok)
                return false;
            continue;
        }
        if (len == -1)
            return finish(source, err);
        if (len == -2)
            return postgres_fail(&source->link, NULL, err);
        if (batch->rows > 0 || has_waited)
            return true;
        if (!wait_readable(source, err))
            return false;
        has_waited = true;
    }
    return true;
}

static bool postgres_read(struct source *source, struct batch *batch, size_t rows_max,
                          size_t bytes_max, enum read_state *state, struct error *err)
{
    batch_reset(batch);
    batch->arrival_us = clock_monotonic_us();
    struct partition *partition = &source->partition;
    if (partition->is_done) {
        *state = READ_END;
        return true;
    }
    FAILPOINT("postgres.read");
    if (!source->is_reading && !begin(source, err))
        return false;
    if (!read_rows(source, batch, rows_max, bytes_max, err))
        return broken(source, err);
    partition->line = partition->offset;
    if (batch->rows > 0 || partition->is_done)
        batch_position_set(batch, 0, partition->offset, partition->line, partition->is_end,
                           partition->is_done);
    *state = batch->rows > 0 || partition->is_done ? READ_ROWS : READ_IDLE;
    return true;
}

static bool postgres_acknowledge(struct source *source UNUSED,
                                 const struct partition *partitions UNUSED, size_t len UNUSED,
                                 struct error *err UNUSED)
{
    return true;
}

const struct source_type postgres_source_type = {
    .name = "postgres",
    .summary = "a table or query of PostgreSQL, read once",
    .options = source_options,
    .options_len = COUNT_OF(source_options),
    .options_size = sizeof(struct postgres_source_options),
    .open = postgres_open,
    .list = postgres_list,
    .seek = postgres_seek,
    .read = postgres_read,
    .acknowledge = postgres_acknowledge,
    .close = postgres_close,
};
