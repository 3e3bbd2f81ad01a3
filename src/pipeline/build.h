// SPDX-License-Identifier: MIT
// What the makers of a plan share while it is being built. plan.c decides the order (names may be
// used before they are defined) and owns everything that is our own grammar; view.c and its
// neighbours own everything that is a SELECT body or an expression.
#ifndef FIRESTEEL_BUILD_H
#define FIRESTEEL_BUILD_H

#include "pipeline/plan.h"

struct builder {
    struct plan *plan;
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct connection
        *connection; // planning instance: prelude run, reference tables made (empty is fine),
                     // one empty table for each relation built so far (builder_publish)
    const struct statement *statements;
    size_t statements_len;
    int execution; // enum execution, resolved
};

// Built-in macros (top_k ..) and whatever names SELECT bodies may use; called once, first.
MUST_USE bool builder_open(struct builder *builder, struct error *err);
// Makes relation `index` known to later SELECT bodies: an empty table of its name and columns.
MUST_USE bool builder_publish(struct builder *builder, int index, struct error *err);

// The relations a SELECT body reads (FROM, JOIN, DEDUP/TUMBLE/HOP arguments, subqueries), each
// once, with places in the user's file. False when it does not parse (diagnostic added).
bool view_references(struct builder *builder, const struct sql_text *body, struct str **names,
                     size_t **places, size_t *len);
// Builds the relation(s) of a SELECT body for view or sink `name` (streaming subset; refusals
// become diagnostics with a cure). Inner steps get names like "name.1". Returns the index of the
// last relation, or -1. In batch execution a body outside the subset sets *needs_table_mode and
// adds no diagnostic.
int view_build(struct builder *builder, struct str name, size_t place, const struct sql_text *body,
               bool *needs_table_mode);
// The same body as plain DuckDB SQL for table mode: DEDUP, TUMBLE, HOP written out. Empty on error.
struct str view_table_mode_sql(struct builder *builder, const struct sql_text *body);
// Columns (names, types) that such a SQL text gives over what was published. False: diagnostic
// added.
bool view_table_mode_columns(struct builder *builder, struct str sql, size_t place,
                             struct column **columns, size_t *len);
// A boolean expression over the columns of a relation (constraint, WHERE): compiled to a predicate
// when possible, always as SQL. False: diagnostic added (unknown column with did-you-mean, not
// boolean ..).
bool condition_build(struct builder *builder, const struct sql_text *text,
                     const struct column *columns, size_t columns_len, struct condition *out);
// An expression over columns that is a plain column or struct field path gives that path (true);
// else false. For `city VARCHAR AS (location.city)`. *type: what the expression gives.
bool expression_path(struct builder *builder, const struct sql_text *text,
                     const struct column *columns, size_t columns_len, struct column_path *path);
const struct type *expression_type(struct builder *builder, const struct sql_text *text,
                                   const struct column *columns, size_t columns_len);
// A SELECT body or an expression that does not parse: E0201 at `offset` (or TREE_NO_PLACE) of it.
void syntax_error_add(struct builder *builder, const struct sql_text *text, size_t offset,
                      struct error *err);
// Marks plan_source.columns[].is_needed from all that was built.
void view_mark_needed(struct builder *builder);

#endif
