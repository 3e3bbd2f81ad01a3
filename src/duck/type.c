// SPDX-License-Identifier: MIT
// Types as plain values: comparison and the static types without parameters. Translation from and
// to DuckDB's logical types is in logical_type.c.
#include "duck/type.h"
#include "duck/database.h"

bool type_equal(const struct type *a, const struct type *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->width != b->width || a->scale != b->scale ||
        a->fields_len != b->fields_len)
        return false;
    if (a->kind == TYPE_OTHER || a->kind == TYPE_ENUM)
        return str_equal(str_of(a->sql), str_of(b->sql));
    if ((a->child == NULL) != (b->child == NULL))
        return false;
    if (a->child != NULL && !type_equal(a->child, b->child))
        return false;
    for (size_t i = 0; i < a->fields_len; i++)
        if (!str_equal(a->fields[i].name, b->fields[i].name) ||
            !type_equal(a->fields[i].type, b->fields[i].type))
            return false;
    return true;
}

bool type_is_integer(enum type_kind kind)
{
    return kind >= TYPE_TINYINT && kind <= TYPE_UBIGINT;
}

bool type_is_string(enum type_kind kind)
{
    return kind == TYPE_VARCHAR || kind == TYPE_BLOB;
}

int type_field_find(const struct type *type, struct str name)
{
    for (size_t i = 0; i < type->fields_len; i++)
        if (str_equal_nocase(type->fields[i].name, name))
            return (int)i;
    return -1;
}

static const struct type simple_types[] = {
    [TYPE_BOOLEAN] = {.kind = TYPE_BOOLEAN, .sql = "BOOLEAN", .cell_bytes = 1},
    [TYPE_TINYINT] = {.kind = TYPE_TINYINT, .sql = "TINYINT", .cell_bytes = 1},
    [TYPE_SMALLINT] = {.kind = TYPE_SMALLINT, .sql = "SMALLINT", .cell_bytes = 2},
    [TYPE_INTEGER] = {.kind = TYPE_INTEGER, .sql = "INTEGER", .cell_bytes = 4},
    [TYPE_BIGINT] = {.kind = TYPE_BIGINT, .sql = "BIGINT", .cell_bytes = 8},
    [TYPE_UTINYINT] = {.kind = TYPE_UTINYINT, .sql = "UTINYINT", .cell_bytes = 1},
    [TYPE_USMALLINT] = {.kind = TYPE_USMALLINT, .sql = "USMALLINT", .cell_bytes = 2},
    [TYPE_UINTEGER] = {.kind = TYPE_UINTEGER, .sql = "UINTEGER", .cell_bytes = 4},
    [TYPE_UBIGINT] = {.kind = TYPE_UBIGINT, .sql = "UBIGINT", .cell_bytes = 8},
    [TYPE_HUGEINT] = {.kind = TYPE_HUGEINT, .sql = "HUGEINT", .cell_bytes = 16},
    [TYPE_FLOAT] = {.kind = TYPE_FLOAT, .sql = "FLOAT", .cell_bytes = 4},
    [TYPE_DOUBLE] = {.kind = TYPE_DOUBLE, .sql = "DOUBLE", .cell_bytes = 8},
    [TYPE_VARCHAR] = {.kind = TYPE_VARCHAR, .sql = "VARCHAR", .cell_bytes = 16},
    [TYPE_BLOB] = {.kind = TYPE_BLOB, .sql = "BLOB", .cell_bytes = 16},
    [TYPE_DATE] = {.kind = TYPE_DATE, .sql = "DATE", .cell_bytes = 4},
    [TYPE_TIME] = {.kind = TYPE_TIME, .sql = "TIME", .cell_bytes = 8},
    [TYPE_TIMESTAMP] = {.kind = TYPE_TIMESTAMP, .sql = "TIMESTAMP", .cell_bytes = 8},
    [TYPE_TIMESTAMPTZ] = {.kind = TYPE_TIMESTAMPTZ,
                          .sql = "TIMESTAMP WITH TIME ZONE",
                          .cell_bytes = 8},
    [TYPE_INTERVAL] = {.kind = TYPE_INTERVAL, .sql = "INTERVAL", .cell_bytes = 16},
    [TYPE_UUID] = {.kind = TYPE_UUID, .sql = "UUID", .cell_bytes = 16},
};

const struct type *type_simple(enum type_kind kind)
{
    ASSERT((size_t)kind < COUNT_OF(simple_types) && simple_types[kind].sql != NULL);
    return &simple_types[kind];
}

const struct type *type_copy(const struct type *type, struct arena *arena)
{
    struct type *copy = ARENA_NEW(arena, struct type);
    *copy = *type;
    copy->sql = arena_cstr(arena, str_of(type->sql));
    if (type->child != NULL)
        copy->child = (struct type *)type_copy(type->child, arena);
    copy->fields = ARENA_ARRAY(arena, struct type_field, type->fields_len);
    for (size_t i = 0; i < type->fields_len; i++) {
        copy->fields[i].name = arena_str(arena, type->fields[i].name);
        copy->fields[i].type = (struct type *)type_copy(type->fields[i].type, arena);
    }
    return copy;
}
