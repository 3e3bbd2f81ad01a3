// SPDX-License-Identifier: MIT
// Translation between DuckDB's logical types and ours, both ways.
#include "duck/internal.h"

static const struct {
    duckdb_type id;
    enum type_kind kind;
} simple[] = {
    {DUCKDB_TYPE_BOOLEAN, TYPE_BOOLEAN},     {DUCKDB_TYPE_TINYINT, TYPE_TINYINT},
    {DUCKDB_TYPE_SMALLINT, TYPE_SMALLINT},   {DUCKDB_TYPE_INTEGER, TYPE_INTEGER},
    {DUCKDB_TYPE_BIGINT, TYPE_BIGINT},       {DUCKDB_TYPE_UTINYINT, TYPE_UTINYINT},
    {DUCKDB_TYPE_USMALLINT, TYPE_USMALLINT}, {DUCKDB_TYPE_UINTEGER, TYPE_UINTEGER},
    {DUCKDB_TYPE_UBIGINT, TYPE_UBIGINT},     {DUCKDB_TYPE_HUGEINT, TYPE_HUGEINT},
    {DUCKDB_TYPE_FLOAT, TYPE_FLOAT},         {DUCKDB_TYPE_DOUBLE, TYPE_DOUBLE},
    {DUCKDB_TYPE_VARCHAR, TYPE_VARCHAR},     {DUCKDB_TYPE_BLOB, TYPE_BLOB},
    {DUCKDB_TYPE_DATE, TYPE_DATE},           {DUCKDB_TYPE_TIME, TYPE_TIME},
    {DUCKDB_TYPE_TIMESTAMP, TYPE_TIMESTAMP}, {DUCKDB_TYPE_TIMESTAMP_TZ, TYPE_TIMESTAMPTZ},
    {DUCKDB_TYPE_INTERVAL, TYPE_INTERVAL},   {DUCKDB_TYPE_UUID, TYPE_UUID},
};

static const struct type *list_type(duckdb_logical_type logical, struct arena *arena)
{
    struct type *type = ARENA_NEW(arena, struct type);
    type->kind = TYPE_LIST;
    type->cell_bytes = sizeof(struct list_cell);
    duckdb_logical_type child = duckdb_list_type_child_type(logical);
    type->child = (struct type *)type_of_logical(child, arena);
    duckdb_destroy_logical_type(&child);
    type->sql = arena_print(arena, "%s[]", type->child->sql).ptr;
    return type;
}

static const struct type *struct_type(duckdb_logical_type logical, struct arena *arena)
{
    struct type *type = ARENA_NEW(arena, struct type);
    type->kind = TYPE_STRUCT;
    type->fields_len = duckdb_struct_type_child_count(logical);
    type->fields = ARENA_ARRAY(arena, struct type_field, type->fields_len);
    AUTO(buf_clear) struct buf sql = {0};
    buf_add_cstr(&sql, "STRUCT(");
    for (size_t i = 0; i < type->fields_len; i++) {
        char *name = duckdb_struct_type_child_name(logical, i);
        duckdb_logical_type child = duckdb_struct_type_child_type(logical, i);
        type->fields[i].name = arena_str(arena, str_of(name));
        type->fields[i].type = (struct type *)type_of_logical(child, arena);
        buf_add_cstr(&sql, i > 0 ? ", " : "");
        buf_add_sql_name(&sql, type->fields[i].name);
        buf_print(&sql, " %s", type->fields[i].type->sql);
        duckdb_destroy_logical_type(&child);
        duckdb_free(name);
    }
    buf_add_char(&sql, ')');
    type->sql = arena_cstr(arena, buf_str(&sql));
    return type;
}

static const struct type *map_type(duckdb_logical_type logical, struct arena *arena)
{
    struct type *type = ARENA_NEW(arena, struct type);
    struct type *entry = ARENA_NEW(arena, struct type);
    duckdb_logical_type key = duckdb_map_type_key_type(logical);
    duckdb_logical_type value = duckdb_map_type_value_type(logical);
    entry->kind = TYPE_STRUCT;
    entry->fields_len = 2;
    entry->fields = ARENA_ARRAY(arena, struct type_field, 2);
    entry->fields[0].name = STR("key");
    entry->fields[0].type = (struct type *)type_of_logical(key, arena);
    entry->fields[1].name = STR("value");
    entry->fields[1].type = (struct type *)type_of_logical(value, arena);
    duckdb_destroy_logical_type(&key);
    duckdb_destroy_logical_type(&value);
    const char *key_sql = entry->fields[0].type->sql, *value_sql = entry->fields[1].type->sql;
    entry->sql = arena_print(arena, "STRUCT(\"key\" %s, \"value\" %s)", key_sql, value_sql).ptr;
    type->kind = TYPE_MAP;
    type->cell_bytes = sizeof(struct list_cell);
    type->child = entry;
    type->sql = arena_print(arena, "MAP(%s, %s)", key_sql, value_sql).ptr;
    return type;
}

static const struct type *decimal_type(duckdb_logical_type logical, struct arena *arena)
{
    struct type *type = ARENA_NEW(arena, struct type);
    type->kind = TYPE_DECIMAL;
    type->width = duckdb_decimal_width(logical);
    type->scale = duckdb_decimal_scale(logical);
    type->cell_bytes = type->width <= 4 ? 2 : type->width <= 9 ? 4 : type->width <= 18 ? 8 : 16;
    type->sql = arena_print(arena, "DECIMAL(%d,%d)", type->width, type->scale).ptr;
    return type;
}

static const struct type *enum_type(duckdb_logical_type logical, struct arena *arena)
{
    struct type *type = ARENA_NEW(arena, struct type);
    type->kind = TYPE_ENUM;
    AUTO(buf_clear) struct buf sql = {0};
    buf_add_cstr(&sql, "ENUM(");
    uint32_t size = duckdb_enum_dictionary_size(logical);
    for (uint32_t i = 0; i < size; i++) {
        char *value = duckdb_enum_dictionary_value(logical, i);
        buf_add_cstr(&sql, i > 0 ? ", " : "");
        buf_add_sql_string(&sql, str_of(value));
        duckdb_free(value);
    }
    buf_add_char(&sql, ')');
    type->sql = arena_cstr(arena, buf_str(&sql));
    type->cell_bytes = size <= UINT8_MAX ? 1 : size <= UINT16_MAX ? 2 : 4;
    return type;
}

const struct type *type_of_logical(duckdb_logical_type logical, struct arena *arena)
{
    duckdb_type id = duckdb_get_type_id(logical);
    for (size_t i = 0; i < COUNT_OF(simple); i++)
        if (simple[i].id == id)
            return type_simple(simple[i].kind);
    if (id == DUCKDB_TYPE_LIST)
        return list_type(logical, arena);
    if (id == DUCKDB_TYPE_STRUCT)
        return struct_type(logical, arena);
    if (id == DUCKDB_TYPE_MAP)
        return map_type(logical, arena);
    if (id == DUCKDB_TYPE_DECIMAL)
        return decimal_type(logical, arena);
    if (id == DUCKDB_TYPE_ENUM)
        return enum_type(logical, arena);
    struct type *type = ARENA_NEW(arena, struct type);
    type->kind = TYPE_OTHER;
    type->sql = id == DUCKDB_TYPE_SQLNULL        ? "\"NULL\""
                : id == DUCKDB_TYPE_TIMESTAMP_NS ? "TIMESTAMP_NS"
                : id == DUCKDB_TYPE_TIMESTAMP_MS ? "TIMESTAMP_MS"
                : id == DUCKDB_TYPE_TIMESTAMP_S  ? "TIMESTAMP_S"
                : id == DUCKDB_TYPE_UHUGEINT     ? "UHUGEINT"
                                                 : "OTHER";
    return type;
}

static duckdb_logical_type logical_struct(const struct type *type)
{
    size_t len = type->fields_len;
    duckdb_logical_type *types = heap_array(len, sizeof(*types));
    const char **names = heap_array(len, sizeof(*names));
    struct arena arena = {0};
    for (size_t i = 0; i < len; i++) {
        types[i] = type_to_logical(type->fields[i].type);
        names[i] = arena_cstr(&arena, type->fields[i].name);
    }
    duckdb_logical_type logical = duckdb_create_struct_type(types, names, len);
    for (size_t i = 0; i < len; i++)
        duckdb_destroy_logical_type(&types[i]);
    heap_free(types);
    heap_free(names);
    arena_clear(&arena);
    return logical;
}

duckdb_logical_type type_to_logical(const struct type *type)
{
    for (size_t i = 0; i < COUNT_OF(simple); i++)
        if (simple[i].kind == type->kind)
            return duckdb_create_logical_type(simple[i].id);
    if (type->kind == TYPE_STRUCT)
        return logical_struct(type);
    if (type->kind == TYPE_DECIMAL)
        return duckdb_create_decimal_type(type->width, type->scale);
    if (type->kind == TYPE_LIST) {
        duckdb_logical_type child = type_to_logical(type->child);
        duckdb_logical_type list = duckdb_create_list_type(child);
        duckdb_destroy_logical_type(&child);
        return list;
    }
    if (type->kind == TYPE_MAP) {
        duckdb_logical_type key = type_to_logical(type->child->fields[0].type);
        duckdb_logical_type value = type_to_logical(type->child->fields[1].type);
        duckdb_logical_type map = duckdb_create_map_type(key, value);
        duckdb_destroy_logical_type(&key);
        duckdb_destroy_logical_type(&value);
        return map;
    }
    return duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
}
