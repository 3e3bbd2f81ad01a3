// SPDX-License-Identifier: MIT
// DuckDB instance, connections and statements. One in-memory instance serves a whole job; lanes
// have a connection each. src/duck is the only folder that includes duckdb.h.
#ifndef FIRESTEEL_DATABASE_H
#define FIRESTEEL_DATABASE_H

#include "base/buf.h"
#include "base/error.h"
#include "duck/chunk.h"

struct database;
struct connection;
struct statement;

struct database_options {
    int threads;              // 1 for streaming (lanes call side by side), cores for batch
    int64_t memory_max_bytes; // 0: DuckDB's default
    const char *temp_folder;  // NULL: none; spilling is refused then
};
// In memory. Time zone UTC on every connection, extensions never downloaded, insertion order not
// kept.
struct database *database_open(struct database_options options, struct error *err);
void database_close(struct database *database);

struct connection *connection_open(struct database *database, struct error *err);
void connection_close(struct connection *connection);
// Any statements, results dropped. DuckDB's error text becomes ERROR_USER.
MUST_USE bool connection_execute(struct connection *connection, const char *sql, struct error *err);
// First column of the first row as text; NULL value gives an empty string and *is_null.
MUST_USE bool connection_query_text(struct connection *connection, const char *sql, struct buf *out,
                                    bool *is_null, struct error *err);
void connection_interrupt(struct connection *connection); // from any thread

struct statement *statement_prepare(struct connection *connection, const char *sql,
                                    struct error *err);
void statement_free(struct statement *statement);
size_t statement_columns_len(const struct statement *statement);
const struct column *statement_columns(const struct statement *statement); // owned by the statement
// Parameters $1.. as text (DuckDB casts); kept until set again.
MUST_USE bool statement_bind_text(struct statement *statement, size_t number, struct str value,
                                  struct error *err);
// Runs to the end. Then statement_next gives chunk after chunk (NULL at the end), each valid until
// the next call; they are views: copy what must live longer. Always drain or statement_finish.
MUST_USE bool statement_execute(struct statement *statement, struct error *err);
struct chunk *statement_next(struct statement *statement);
// Like statement_next, but the chunk becomes the caller's (chunk_free).
struct chunk *statement_take(struct statement *statement);
void statement_finish(struct statement *statement);
int64_t statement_rows_changed(const struct statement *statement); // after INSERT/COPY

// Evaluates a constant SQL expression to text (NULL -> *is_null).
MUST_USE bool connection_evaluate(struct connection *connection, struct str expression,
                                  struct buf *out, bool *is_null, struct error *err);
// Parses "STRUCT(a INTEGER, ..)" and the like into a type that lives in `arena`.
const struct type *connection_type(struct connection *connection, struct str sql,
                                   struct arena *arena, struct error *err);
const struct type *type_copy(const struct type *type, struct arena *arena);
const struct type *type_simple(enum type_kind kind); // static, for the types without parameters

#endif
