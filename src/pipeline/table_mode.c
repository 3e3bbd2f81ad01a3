// SPDX-License-Identifier: MIT
// The same SELECT bodies as plain DuckDB SQL, for batch pipelines that use more than a stream can:
// DEDUP, TUMBLE and HOP are written out as subqueries, everything else stays.
//
// Arrival order is a hidden last column `_sequence` of each source table. A source named in FROM is
// read without it. Where order matters (DEDUP; first, last, list .. over TUMBLE and HOP) the views
// in between are written out in place with `_sequence` carried through, as long as they give a row
// at a time; beyond an aggregate or a join there is no arrival order to keep.
#include "pipeline/select.h"

#include <string.h>

#define VIEWS_MAX 64      // written out inside each other
#define MADE_HERE "_made" // marks a subquery that is finished: its sources are meant as they stand

struct table_mode {
    struct builder *builder;
    const struct sql_text *body; // for messages
    int depth;
    bool failed;
};

static bool refuse(struct table_mode *mode, const char *code, const json_t *node, const char *cure,
                   const char *text)
{
    size_t offset = tree_first_place(node);
    size_t place = offset == TREE_NO_PLACE || mode->depth > 0 ? mode->body->place
                                                              : map_place(mode->body, offset);
    diagnostic_add(mode->builder->diagnostics, code, place, 1, cure, "%s", text);
    mode->failed = true;
    return false;
}

static void rewrite(struct table_mode *mode, json_t *node);

static const struct statement *find_view(const struct table_mode *mode, struct str name)
{
    for (size_t i = 0; i < mode->builder->statements_len; i++) {
        const struct statement *statement = &mode->builder->statements[i];
        if (statement->kind == STATEMENT_VIEW && statement->has_body &&
            str_equal_nocase(statement->name, name))
            return statement;
    }
    return NULL;
}

// Sources, and views whose rows are a source's rows: they have a `_sequence`.
static bool is_source(const struct table_mode *mode, struct str name)
{
    const struct plan *plan = mode->builder->plan;
    for (size_t i = 0; i < plan->sources_len; i++) {
        if (str_equal_nocase(plan->sources[i].name, name))
            return true;
    }
    for (size_t i = 0; i < plan->view_sql_len; i++) {
        if (str_equal_nocase(plan->counted[i].name, name))
            return true;
    }
    return false;
}

static json_t *made_subquery(struct table_mode *mode, struct str sql, struct str alias)
{
    json_t *subquery = tree_subquery(mode->builder->connection, sql, alias);
    json_object_set_new(subquery, MADE_HERE, json_true());
    return subquery;
}

static void add_from(struct buf *sql, struct str name)
{
    buf_add_cstr(sql, "SELECT * FROM ");
    buf_add_sql_name(sql, name);
}

// ---- Views with their arrival order
// --------------------------------------------------------------

static bool is_row_by_row(struct table_mode *mode, json_t *query)
{
    json_t *from = json_object_get(query, "from_table");
    json_t *function = json_object_get(from, "function");
    bool is_plain = tree_is(from, "BASE_TABLE") ||
                    (function != NULL && str_is(tree_function(function), "dedup"));
    json_t *list = json_object_get(query, "select_list");
    return tree_is(query, "SELECT_NODE") && is_plain && tree_len(query, "modifiers") == 0 &&
           json_array_size(json_object_get(json_object_get(query, "cte_map"), "map")) == 0 &&
           tree_len(query, "group_expressions") == 0 &&
           str_is(tree_text(query, "aggregate_handling"), "STANDARD_HANDLING") &&
           !json_is_object(json_object_get(query, "having")) &&
           !json_is_object(json_object_get(query, "sample")) && !tree_has_class(list, "WINDOW") &&
           !tree_has_aggregate(mode->builder, list);
}

static bool dedup_sql(struct table_mode *mode, json_t *function, struct buf *sql);

// SELECT giving the relation's columns, and `_sequence` after them when *has_sequence.
// NOLINTNEXTLINE(misc-no-recursion): views in views, bounded by VIEWS_MAX
static bool sequenced_sql(struct table_mode *mode, struct str name, struct buf *sql)
{
    if (is_source(mode, name)) {
        add_from(sql, name);
        return true;
    }
    const struct statement *view = find_view(mode, name);
    struct error err = {0};
    size_t place;
    AUTO(tree_release)
    json_t *query = view == NULL || mode->depth >= VIEWS_MAX
                        ? NULL
                        : tree_parse(mode->builder->connection, view->body.text, &place, &err);
    if (query == NULL || !is_row_by_row(mode, query)) {
        add_from(sql, name);
        return false;
    }
    json_t *from = json_object_get(query, "from_table");
    json_t *function = json_object_get(from, "function");
    struct str inner_name = function != NULL
                                ? str_of(json_string_value(
                                      tree_at(tree_at(function, "children", 0), "column_names", 0)))
                                : tree_text(from, "table_name");
    struct str alias = tree_text(from, "alias").len > 0 ? tree_text(from, "alias") : inner_name;
    AUTO(buf_clear) struct buf inner = {0};
    mode->depth++;
    bool has = function != NULL ? dedup_sql(mode, function, &inner)
                                : sequenced_sql(mode, inner_name, &inner);
    mode->depth--;
    if (!has) {
        add_from(sql, name);
        return false;
    }
    json_t *list = json_object_get(query, "select_list");
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *item = json_array_get(list, i);
        if (tree_is(item, "STAR"))
            json_array_append_new(json_object_get(item, "exclude_list"), json_string("_sequence"));
    }
    json_array_append_new(list, tree_column_of(STR("_sequence")));
    json_object_set_new(query, "from_table",
                        tree_subquery(mode->builder->connection, buf_str(&inner), alias));
    // Subqueries of its expressions may name sources.
    rewrite(mode, json_object_get(query, "where_clause"));
    rewrite(mode, list);
    return tree_print(mode->builder->connection, query, sql, &err);
}

// ---- DEDUP, TUMBLE, HOP -------------------------------------------------------------------------

static bool argument_name(struct table_mode *mode, json_t *function, struct str *name)
{
    json_t *first = tree_at(function, "children", 0);
    if (!tree_is(first, "COLUMN_REF") || tree_len(first, "column_names") != 1)
        return refuse(mode, "E0220", function,
                      "give the inner step a name: CREATE VIEW fresh AS SELECT * FROM DEDUP(..)",
                      "DEDUP, TUMBLE and HOP need the name of a source or view as first argument");
    *name = str_of(json_string_value(tree_at(first, "column_names", 0)));
    return true;
}

// NOLINTNEXTLINE(misc-no-recursion): views in views, bounded by VIEWS_MAX
static bool dedup_sql(struct table_mode *mode, json_t *function, struct buf *sql)
{
    struct str name;
    if (!argument_name(mode, function, &name))
        return false;
    AUTO(buf_clear) struct buf inner = {0};
    AUTO(buf_clear) struct buf keys = {0};
    mode->depth++;
    bool has = sequenced_sql(mode, name, &inner);
    mode->depth--;
    bool keep_last = false;
    for (size_t i = 1; i < tree_len(function, "children"); i++) {
        json_t *argument = tree_at(function, "children", i);
        struct str alias = tree_text(argument, "alias");
        if (str_is(alias, "keep"))
            keep_last = str_equal_nocase(tree_text(json_object_get(argument, "value"), "value"),
                                         STR("last"));
        if (alias.len > 0)
            continue;
        buf_add_cstr(&keys, keys.len > 0 ? ", " : "");
        buf_add_str(&keys, select_print_expression(mode->builder, argument));
    }
    if (keys.len == 0)
        return refuse(mode, "E0227", function,
                      "name the columns that make a row unique: DEDUP(events, event_id)",
                      "DEDUP needs at least one key");
    buf_print(sql, "SELECT * FROM (%s) AS ", buf_cstr(&inner));
    buf_add_sql_name(sql, name);
    buf_print(sql, " QUALIFY row_number() OVER (PARTITION BY %s", buf_cstr(&keys));
    if (has)
        buf_print(sql, " ORDER BY _sequence%s", keep_last ? " DESC" : "");
    buf_add_cstr(sql, ") = 1");
    return has;
}

static bool window_sql(struct table_mode *mode, json_t *function, struct buf *sql)
{
    struct str name;
    if (!argument_name(mode, function, &name))
        return false;
    AUTO(buf_clear) struct buf inner = {0};
    mode->depth++;
    bool has = sequenced_sql(mode, name, &inner);
    mode->depth--;
    struct select select = {
        .builder = mode->builder, .body = mode->body, .place = mode->body->place};
    struct column *columns;
    size_t len;
    struct error err = {0};
    struct window_arguments window;
    if (!bind_sql(mode->builder, BIND_LANE, buf_str(&inner), &columns, &len, &err))
        return refuse(mode, "E0204", function, NULL, err.text);
    if (!window_arguments_read(&select, function, columns, len, &window)) {
        mode->failed = true;
        return false;
    }
    AUTO(buf_clear) struct buf time = {0};
    AUTO(buf_clear) struct buf start = {0};
    buf_add_sql_name(&time, columns[window.time_column].name);
    buf_print(
        &start,
        "time_bucket(to_microseconds(%lld), %s, TIMESTAMP '1970-01-01' + to_microseconds(%lld))",
        (long long)window.slide_us, buf_cstr(&time), (long long)window.shift_us);
    bool is_hop = window.slide_us != window.size_us;
    if (is_hop)
        buf_print(&start, " - _hop * to_microseconds(%lld)", (long long)window.slide_us);
    long long size_us = (long long)window.size_us;
    long long windows = (long long)((window.size_us + window.slide_us - 1) / window.slide_us);
    buf_print(sql,
              "SELECT *%s, %s AS window_start, %s + to_microseconds(%lld) AS window_end FROM (",
              is_hop ? " EXCLUDE (_hop)" : "", buf_cstr(&start), buf_cstr(&start), size_us);
    if (is_hop)
        buf_print(sql, "SELECT *, unnest(range(0, %lld)) AS _hop FROM (", windows);
    buf_add_str(sql, buf_str(&inner));
    buf_print(sql, "%s) WHERE %s + to_microseconds(%lld) > %s", is_hop ? ")" : "", buf_cstr(&start),
              size_us, buf_cstr(&time));
    return has;
}

// ---- FROM ---------------------------------------------------------------------------------------

static json_t *replace_function(struct table_mode *mode, json_t *node, bool keeps_sequence,
                                bool *has_sequence)
{
    json_t *function = json_object_get(node, "function");
    struct str name = tree_function(function);
    *has_sequence = false;
    if (!is_stream_function(name))
        return NULL;
    if (str_is(name, "session")) {
        refuse(mode, "E0234", function, "use TUMBLE or HOP",
               "SESSION windows are not supported yet");
        return NULL;
    }
    AUTO(buf_clear) struct buf sql = {0};
    bool has =
        str_is(name, "dedup") ? dedup_sql(mode, function, &sql) : window_sql(mode, function, &sql);
    if (mode->failed)
        return NULL;
    if (has && !keeps_sequence) {
        struct str text = arena_str(mode->builder->arena, buf_str(&sql));
        buf_reset(&sql);
        buf_print(&sql, "SELECT * EXCLUDE (_sequence) FROM (%.*s)", STR_ARGS(text));
    }
    *has_sequence = has && keeps_sequence;
    struct str alias = tree_text(node, "alias");
    if (alias.len == 0)
        argument_name(mode, function, &alias);
    return made_subquery(mode, buf_str(&sql), alias);
}

static json_t *replace_from(struct table_mode *mode, json_t *node)
{
    bool has_sequence;
    if (tree_is(node, "TABLE_FUNCTION"))
        return replace_function(mode, node, false, &has_sequence);
    struct str name = tree_text(node, "table_name");
    if (!tree_is(node, "BASE_TABLE") || tree_text(node, "schema_name").len > 0 ||
        !is_source(mode, name))
        return NULL;
    AUTO(buf_clear) struct buf sql = {0};
    buf_add_cstr(&sql, "SELECT * EXCLUDE (_sequence) FROM ");
    buf_add_sql_name(&sql, name);
    struct str alias = tree_text(node, "alias").len > 0 ? tree_text(node, "alias") : name;
    return made_subquery(mode, buf_str(&sql), alias);
}

static bool order_visit(void *context, json_t *node, json_t **replacement)
{
    static const char *const names[] = {
        "first",   "last", "any_value",    "arbitrary", "list",    "array_agg", "string_agg",
        "listagg", "mode", "group_concat", "arg_min",   "arg_max", "min_by",    "max_by"};
    (void)replacement;
    struct str name = tree_function(node);
    json_t *orders = json_object_get(json_object_get(node, "order_bys"), "orders");
    bool is_ordered = false;
    for (size_t i = 0; tree_is(node, "FUNCTION") && i < COUNT_OF(names); i++)
        is_ordered = is_ordered || str_is(name, names[i]);
    if (is_ordered && json_array_size(orders) == 0 &&
        !json_is_true(json_object_get(node, "distinct")))
        json_array_append(orders, context);
    return !tree_is(node, "SUBQUERY");
}

// FROM TUMBLE(..) with aggregates: rows keep their number for those that ask for the first.
static void order_aggregates(struct table_mode *mode, json_t *query)
{
    json_t *from = json_object_get(query, "from_table");
    struct str name = tree_function(json_object_get(from, "function"));
    bool has_sequence = false;
    if (!str_is(name, "tumble") && !str_is(name, "hop"))
        return;
    json_t *list = json_object_get(query, "select_list");
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (tree_is(json_array_get(list, i), "STAR"))
            return;
    }
    json_t *subquery = replace_function(mode, from, true, &has_sequence);
    if (subquery == NULL)
        return;
    json_object_set_new(query, "from_table", subquery);
    if (!has_sequence)
        return;
    struct error err = {0};
    size_t place;
    AUTO(tree_release)
    json_t *template = tree_parse(mode->builder->connection,
                                  STR("SELECT list(x ORDER BY _sequence)"), &place, &err);
    ASSERT(template != NULL);
    json_t *order = json_array_get(
        json_object_get(json_object_get(tree_at(template, "select_list", 0), "order_bys"),
                        "orders"),
        0);
    tree_walk(list, order_visit, order);
    json_t *having = json_object_get(query, "having");
    json_decref(tree_replace(json_incref(having), order_visit, order));
}

// NOLINTNEXTLINE(misc-no-recursion): depth is bounded by jansson
static void rewrite(struct table_mode *mode, json_t *node)
{
    if (mode->failed)
        return;
    if (json_is_array(node)) {
        for (size_t i = 0; i < json_array_size(node); i++)
            rewrite(mode, json_array_get(node, i));
        return;
    }
    if (!json_is_object(node))
        return;
    if (tree_is(node, "SELECT_NODE"))
        order_aggregates(mode, node);
    for (void *at = json_object_iter(node); at != NULL; at = json_object_iter_next(node, at)) {
        json_t *child = json_object_iter_value(at);
        json_t *other = json_is_object(child) ? replace_from(mode, child) : NULL;
        if (other != NULL)
            json_object_iter_set_new(node, at, other);
        else if (json_object_get(child, MADE_HERE) == NULL)
            rewrite(mode, child);
    }
}

struct str view_table_mode_sql(struct builder *builder, const struct sql_text *body)
{
    size_t offset;
    struct error err = {0};
    AUTO(tree_release) json_t *query = tree_parse(builder->connection, body->text, &offset, &err);
    if (query == NULL) {
        syntax_error_add(builder, body, offset, &err);
        return STR("");
    }
    struct table_mode mode = {.builder = builder, .body = body};
    // The query node itself may have to be seen as a child.
    AUTO(tree_release) json_t *holder = json_pack("{s:O}", "node", query);
    rewrite(&mode, holder);
    AUTO(buf_clear) struct buf sql = {0};
    if (mode.failed)
        return STR("");
    if (!tree_print(builder->connection, json_object_get(holder, "node"), &sql, &err)) {
        diagnostic_add(builder->diagnostics, "E0204", body->place, 1, NULL, "%s", err.text);
        return STR("");
    }
    struct str text = arena_str(builder->arena, buf_str(&sql));
    while (text.len > 0 && text.ptr[text.len - 1] == ';')
        text.len--;
    return text;
}

bool view_table_mode_columns(struct builder *builder, struct str sql, size_t place,
                             struct column **columns, size_t *len)
{
    struct error err = {0};
    if (bind_sql(builder, BIND_LANE, sql, columns, len, &err))
        return true;
    diagnostic_add(builder->diagnostics, "E0204", place, 1, NULL, "%s", err.text);
    return false;
}
