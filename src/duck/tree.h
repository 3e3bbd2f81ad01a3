// SPDX-License-Identifier: MIT
// A SELECT as a tree: DuckDB's own parser (json_serialize_sql) gives it, DuckDB's own printer
// (json_deserialize_sql) turns it back. Nodes are jansson values with exactly DuckDB's fields; new
// nodes are made from templates, so that no field list is kept by hand.
//
// Numbers beyond int64 (an unknown query_location, halves of a HUGEINT) are kept as marked strings
// while in a tree, since jansson has no room for them; tree_print turns them back.
#ifndef FIRESTEEL_TREE_H
#define FIRESTEEL_TREE_H

#include "duck/database.h"
#include <jansson.h>

#define TREE_NO_PLACE SIZE_MAX

// jansson references held in locals: AUTO(tree_release) json_t *node = ..;
void tree_release(json_t **node);

// The query node of one SELECT ("type": "SELECT_NODE", ..), a new reference; NULL when it does not
// parse: *place is the offset in `sql` (or TREE_NO_PLACE), err holds the parser's text alone.
json_t *tree_parse(struct connection *connection, struct str sql, size_t *place, struct error *err);
// One expression. Places in the tree count from the expression's begin. NULL also when there is
// more than an expression (an alias, a list, a FROM).
json_t *tree_parse_expression(struct connection *connection, struct str sql, size_t *place,
                              struct error *err);
// Back to SQL text, appended.
MUST_USE bool tree_print(struct connection *connection, json_t *query, struct buf *out,
                         struct error *err);
MUST_USE bool tree_print_expression(struct connection *connection, json_t *expression,
                                    struct buf *out, struct error *err);

bool tree_is(const json_t *node, const char *class_or_type); // "class" or "type" is that word
struct str tree_text(const json_t *node, const char *key);   // empty when absent
size_t tree_len(const json_t *node, const char *key);        // of an array
json_t *tree_at(const json_t *node, const char *key, size_t index); // borrowed
size_t tree_place(const json_t *node);        // query_location, or TREE_NO_PLACE
size_t tree_first_place(const json_t *node);  // smallest one of the node and all below it
struct str tree_function(const json_t *node); // name of a FUNCTION or WINDOW, else empty

// New nodes (new references).
json_t *tree_column(const char *const *names, size_t len);
json_t *tree_column_of(struct str name);
json_t *tree_table(struct connection *connection, struct str name, struct str alias);
json_t *tree_subquery(struct connection *connection, struct str sql, struct str alias);
void tree_set_text(json_t *node, const char *key, struct str text);

// Visits every expression node (an object with "class") from the top. The visitor says whether to
// go below it. Subqueries are entered only when the visitor agrees at the SUBQUERY node. The
// visitor may replace the node by giving *replacement (a new reference), which is then not entered.
// Depth is bounded by jansson's own limit on nesting (2,048).
typedef bool (*tree_visit)(void *context, json_t *node, json_t **replacement);
void tree_walk(json_t *node, tree_visit visit, void *context);
// The same for one expression that may itself be replaced.
json_t *tree_replace(json_t *node, tree_visit visit,
                     void *context); // takes node, gives a reference
// Equal but for places, aliases and the case of column names.
bool tree_equal(const json_t *a, const json_t *b);

#endif
