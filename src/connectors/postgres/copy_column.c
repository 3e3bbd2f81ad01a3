// SPDX-License-Identifier: MIT
// Wider is always allowed. A narrower integer is too, since count(*) is BIGINT and people's columns
// are INTEGER: each value is checked when it is written. Nothing else converts: a cast in the
// SELECT says what is meant.
#include "connectors/postgres/copy_column.h"

static const struct {
    uint32_t oid;
    const char *name;
    enum copy_form form;
} server_forms[] = {
    {16, "boolean", COPY_BOOL},
    {21, "smallint", COPY_INT2},
    {23, "integer", COPY_INT4},
    {20, "bigint", COPY_INT8},
    {700, "real", COPY_FLOAT4},
    {701, "double precision", COPY_FLOAT8},
    {1700, "numeric", COPY_NUMERIC},
    {25, "text", COPY_TEXT},
    {1043, "varchar", COPY_TEXT},
    {1042, "char", COPY_TEXT},
    {19, "name", COPY_TEXT},
    {114, "json", COPY_TEXT},
    {3802, "jsonb", COPY_JSONB},
    {17, "bytea", COPY_BYTEA},
    {1082, "date", COPY_DATE},
    {1083, "time", COPY_TIME},
    {1114, "timestamp", COPY_TIMESTAMP},
    {1184, "timestamptz", COPY_TIMESTAMP},
    {1186, "interval", COPY_INTERVAL},
    {2950, "uuid", COPY_UUID},
};

static enum copy_form form_of(uint32_t oid, struct str name, bool is_enum)
{
    for (size_t i = 0; i < COUNT_OF(server_forms); i++)
        if (server_forms[i].oid == oid)
            return server_forms[i].form;
    return is_enum || str_is(name, "citext") ? COPY_TEXT : COPY_NONE;
}

#define FORM(form) (1u << (form))
#define INTEGERS (FORM(COPY_INT2) | FORM(COPY_INT4) | FORM(COPY_INT8) | FORM(COPY_NUMERIC))

static const struct {
    enum type_kind kind;
    unsigned forms;
    const char *allowed, *declared;
    enum copy_form read;
} kinds[] = {
    {TYPE_BOOLEAN, FORM(COPY_BOOL), "boolean", "boolean", COPY_BOOL},
    {TYPE_TINYINT, INTEGERS | FORM(COPY_FLOAT8),
     "smallint, integer, bigint, numeric or double precision", "smallint", COPY_INT2},
    {TYPE_SMALLINT, INTEGERS | FORM(COPY_FLOAT8),
     "smallint, integer, bigint, numeric or double precision", "smallint", COPY_INT2},
    {TYPE_INTEGER, INTEGERS | FORM(COPY_FLOAT8),
     "smallint, integer, bigint, numeric or double precision", "integer", COPY_INT4},
    {TYPE_BIGINT, INTEGERS, "smallint, integer, bigint or numeric", "bigint", COPY_INT8},
    {TYPE_UTINYINT, INTEGERS | FORM(COPY_FLOAT8),
     "smallint, integer, bigint, numeric or double precision", "smallint", COPY_INT2},
    {TYPE_USMALLINT, INTEGERS | FORM(COPY_FLOAT8),
     "smallint, integer, bigint, numeric or double precision", "integer", COPY_INT4},
    {TYPE_UINTEGER, INTEGERS | FORM(COPY_FLOAT8),
     "smallint, integer, bigint, numeric or double precision", "bigint", COPY_INT8},
    {TYPE_UBIGINT, INTEGERS, "smallint, integer, bigint or numeric", "numeric(20,0)", COPY_NONE},
    {TYPE_HUGEINT, INTEGERS, "smallint, integer, bigint or numeric", "numeric(39,0)", COPY_NONE},
    {TYPE_FLOAT, FORM(COPY_FLOAT4) | FORM(COPY_FLOAT8), "real or double precision", "real",
     COPY_FLOAT4},
    {TYPE_DOUBLE, FORM(COPY_FLOAT8), "double precision", "double precision", COPY_FLOAT8},
    {TYPE_DECIMAL, FORM(COPY_NUMERIC), "numeric", "numeric", COPY_NUMERIC},
    {TYPE_VARCHAR, FORM(COPY_TEXT) | FORM(COPY_JSONB),
     "text, varchar, char, json, jsonb or an enum", "text", COPY_TEXT},
    {TYPE_BLOB, FORM(COPY_BYTEA), "bytea", "bytea", COPY_BYTEA},
    {TYPE_DATE, FORM(COPY_DATE), "date", "date", COPY_DATE},
    {TYPE_TIME, FORM(COPY_TIME), "time", "time", COPY_TIME},
    {TYPE_TIMESTAMP, FORM(COPY_TIMESTAMP), "timestamp or timestamptz", "timestamp", COPY_TIMESTAMP},
    {TYPE_TIMESTAMPTZ, FORM(COPY_TIMESTAMP), "timestamp or timestamptz", "timestamptz",
     COPY_TIMESTAMP},
    {TYPE_INTERVAL, FORM(COPY_INTERVAL), "interval", "interval", COPY_INTERVAL},
    {TYPE_UUID, FORM(COPY_UUID), "uuid", "uuid", COPY_UUID},
};

static int find_kind(enum type_kind kind)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (kinds[i].kind == kind)
            return (int)i;
    return -1;
}

static enum copy_form scalar_choose(const struct type *type, enum copy_form form)
{
    int at = find_kind(type->kind);
    return at >= 0 && form != COPY_NONE && (kinds[at].forms & FORM(form)) != 0 ? form : COPY_NONE;
}

enum copy_form copy_form_choose(const struct type *type, const struct server_type *server)
{
    if (type->kind != TYPE_LIST)
        return scalar_choose(type, form_of(server->oid, server->name, server->is_enum));
    if (server->element_oid == 0)
        return COPY_NONE;
    return scalar_choose(
        type->child, form_of(server->element_oid, server->element_name, server->element_is_enum));
}

const char *copy_allowed(const struct type *type)
{
    int at = find_kind(type->kind == TYPE_LIST ? type->child->kind : type->kind);
    return at >= 0 ? kinds[at].allowed : NULL;
}

bool copy_server_type(const struct type *type, struct buf *out)
{
    const struct type *value = type->kind == TYPE_LIST ? type->child : type;
    int at = find_kind(value->kind);
    if (at < 0)
        return false;
    bool is_json = value->kind == TYPE_VARCHAR && str_is(str_of(value->sql), "JSON");
    buf_add_cstr(out, is_json ? "jsonb" : kinds[at].declared);
    if (value->kind == TYPE_DECIMAL)
        buf_print(out, "(%d,%d)", value->width, value->scale);
    if (type->kind == TYPE_LIST)
        buf_add_cstr(out, "[]");
    return true;
}

enum copy_form copy_form_read(const struct type *type)
{
    int at = find_kind(type->kind == TYPE_LIST ? type->child->kind : type->kind);
    return at >= 0 ? kinds[at].read : COPY_NONE;
}
