// SPDX-License-Identifier: MIT
// Chunks over DuckDB's vectors. The pointers are read once and stay valid while the vector's buffer
// does: chunk_reset keeps buffers, so the row path never asks DuckDB for a pointer.
#include "duck/internal.h"

struct chunk_memory {
    struct chunk chunk;
    struct arena arena; // vectors and their children
};

void vector_refresh(struct vector *vector)
{
    duckdb_vector handle = vector->handle;
    enum type_kind kind = vector->type->kind;
    vector->data = kind == TYPE_STRUCT ? NULL : duckdb_vector_get_data(handle);
    vector->validity = duckdb_vector_get_validity(handle);
    for (size_t i = 0; i < vector->children_len; i++)
        vector_refresh(&vector->children[i]);
}

void vector_view(struct vector *vector, duckdb_vector handle, const struct type *type,
                 struct arena *arena)
{
    *vector = (struct vector){.type = type, .handle = handle};
    if (type->kind == TYPE_STRUCT) {
        vector->children_len = type->fields_len;
        vector->children = ARENA_ARRAY(arena, struct vector, type->fields_len);
        for (size_t i = 0; i < type->fields_len; i++)
            vector_view(&vector->children[i], duckdb_struct_vector_get_child(handle, i),
                        type->fields[i].type, arena);
    } else if (type->kind == TYPE_LIST || type->kind == TYPE_MAP) {
        vector->children_len = 1;
        vector->children = ARENA_NEW(arena, struct vector);
        vector_view(&vector->children[0], duckdb_list_vector_get_child(handle), type->child, arena);
    }
    vector_refresh(vector);
}

struct chunk *chunk_new(const struct type *const *types, size_t types_len)
{
    ASSERT(duckdb_vector_size() == ROWS_PER_VECTOR);
    struct chunk_memory *memory = heap_new(sizeof(*memory));
    struct chunk *chunk = &memory->chunk;
    duckdb_logical_type *logical = heap_array(types_len + 1, sizeof(*logical));
    for (size_t i = 0; i < types_len; i++)
        logical[i] = type_to_logical(types[i]);
    chunk->handle = duckdb_create_data_chunk(logical, types_len);
    for (size_t i = 0; i < types_len; i++)
        duckdb_destroy_logical_type(&logical[i]);
    heap_free(logical);
    chunk->columns_len = types_len;
    chunk->columns = ARENA_ARRAY(&memory->arena, struct vector, types_len);
    for (size_t i = 0; i < types_len; i++)
        vector_view(&chunk->columns[i], duckdb_data_chunk_get_vector(chunk->handle, i), types[i],
                    &memory->arena);
    chunk->owned = true;
    return chunk;
}

void chunk_free(struct chunk *chunk)
{
    if (chunk == NULL)
        return;
    struct chunk_memory *memory = (struct chunk_memory *)chunk; // chunk is its first member
    duckdb_data_chunk handle = chunk->handle;
    duckdb_destroy_data_chunk(&handle);
    arena_clear(&memory->arena);
    heap_free(memory);
}

// A chunk that looks at a fetched one and owns it. Types outlive the chunk.
struct chunk *chunk_of_fetched(duckdb_data_chunk handle, const struct column *columns,
                               size_t columns_len)
{
    struct chunk_memory *memory = heap_new(sizeof(*memory));
    struct chunk *chunk = &memory->chunk;
    chunk->handle = handle;
    chunk->rows = duckdb_data_chunk_get_size(handle);
    chunk->columns_len = columns_len;
    chunk->columns = ARENA_ARRAY(&memory->arena, struct vector, columns_len);
    for (size_t i = 0; i < columns_len; i++)
        vector_view(&chunk->columns[i], duckdb_data_chunk_get_vector(handle, i), columns[i].type,
                    &memory->arena);
    return chunk;
}

void chunk_reset(struct chunk *chunk)
{
    duckdb_data_chunk_reset(chunk->handle);
    chunk->rows = 0;
    for (size_t i = 0; i < chunk->columns_len; i++)
        vector_refresh(&chunk->columns[i]);
}

void vector_set_null(struct vector *vector, size_t row)
{
    if (vector->validity == NULL) {
        duckdb_vector_ensure_validity_writable(vector->handle);
        vector->validity = duckdb_vector_get_validity(vector->handle);
    }
    vector->validity[row >> 6] &= ~(UINT64_C(1) << (row & 63));
    if (vector->type->kind == TYPE_STRUCT)
        for (size_t i = 0; i < vector->children_len; i++)
            vector_set_null(&vector->children[i], row);
}

void vector_list_reserve(struct vector *vector, size_t size)
{
    duckdb_state state = duckdb_list_vector_reserve(vector->handle, size);
    ASSERT(state == DuckDBSuccess);
    vector_refresh(&vector->children[0]);
}

void vector_list_set_size(struct vector *vector, size_t size)
{
    duckdb_state state = duckdb_list_vector_set_size(vector->handle, size);
    ASSERT(state == DuckDBSuccess);
}

size_t vector_list_size(const struct vector *vector)
{
    return duckdb_list_vector_get_size(vector->handle);
}

static void list_copy_value(struct vector *target, size_t target_row, const struct vector *source,
                            size_t source_row)
{
    const struct list_cell from = ((const struct list_cell *)source->data)[source_row];
    size_t at = vector_list_size(target);
    vector_list_reserve(target, at + from.length);
    vector_list_set_size(target, at + from.length);
    ((struct list_cell *)target->data)[target_row] =
        (struct list_cell){.offset = at, .length = from.length};
    for (size_t i = 0; i < from.length; i++)
        vector_copy_value(&target->children[0], at + i, &source->children[0], from.offset + i);
}

void vector_copy_value(struct vector *target, size_t target_row, const struct vector *source,
                       size_t source_row)
{
    if (vector_is_null(source, source_row)) {
        vector_set_null(target, target_row);
        return;
    }
    enum type_kind kind = source->type->kind;
    if (kind == TYPE_STRUCT) {
        for (size_t i = 0; i < source->children_len; i++)
            vector_copy_value(&target->children[i], target_row, &source->children[i], source_row);
        return;
    }
    if (kind == TYPE_LIST || kind == TYPE_MAP) {
        list_copy_value(target, target_row, source, source_row);
        return;
    }
    size_t bytes = source->type->cell_bytes;
    memcpy((char *)target->data + target_row * bytes,
           (const char *)source->data + source_row * bytes, bytes);
}

size_t rows_count(const struct rows *rows)
{
    size_t count = 0;
    for (size_t i = 0; i < rows->parts_len; i++)
        count += rows->parts[i].count;
    return count;
}
