// SPDX-License-Identifier: MIT
// With a key the newest row of a key wins, within a delivery too: each row carries its number
// there. NULL keys are equal to each other, as in GROUP BY; only when there can be some is the
// comparison one that no index serves.
#include "connectors/postgres/postgres_write.h"

#include "base/failpoint.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void table_writer_open(struct table_writer *writer, const struct table_wish *wish,
                       const struct postgres_table *table)
{
    *writer = (struct table_writer){.wish = wish, .table = table};
    const struct type **types = heap_array(wish->columns_len + 1, sizeof(*types));
    for (size_t i = 0; i < wish->columns_len; i++)
        types[i] = wish->columns[i].type;
    writer->chunk = chunk_new(types, wish->columns_len);
    writer->encoder = copy_encoder_new();
    heap_free(types);
}

void table_writer_clear(struct table_writer *writer)
{
    if (writer->chunk != NULL)
        chunk_free(writer->chunk);
    copy_encoder_free(writer->encoder);
    buf_clear(&writer->bytes);
    *writer = (struct table_writer){0};
}

// ---- Texts
// ---------------------------------------------------------------------------------------
static void add_stage(const struct table_writer *writer, struct buf *out)
{
    AUTO(buf_clear) struct buf name = {0};
    buf_print(&name, "firesteel_stage_%.*s", STR_ARGS(writer->wish->sink));
    buf_add_cstr(out, "pg_temp.");
    buf_add_sql_name(out, buf_str(&name));
}

static void add_columns(const struct table_writer *writer, struct buf *out)
{
    for (size_t c = 0; c < writer->wish->columns_len; c++) {
        buf_add_cstr(out, c > 0 ? ", " : "");
        buf_add_sql_name(out, writer->table->columns[c].name);
    }
}

static void add_key(const struct table_writer *writer, size_t key, const char *alias,
                    struct buf *out)
{
    buf_add_cstr(out, alias);
    buf_add_sql_name(out, writer->table->columns[writer->table->keys[key]].name);
}

bool table_writer_begin(struct table_writer *writer, struct postgres_link *link, struct error *err)
{
    if (writer->wish->keys_len == 0)
        return true;
    AUTO(buf_clear) struct buf sql = {0};
    buf_add_cstr(&sql, "CREATE TEMP TABLE ");
    AUTO(buf_clear) struct buf name = {0};
    add_stage(writer, &name);
    buf_add_str(&sql, str_slice(buf_str(&name), strlen("pg_temp."), name.len));
    buf_add_cstr(&sql, " ON COMMIT DELETE ROWS AS SELECT ");
    add_columns(writer, &sql);
    buf_print(&sql, ", 0::bigint AS firesteel_row FROM %.*s WITH NO DATA",
              STR_ARGS(writer->table->name));
    return postgres_execute(link, buf_cstr(&sql), err) ||
           error_wrap(err, "cannot make a temporary table");
}

// ---- COPY
// ----------------------------------------------------------------------------------------
// Where the server says the row is: "COPY moments, line 3, column metadata: ..".
static int64_t context_line(const PGresult *result)
{
    const char *context = PQresultErrorField(result, PG_DIAG_CONTEXT);
    const char *copy = context != NULL ? strstr(context, "COPY ") : NULL;
    const char *line = copy != NULL ? strstr(copy, ", line ") : NULL;
    return line != NULL ? strtoll(line + 7, NULL, 10) : 0;
}

static void context_column(const PGresult *result, struct buf *out)
{
    const char *context = PQresultErrorField(result, PG_DIAG_CONTEXT);
    const char *name = PQresultErrorField(result, PG_DIAG_COLUMN_NAME);
    const char *copy = context != NULL ? strstr(context, "COPY ") : NULL;
    const char *column = copy != NULL ? strstr(copy, ", column ") : NULL;
    if (name != NULL)
        buf_print(out, ", column %s", name);
    else if (column != NULL)
        buf_print(out, ", column %.*s", (int)strcspn(column + 9, ":\n"), column + 9);
}

// "postgres: reason" becomes "postgres: table t, place: reason".
static bool wrap_table(const struct table_writer *writer, const char *place, struct error *err)
{
    struct error reason = *err;
    const char *text = reason.text + (str_starts(str_of(reason.text), "postgres: ") ? 10 : 0);
    snprintf(err->text, sizeof(err->text), "%s", text);
    return error_wrap(err, "postgres: table %.*s%s", STR_ARGS(writer->table->name), place);
}

// row: 0 when the server does not say which.
static bool refuse_row(const struct table_writer *writer, const struct delivery *delivery,
                       int64_t row, const char *column, struct error *err)
{
    AUTO(buf_clear) struct buf place = {0};
    char number[32] = "a row";
    if (row > 0)
        snprintf(number, sizeof(number), "row %lld", (long long)row);
    buf_print(&place, "%s, %s of %lld in epoch %llu", column, number, (long long)delivery->rows,
              (unsigned long long)delivery->epoch);
    return wrap_table(writer, buf_cstr(&place), err);
}

static bool copy_fail(const struct table_writer *writer, struct postgres_link *link,
                      const struct delivery *delivery, const PGresult *result, struct error *err)
{
    postgres_fail(link, result, err);
    if (err->kind != ERROR_DATA)
        return wrap_table(writer, "", err);
    AUTO(buf_clear) struct buf column = {0};
    context_column(result, &column);
    int64_t row = context_line(result);
    return refuse_row(writer, delivery, row, buf_cstr(&column), err);
}

static bool send_bytes(struct table_writer *writer, struct postgres_link *link, struct error *err)
{
    bool ok = PQputCopyData(link->connection, writer->bytes.ptr, (int)writer->bytes.len) == 1;
    buf_reset(&writer->bytes);
    return ok || postgres_fail(link, NULL, err);
}

static bool send_rows(struct table_writer *writer, struct postgres_link *link,
                      const struct delivery *delivery, struct error *err)
{
    bool has_key = writer->wish->keys_len > 0;
    int64_t row = 0;
    buf_reset(&writer->bytes);
    copy_begin(&writer->bytes);
    for (size_t s = 0; s < delivery->segments_len; s++) {
        const struct segment *segment = delivery->segments[s];
        for (int64_t at = 0; at < segment->rows;) {
            int64_t left = segment->rows - at;
            size_t count = (size_t)(left < ROWS_PER_VECTOR ? left : ROWS_PER_VECTOR);
            struct copy_problem problem;
            segment_read(segment, at, count, writer->chunk);
            if (!copy_encode(writer->encoder, writer->table->columns, writer->wish->columns_len,
                             writer->chunk, has_key ? row : -1, &writer->bytes, &problem)) {
                AUTO(buf_clear) struct buf column = {0};
                buf_print(&column, ", column %.*s",
                          STR_ARGS(writer->table->columns[problem.column].name));
                error_set(err, ERROR_DATA, "%s", problem.reason);
                return refuse_row(writer, delivery, row + (int64_t)problem.row + 1,
                                  buf_cstr(&column), err);
            }
            row += (int64_t)count;
            at += (int64_t)count;
            if (writer->bytes.len >= (64 << 10) && !send_bytes(writer, link, err))
                return false;
        }
    }
    copy_end(&writer->bytes);
    return send_bytes(writer, link, err);
}

static bool copy_rows(struct table_writer *writer, struct postgres_link *link,
                      const struct delivery *delivery, struct error *err)
{
    bool has_key = writer->wish->keys_len > 0;
    AUTO(buf_clear) struct buf sql = {0};
    buf_add_cstr(&sql, "COPY ");
    if (has_key)
        add_stage(writer, &sql);
    else
        buf_add_str(&sql, writer->table->name);
    buf_add_cstr(&sql, " (");
    add_columns(writer, &sql);
    buf_add_cstr(&sql, has_key ? ", firesteel_row" : "");
    buf_add_cstr(&sql, ") FROM STDIN WITH (FORMAT binary)");
    if (!postgres_execute(link, buf_cstr(&sql), err))
        return wrap_table(writer, "", err);
    if (!send_rows(writer, link, delivery, err))
        return false;
    if (PQputCopyEnd(link->connection, NULL) != 1)
        return postgres_fail(link, NULL, err);
    AUTO(postgres_result_clear) PGresult *result = PQgetResult(link->connection);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        return copy_fail(writer, link, delivery, result, err);
    PQclear(PQgetResult(link->connection)); // NULL: the statement is over
    int64_t copied = -1;
    if (!str_parse_int64(str_of(PQcmdTuples(result)), &copied) || copied != delivery->rows)
        return error_set(err, ERROR_FATAL,
                         "postgres: table %.*s took %lld of %lld rows: does a trigger or rule drop "
                         "some?",
                         STR_ARGS(writer->table->name), (long long)copied,
                         (long long)delivery->rows);
    return true;
}

// ---- By key
// --------------------------------------------------------------------------------------
static bool execute_checked(struct table_writer *writer, struct postgres_link *link,
                            const struct delivery *delivery, struct buf *sql, struct error *err)
{
    AUTO(postgres_result_clear) PGresult *result = PQexec(link->connection, buf_cstr(sql));
    return PQresultStatus(result) == PGRES_COMMAND_OK ||
           copy_fail(writer, link, delivery, result, err);
}

static void delete_print(const struct table_writer *writer, bool is_null_safe, struct buf *sql)
{
    buf_print(sql, "DELETE FROM %.*s t USING ", STR_ARGS(writer->table->name));
    add_stage(writer, sql);
    buf_add_cstr(sql, " s WHERE ");
    for (size_t k = 0; k < writer->wish->keys_len; k++) {
        buf_add_cstr(sql, k > 0 ? " AND " : "");
        add_key(writer, k, "t.", sql);
        buf_add_cstr(sql, is_null_safe ? " IS NOT DISTINCT FROM " : " = ");
        add_key(writer, k, "s.", sql);
    }
    for (size_t k = 0; is_null_safe && k < writer->wish->keys_len; k++) {
        buf_add_cstr(sql, k > 0 ? " OR " : " AND (");
        add_key(writer, k, "s.", sql);
        buf_add_cstr(sql, " IS NULL");
    }
    buf_add_cstr(sql, is_null_safe ? ")" : "");
}

static void insert_print(const struct table_writer *writer, struct buf *sql)
{
    buf_print(sql, "INSERT INTO %.*s (", STR_ARGS(writer->table->name));
    add_columns(writer, sql);
    buf_add_cstr(sql, ") SELECT ");
    add_columns(writer, sql);
    buf_add_cstr(sql, " FROM (SELECT DISTINCT ON (");
    for (size_t k = 0; k < writer->wish->keys_len; k++)
        add_key(writer, k, k > 0 ? ", " : "", sql);
    buf_add_cstr(sql, ") * FROM ");
    add_stage(writer, sql);
    buf_add_cstr(sql, " ORDER BY ");
    for (size_t k = 0; k < writer->wish->keys_len; k++)
        add_key(writer, k, k > 0 ? ", " : "", sql);
    buf_add_cstr(sql, ", firesteel_row DESC) s");
}

static bool apply_stage(struct table_writer *writer, struct postgres_link *link,
                        const struct delivery *delivery, struct error *err)
{
    AUTO(buf_clear) struct buf sql = {0};
    delete_print(writer, false, &sql);
    if (!execute_checked(writer, link, delivery, &sql, err))
        return false;
    if (writer->table->keys_can_be_null) {
        buf_reset(&sql);
        buf_add_cstr(&sql, "SELECT 1 FROM ");
        add_stage(writer, &sql);
        buf_add_cstr(&sql, " WHERE ");
        for (size_t k = 0; k < writer->wish->keys_len; k++) {
            add_key(writer, k, k > 0 ? " OR " : "", &sql);
            buf_add_cstr(&sql, " IS NULL");
        }
        buf_add_cstr(&sql, " LIMIT 1");
        AUTO(postgres_result_clear) PGresult *nulls = postgres_query(link, buf_cstr(&sql), err);
        if (nulls == NULL)
            return false;
        buf_reset(&sql);
        delete_print(writer, true, &sql);
        if (PQntuples(nulls) > 0 && !execute_checked(writer, link, delivery, &sql, err))
            return false;
    }
    FAILPOINT("postgres.deleted");
    buf_reset(&sql);
    insert_print(writer, &sql);
    return execute_checked(writer, link, delivery, &sql, err);
}

bool table_write(struct table_writer *writer, struct postgres_link *link,
                 const struct delivery *delivery, bool is_again, struct error *err)
{
    bool has_key = writer->wish->keys_len > 0;
    if (has_key && is_again) { // the temporary table empties itself only at the end
        AUTO(buf_clear) struct buf sql = {0};
        buf_add_cstr(&sql, "TRUNCATE ");
        add_stage(writer, &sql);
        if (!postgres_execute(link, buf_cstr(&sql), err))
            return false;
    }
    return copy_rows(writer, link, delivery, err) &&
           (!has_key || apply_stage(writer, link, delivery, err));
}
