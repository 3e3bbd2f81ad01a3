// SPDX-License-Identifier: MIT
// The catalog is asked in two statements: columns with their types (domains resolved), and whether
// an index covers the key. A user's ddl runs at each start with --create-tables, so that it can
// also make indexes that are missing; made ddl runs only when the table is not there.
#include "connectors/postgres/postgres_table.h"

#include "base/log.h"
#include <string.h>

static const char columns_sql[] =
    "SELECT a.attname, format_type(a.atttypid, a.atttypmod), b.oid, b.typname, b.typtype = 'e', "
    "CASE WHEN b.typcategory = 'A' THEN e.oid ELSE 0 END, coalesce(e.typname, ''), "
    "coalesce(e.typtype = 'e', false), a.attnotnull OR t.typnotnull, "
    "a.atthasdef OR a.attidentity <> '', a.attgenerated <> '' "
    "FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
    "JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END "
    "LEFT JOIN pg_type e ON e.oid = b.typelem AND b.typelem <> 0 "
    "WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

enum {
    NAME,
    SHOWN,
    OID,
    TYPE_NAME,
    IS_ENUM,
    ELEMENT,
    ELEMENT_NAME,
    ELEMENT_ENUM,
    NOT_NULL,
    HAS_DEFAULT,
    IS_GENERATED
};

static const char *cell(const PGresult *result, int row, int column)
{
    return PQgetvalue(result, row, column);
}

static bool cell_is_true(const PGresult *result, int row, int column)
{
    return *cell(result, row, column) == 't';
}

// ---- Making it
// -----------------------------------------------------------------------------------
void postgres_table_ddl(const struct table_wish *wish, struct str name, struct buf *out)
{
    buf_print(out, "CREATE TABLE %.*s (", STR_ARGS(name));
    for (size_t c = 0; c < wish->columns_len; c++) {
        buf_add_cstr(out, c > 0 ? ", " : "");
        buf_add_sql_name(out, wish->columns[c].name);
        buf_add_char(out, ' ');
        if (!copy_server_type(wish->columns[c].type, out))
            buf_add_cstr(out, "text");
    }
    buf_add_cstr(out, ");");
    if (wish->keys_len == 0)
        return;
    buf_print(out, " CREATE INDEX ON %.*s (", STR_ARGS(name));
    for (size_t k = 0; k < wish->keys_len; k++) {
        buf_add_cstr(out, k > 0 ? ", " : "");
        buf_add_sql_name(out, wish->keys[k]);
    }
    buf_add_cstr(out, ");");
}

static bool find_table(struct postgres_link *link, const struct table_wish *wish,
                       const struct postgres_table *table, bool *is_there, struct error *err)
{
    char *name = heap_new(table->name.len + 1);
    memcpy(name, table->name.ptr, table->name.len);
    const char *values[] = {name};
    AUTO(postgres_result_clear)
    PGresult *result = postgres_query_values(
        link, "SELECT relkind FROM pg_class WHERE oid = to_regclass($1)::oid", values, 1, err);
    heap_free(name);
    if (result == NULL)
        return false;
    *is_there = PQntuples(result) == 1;
    if (*is_there && strchr("rpf", *cell(result, 0, 0)) == NULL)
        return error_set(err, ERROR_USER,
                         "postgres: %.*s of sink %.*s is a view or the like: name a table",
                         STR_ARGS(table->name), STR_ARGS(wish->sink));
    return true;
}

static bool create_table(struct postgres_link *link, const struct table_wish *wish, struct str name,
                         bool is_there, struct error *err)
{
    if (is_there && wish->ddl.len == 0)
        return true;
    AUTO(buf_clear) struct buf ddl = {0};
    if (wish->ddl.len > 0)
        buf_add_str(&ddl, wish->ddl);
    else
        postgres_table_ddl(wish, name, &ddl);
    AUTO(postgres_result_clear) PGresult *result = PQexec(link->connection, buf_cstr(&ddl));
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY) {
        if (!is_there)
            log_info("postgres: made table %.*s", STR_ARGS(name));
        return true;
    }
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (is_there && state != NULL && strcmp(state, "42P07") == 0)
        return true; // a ddl without IF NOT EXISTS, and all is there
    postgres_fail(link, result, err);
    if (state != NULL && strcmp(state, "23505") == 0) // another process makes it, too
        err->kind = ERROR_RETRY;
    return error_wrap(err, "cannot make table %.*s", STR_ARGS(name));
}

static bool complain_missing(const struct table_wish *wish, struct str name, struct error *err)
{
    AUTO(buf_clear) struct buf ddl = {0};
    if (wish->ddl.len > 0)
        buf_add_str(&ddl, str_trim(wish->ddl));
    else
        postgres_table_ddl(wish, name, &ddl);
    return error_set(
        err, ERROR_USER,
        "postgres: there is no table %.*s; run with --create-tables, or make it:\n%.*s",
        STR_ARGS(name), STR_ARGS(buf_str(&ddl)));
}

// ---- Checking it
// ---------------------------------------------------------------------------------
static int find_column(const PGresult *result, struct str name)
{
    int found = -1, rows = PQntuples(result);
    for (int row = 0; row < rows; row++)
        if (str_is(name, cell(result, row, NAME)))
            return row;
    for (int row = 0; row < rows; row++) {
        if (!str_equal_nocase(name, str_of(cell(result, row, NAME))))
            continue;
        if (found >= 0)
            return -1; // two that differ in case only
        found = row;
    }
    return found;
}

static bool complain_column(const PGresult *result, const struct postgres_table *table,
                            struct str name, struct error *err)
{
    const char *names[256];
    AUTO(buf_clear) struct buf list = {0};
    size_t len = 0;
    for (int row = 0; row < PQntuples(result) && len < COUNT_OF(names); row++) {
        names[len++] = cell(result, row, NAME);
        buf_print(&list, "%s%s", row > 0 ? ", " : "", cell(result, row, NAME));
    }
    const char *near = nearest_name(name, names, len);
    return error_set(err, ERROR_USER, "postgres: table %.*s has no column %.*s%s%s%s; it has %.*s",
                     STR_ARGS(table->name), STR_ARGS(name), near != NULL ? ", did you mean " : "",
                     near != NULL ? near : "", near != NULL ? "?" : "",
                     (int)(list.len < 600 ? list.len : 600), list.ptr);
}

static bool complain_type(const PGresult *result, int row, const struct postgres_table *table,
                          const struct column *column, struct error *err)
{
    const char *allowed = copy_allowed(column->type);
    bool is_list = column->type->kind == TYPE_LIST;
    if (allowed == NULL)
        return error_set(err, ERROR_USER,
                         "postgres: column %.*s is %s, which PostgreSQL has no type for; write "
                         "to_json(%.*s)::VARCHAR or CAST(%.*s AS VARCHAR)",
                         STR_ARGS(column->name), column->type->sql, STR_ARGS(column->name),
                         STR_ARGS(column->name));
    return error_set(err, ERROR_USER,
                     "postgres: table %.*s, column %s is %s, the sink gives %s: that may go into "
                     "%s%s%s; change the table or CAST in the SELECT",
                     STR_ARGS(table->name), cell(result, row, NAME), cell(result, row, SHOWN),
                     column->type->sql, is_list ? "an array of " : "", allowed, "");
}

static bool take_column(const PGresult *result, const struct column *column,
                        struct postgres_table *table, size_t index, struct arena *arena,
                        struct error *err)
{
    int row = find_column(result, column->name);
    if (row < 0)
        return complain_column(result, table, column->name, err);
    if (cell_is_true(result, row, IS_GENERATED))
        return error_set(err, ERROR_USER,
                         "postgres: table %.*s computes column %s itself: leave it out of the sink",
                         STR_ARGS(table->name), cell(result, row, NAME));
    int64_t oid = 0, element_oid = 0;
    bool is_number = str_parse_int64(str_of(cell(result, row, OID)), &oid) &&
                     str_parse_int64(str_of(cell(result, row, ELEMENT)), &element_oid);
    ASSERT(is_number);
    struct server_type type = {
        .oid = (uint32_t)oid,
        .name = str_of(cell(result, row, TYPE_NAME)),
        .is_enum = cell_is_true(result, row, IS_ENUM),
        .element_oid = (uint32_t)element_oid,
        .element_name = str_of(cell(result, row, ELEMENT_NAME)),
        .element_is_enum = cell_is_true(result, row, ELEMENT_ENUM),
    };
    enum copy_form form = copy_form_choose(column->type, &type);
    if (form == COPY_NONE)
        return complain_type(result, row, table, column, err);
    table->columns[index] = (struct copy_column){
        .name = arena_str(arena, str_of(cell(result, row, NAME))),
        .type = column->type,
        .form = form,
        .is_list = column->type->kind == TYPE_LIST,
        .element_oid = (uint32_t)element_oid,
    };
    return true;
}

static bool check_unwritten(const PGresult *result, const struct table_wish *wish,
                            const struct postgres_table *table, struct error *err)
{
    for (int row = 0; row < PQntuples(result); row++) {
        bool is_written = false;
        for (size_t c = 0; c < wish->columns_len; c++)
            is_written = is_written || str_is(table->columns[c].name, cell(result, row, NAME));
        if (!is_written && cell_is_true(result, row, NOT_NULL) &&
            !cell_is_true(result, row, HAS_DEFAULT) && !cell_is_true(result, row, IS_GENERATED))
            return error_set(err, ERROR_USER,
                             "postgres: table %.*s, column %s is NOT NULL without a default and "
                             "sink %.*s does not write it: add it to the SELECT, or give it a "
                             "DEFAULT",
                             STR_ARGS(table->name), cell(result, row, NAME), STR_ARGS(wish->sink));
    }
    return true;
}

static bool take_keys(const PGresult *result, const struct table_wish *wish,
                      struct postgres_table *table, struct arena *arena, struct error *err)
{
    table->keys = ARENA_ARRAY(arena, size_t, wish->keys_len);
    table->keys_can_be_null = false;
    for (size_t k = 0; k < wish->keys_len; k++) {
        size_t at = 0;
        while (at < wish->columns_len && !str_equal_nocase(wish->keys[k], wish->columns[at].name))
            at++;
        if (at == wish->columns_len)
            return error_set(err, ERROR_USER,
                             "postgres: key column %.*s is not among the columns of sink %.*s",
                             STR_ARGS(wish->keys[k]), STR_ARGS(wish->sink));
        table->keys[k] = at;
        int row = find_column(result, table->columns[at].name);
        ASSERT(row >= 0);
        if (!cell_is_true(result, row, NOT_NULL))
            table->keys_can_be_null = true;
    }
    return true;
}

bool postgres_table_check(struct postgres_link *link, const struct table_wish *wish,
                          struct arena *arena, struct postgres_table *table, struct error *err)
{
    const char *values[] = {arena_cstr(arena, table->name)};
    AUTO(postgres_result_clear)
    PGresult *result = postgres_query_values(link, columns_sql, values, 1, err);
    if (result == NULL)
        return false;
    table->columns = ARENA_ARRAY(arena, struct copy_column, wish->columns_len);
    for (size_t c = 0; c < wish->columns_len; c++)
        if (!take_column(result, &wish->columns[c], table, c, arena, err))
            return false;
    return check_unwritten(result, wish, table, err) && take_keys(result, wish, table, arena, err);
}

// An index that begins with the key columns (in any order), or a unique one over some of them.
static bool warn_no_index(struct postgres_link *link, const struct table_wish *wish,
                          const struct postgres_table *table, struct arena *arena,
                          struct error *err)
{
    static const char sql[] =
        "SELECT 1 FROM pg_index i WHERE i.indrelid = $1::regclass AND i.indisvalid "
        "AND i.indpred IS NULL AND "
        "((i.indisunique AND k.names @> ARRAY(SELECT a.attname::text FROM pg_attribute a "
        "WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey))) OR "
        "k.names <@ ARRAY(SELECT a.attname::text FROM pg_attribute a, "
        "generate_series(0, cardinality(k.names) - 1) n "
        "WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[n])) LIMIT 1";
    AUTO(buf_clear) struct buf statement = {0};
    AUTO(buf_clear) struct buf names = {0};
    for (size_t k = 0; k < wish->keys_len; k++) {
        buf_add_cstr(&names, k > 0 ? "," : "");
        buf_add_sql_string(&names, table->columns[table->keys[k]].name);
    }
    const char *where = strstr(sql, "WHERE");
    buf_add(&statement, sql, (size_t)(where - sql) - 1);
    buf_print(&statement, ", (SELECT ARRAY[%.*s]::text[] AS names) k %s", STR_ARGS(buf_str(&names)),
              where);
    const char *values[] = {arena_cstr(arena, table->name)};
    AUTO(postgres_result_clear)
    PGresult *result = postgres_query_values(link, buf_cstr(&statement), values, 1, err);
    if (result == NULL)
        return false;
    if (PQntuples(result) == 0)
        log_warn(
            "sink %.*s: no index of table %.*s begins with its key (%.*s): each delivery reads "
            "the whole table; make one",
            STR_ARGS(wish->sink), STR_ARGS(table->name), STR_ARGS(buf_str(&names)));
    return true;
}

bool postgres_table_open(struct postgres_link *link, const struct table_wish *wish,
                         struct arena *arena, struct postgres_table *table, struct error *err)
{
    AUTO(buf_clear) struct buf name = {0};
    if (wish->schema.len > 0) {
        buf_add_sql_name(&name, wish->schema);
        buf_add_char(&name, '.');
    }
    buf_add_sql_name(&name, wish->table);
    table->name = arena_str(arena, buf_str(&name));
    bool is_there = false;
    if (!find_table(link, wish, table, &is_there, err))
        return false;
    if (wish->may_create && !create_table(link, wish, table->name, is_there, err))
        return false;
    if (wish->may_create && !find_table(link, wish, table, &is_there, err))
        return false;
    if (!is_there && !wish->may_create)
        return complain_missing(wish, table->name, err);
    if (!is_there)
        return error_set(err, ERROR_USER,
                         "postgres: option ddl of sink %.*s ran, and there still is no table %.*s",
                         STR_ARGS(wish->sink), STR_ARGS(table->name));
    return postgres_table_check(link, wish, arena, table, err) &&
           (wish->keys_len == 0 || warn_no_index(link, wish, table, arena, err));
}
