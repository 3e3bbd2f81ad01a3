// SPDX-License-Identifier: MIT
// Shared by the files of this folder, and by nobody else: DuckDB's own handles.
#ifndef FIRESTEEL_DUCK_INTERNAL_H
#define FIRESTEEL_DUCK_INTERNAL_H

#include "duck/database.h"
#include <duckdb.h>

struct database {
    duckdb_database handle;
};

struct connection {
    duckdb_connection handle;
};

// Type of ours for a logical type (which stays the caller's); lives in `arena`.
const struct type *type_of_logical(duckdb_logical_type logical, struct arena *arena);
// A new logical type (caller destroys). TYPE_OTHER and ENUM cannot be made: they give VARCHAR.
duckdb_logical_type type_to_logical(const struct type *type);
// Points `vector` at the memory of `handle`; children come from `arena`.
void vector_view(struct vector *vector, duckdb_vector handle, const struct type *type,
                 struct arena *arena);
// Reads data and validity pointers again after DuckDB moved or filled them.
void vector_refresh(struct vector *vector);
// A chunk that looks at a fetched one and owns it. The columns' types outlive the chunk.
struct chunk *chunk_of_fetched(duckdb_data_chunk handle, const struct column *columns,
                               size_t columns_len);

// sentiment.c: a function of ours, for all connections of the instance.
bool sentiment_register(struct connection *connection, struct error *err);

#endif
