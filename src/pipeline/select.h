// SPDX-License-Identifier: MIT
// One SELECT on its way to relations: what the files that build views share. Internal to
// the view builder (view.c, view_from.c, rows_view.c, group.c ..); others use build.h.
#ifndef FIRESTEEL_SELECT_H
#define FIRESTEEL_SELECT_H

#include "duck/tree.h"
#include "pipeline/build.h"

// WITH name AS (..) that reads a stream: built as a relation of its own when it is first read.
struct cte {
    struct str name;
    json_t *query; // borrowed from the tree of the whole body
    int relation;  // -1: not built yet
    bool is_open;  // being built: a reference to itself
    struct cte *outer;
};

struct select {
    struct builder *builder;
    const struct sql_text *body;
    struct str name; // of the relation being made
    size_t place;
    struct str root; // name of the view or sink: inner steps are "root.1", "root.2"
    int *inner_len;
    struct cte *ctes;
};

// What a FROM clause turned out to be.
enum from_kind { FROM_STREAM, FROM_DEDUP, FROM_WINDOW, FROM_JOIN };
struct from {
    enum from_kind kind;
    int streams[2]; // relation indexes, in order of mention
    struct str aliases[2];
    size_t streams_len;
    json_t *function; // DEDUP, TUMBLE, HOP: the FUNCTION node, borrowed
    bool has_unnest;
    json_t *join_condition; // kept for RELATION_JOIN
};

// ---- select.c: diagnostics, binding, names -----------------------------------------------------
// Adds a diagnostic at an offset of the body (TREE_NO_PLACE: at the statement). Returns false.
bool select_refuse(const struct select *select, const char *code, size_t offset, const char *cure,
                   const char *format, ...) PRINTF(5, 6);
void select_warn(const struct select *select, const char *code, size_t offset, const char *cure,
                 const char *format, ...) PRINTF(5, 6);
// Where names resolve while binding: as the user sees them, or as the lanes and the OVER step offer
// them (with hidden columns).
enum bind_in { BIND_PLAIN, BIND_LANE, BIND_OVER };
// Columns of a SQL text or a tree, copied to the plan's arena. False: err has DuckDB's short
// message.
bool bind_sql(struct builder *builder, enum bind_in in, struct str sql, struct column **columns,
              size_t *len, struct error *err);
bool bind_tree(struct builder *builder, enum bind_in in, json_t *query, struct column **columns,
               size_t *len, struct error *err);
// The same for the user's own SELECT: a failure becomes a diagnostic at the item that caused it.
bool select_bind(const struct select *select, json_t *query, struct column **columns, size_t *len);
struct str select_print(const struct select *select, json_t *query); // into the arena
struct str select_print_expression(struct builder *builder, json_t *expression);
// Two columns of one name, types that cannot be kept: refused.
bool select_check_columns(const struct select *select, const struct column *columns, size_t len);
void bind_shorten(struct error *err); // drops DuckDB's prefix and LINE excerpt

int column_find(const struct column *columns, size_t len, struct str name); // no case; -1
// The index of a plain column reference [name], or -1.
int tree_column_index(const json_t *node, const struct column *columns, size_t len);
// "did you mean" words for a name among columns, or the empty string.
const char *column_nearest(struct arena *arena, const struct column *columns, size_t len,
                           struct str name);
// Replaces stars of the select list by the columns that they stand for, over `from_node`.
bool select_expand_stars(const struct select *select, json_t *query, json_t *from_node);
// Makes every column reference of the query plain: without the table's name, aliases of the select
// list written out, unknown names refused. `alias` is the table's name in the query.
bool select_resolve(const struct select *select, json_t *query, struct str alias,
                    const struct column *columns, size_t len);
bool tree_has_class(json_t *node, const char *class_or_type); // the node or anything below
bool tree_has_function(json_t *node, const char *name);       // not inside subqueries
// Interval constant in microseconds. False: diagnostic added.
bool select_interval(const struct select *select, json_t *node, const char *what, int64_t *us);

int relation_add(struct builder *builder, const struct relation *relation);
struct relation relation_new(struct str name, enum relation_kind kind, size_t place);
int relation_find(const struct builder *builder, struct str name); // no case; -1

// ---- view_from.c ------------------------------------------------------------------------------
// Takes the FROM clause apart, builds inner relations, and replaces them in the tree by their
// names.
bool from_read(struct select *select, json_t *query, struct from *from);
bool query_reads_stream(const struct select *select, json_t *query);
typedef void (*from_visit)(void *context, json_t *node);
void from_walk(json_t *node, from_visit visit, void *context); // every BASE_TABLE / TABLE_FUNCTION
// "dedup", "tumble", "hop", "session": ours.
bool is_stream_function(struct str name);

// ---- one file a kind of relation; each gives a relation index or -1 -----------------------------
int select_build(struct select *select, json_t *query, struct str name, size_t place); // view.c
int rows_build(struct select *select, json_t *query, const struct from *from);
int dedup_build(struct select *select, json_t *function, int input, struct str name, size_t place);
int groups_build(struct select *select, json_t *query, const struct from *from);
int join_build(struct select *select, json_t *query, const struct from *from);
int over_build(struct select *select, json_t *query, const struct from *from);

// TUMBLE / HOP arguments.
struct window_arguments {
    int time_column;
    int64_t size_us, slide_us, shift_us;
};
bool window_arguments_read(const struct select *select, json_t *function,
                           const struct column *columns, size_t len, struct window_arguments *out);

// ---- aggregate.c --------------------------------------------------------------------------------
bool is_aggregate(struct builder *builder, const json_t *node);
bool tree_has_aggregate(struct builder *builder, json_t *node); // not inside OVER or subqueries

// ---- condition.c --------------------------------------------------------------------------------
// From a resolved tree (plain references over `columns`).
bool condition_from_tree(struct builder *builder, json_t *expression, const struct column *columns,
                         size_t len, struct condition *out, struct error *err);
bool tree_column_path(const json_t *node, const struct column *columns, size_t len,
                      struct column_path *path, const struct type **type);

#endif
