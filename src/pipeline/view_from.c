// SPDX-License-Identifier: MIT
// FROM, taken apart. Streams are relations that were built before; what is nested (a subquery, a
// WITH, DEDUP inside a join) becomes a relation of its own named "view.1", so that every later step
// only ever sees names. Reference tables and subqueries over them alone stay in the SQL as they
// are.
#include "pipeline/select.h"

#include <string.h>

bool is_stream_function(struct str name)
{
    return str_is(name, "dedup") || str_is(name, "tumble") || str_is(name, "hop") ||
           str_is(name, "session");
}

// NOLINTNEXTLINE(misc-no-recursion): depth is bounded by jansson
void from_walk(json_t *node, from_visit visit, void *context)
{
    if (json_is_array(node)) {
        for (size_t i = 0; i < json_array_size(node); i++)
            from_walk(json_array_get(node, i), visit, context);
        return;
    }
    if (!json_is_object(node))
        return;
    if (tree_is(node, "BASE_TABLE") || tree_is(node, "TABLE_FUNCTION"))
        visit(context, node);
    const char *key;
    json_t *value;
    json_object_foreach(node, key, value) from_walk(value, visit, context);
}

static struct cte *find_cte(const struct select *select, struct str name)
{
    for (struct cte *cte = select->ctes; cte != NULL; cte = cte->outer) {
        if (str_equal_nocase(cte->name, name))
            return cte;
    }
    return NULL;
}

static bool is_table(const struct select *select, struct str name)
{
    const struct plan *plan = select->builder->plan;
    for (size_t i = 0; i < plan->tables_len; i++) {
        if (str_equal_nocase(plan->tables[i].name, name))
            return true;
    }
    return false;
}

struct stream_search {
    const struct select *select;
    bool found;
};

static void search_stream(void *context, json_t *node)
{
    struct stream_search *search = context;
    if (tree_is(node, "TABLE_FUNCTION")) {
        search->found =
            search->found || is_stream_function(tree_function(json_object_get(node, "function")));
        return;
    }
    struct str name = tree_text(node, "table_name");
    search->found =
        search->found || find_cte(search->select, name) != NULL ||
        (!is_table(search->select, name) && relation_find(search->select->builder, name) >= 0);
}

bool query_reads_stream(const struct select *select, json_t *query)
{
    struct stream_search search = {.select = select};
    from_walk(query, search_stream, &search);
    return search.found;
}

static struct str inner_name(struct select *select)
{
    (*select->inner_len)++;
    return arena_print(select->builder->arena, "%.*s.%d", STR_ARGS(select->root),
                       *select->inner_len);
}

// Builds a query as an inner relation, makes it known, and gives its index.
static int build_inner(struct select *select, json_t *query, size_t offset)
{
    size_t place = offset == TREE_NO_PLACE ? select->place : map_place(select->body, offset);
    int index = select_build(select, query, inner_name(select), place);
    struct error err = {0};
    if (index >= 0 && !builder_publish(select->builder, index, &err)) {
        select_refuse(select, "E0204", offset, NULL, "%s", err.text);
        return -1;
    }
    return index;
}

static int find_stream(struct select *select, struct str name, size_t offset)
{
    struct cte *cte = find_cte(select, name);
    if (cte == NULL)
        return relation_find(select->builder, name);
    if (cte->relation < 0 && cte->is_open) {
        select_refuse(select, "E0212", offset, "run it as a batch pipeline",
                      "%.*s reads itself: recursive queries are not possible over a stream",
                      STR_ARGS(name));
        return -2;
    }
    if (cte->relation < 0) {
        // What a WITH body reads are the names before it.
        struct cte *ctes = select->ctes;
        cte->is_open = true;
        select->ctes = cte;
        cte->relation = build_inner(select, cte->query, offset);
        cte->is_open = false;
        select->ctes = ctes;
    }
    return cte->relation >= 0 ? cte->relation : -2;
}

static bool unknown_relation(const struct select *select, struct str name, size_t offset)
{
    const struct plan *plan = select->builder->plan;
    struct arena *arena = select->builder->arena;
    size_t len = plan->relations_len + plan->tables_len;
    const char **names = ARENA_ARRAY(arena, const char *, len);
    for (size_t i = 0; i < plan->relations_len; i++)
        names[i] = arena_cstr(arena, plan->relations[i].name);
    for (size_t i = 0; i < plan->tables_len; i++)
        names[plan->relations_len + i] = arena_cstr(arena, plan->tables[i].name);
    const char *nearest = nearest_name(name, names, len);
    return select_refuse(select, "E0203", offset, NULL, "no source, view or table %.*s%s%s",
                         STR_ARGS(name), nearest == NULL ? "" : "; did you mean ",
                         nearest == NULL ? "" : nearest);
}

static bool add_stream(struct select *select, struct from *from, int relation, struct str alias,
                       size_t offset)
{
    if (from->streams_len == COUNT_OF(from->streams))
        return select_refuse(select, "E0216", offset, "join two of them in a view of its own first",
                             "more than two streams are joined");
    from->streams[from->streams_len] = relation;
    from->aliases[from->streams_len] = arena_str(select->builder->arena, alias);
    from->streams_len++;
    return true;
}

static struct str alias_or(json_t *node, struct str name)
{
    struct str alias = tree_text(node, "alias");
    return alias.len > 0 ? alias : name;
}

static bool read_table(struct select *select, json_t *node, struct from *from)
{
    struct str name = arena_str(select->builder->arena, tree_text(node, "table_name"));
    size_t offset = tree_place(node);
    if (is_table(select, name) || tree_text(node, "schema_name").len > 0)
        return true;
    int relation = find_stream(select, name, offset);
    if (relation == -2)
        return false;
    if (relation < 0)
        return unknown_relation(select, name, offset);
    if (tree_len(node, "column_name_alias") > 0)
        return select_refuse(select, "E0234", offset, "name the columns in the SELECT list",
                             "column names behind a table's alias are not supported");
    struct str alias = arena_str(select->builder->arena, alias_or(node, name));
    tree_set_text(node, "table_name", select->builder->plan->relations[relation].name);
    tree_set_text(node, "alias", alias);
    return add_stream(select, from, relation, alias, offset);
}

// First argument of DEDUP, TUMBLE, HOP.
static int read_argument(struct select *select, json_t *function)
{
    json_t *first = tree_at(function, "children", 0);
    if (!tree_is(first, "COLUMN_REF") || tree_len(first, "column_names") != 1) {
        select_refuse(select, "E0220", tree_place(function),
                      "give the inner step a name: CREATE VIEW fresh AS SELECT * FROM DEDUP(..)",
                      "%.*s needs the name of a source or view as its first argument",
                      STR_ARGS(tree_function(function)));
        return -1;
    }
    struct str name = str_of(json_string_value(tree_at(first, "column_names", 0)));
    if (is_table(select, name)) {
        select_refuse(select, "E0220", tree_place(first), NULL,
                      "%.*s is reference data, not a source or view", STR_ARGS(name));
        return -1;
    }
    int relation = find_stream(select, name, tree_place(first));
    if (relation == -1)
        unknown_relation(select, name, tree_place(first));
    return relation < 0 ? -1 : relation;
}

static json_t *stream_table(struct select *select, int relation, struct str alias)
{
    return tree_table(select->builder->connection, select->builder->plan->relations[relation].name,
                      alias);
}

static bool read_function(struct select *select, json_t **node, bool is_root, struct from *from)
{
    json_t *function = json_object_get(*node, "function");
    struct str name = tree_function(function);
    if (str_is(name, "unnest")) {
        from->has_unnest = true;
        return true;
    }
    if (!is_stream_function(name))
        return true;
    if (str_is(name, "session"))
        return select_refuse(select, "E0234", tree_place(function), "use TUMBLE or HOP",
                             "SESSION windows are not supported yet");
    int input = read_argument(select, function);
    if (input < 0)
        return false;
    struct str input_name = select->builder->plan->relations[input].name;
    struct str alias = alias_or(*node, input_name);
    if (is_root) {
        from->kind = str_is(name, "dedup") ? FROM_DEDUP : FROM_WINDOW;
        from->function = function;
        return add_stream(select, from, input, alias, tree_place(function));
    }
    if (!str_is(name, "dedup"))
        return select_refuse(select, "E0216", tree_place(function),
                             "aggregate in a view of its own and join that view",
                             "a window inside a join is not supported");
    int relation = dedup_build(select, function, input, inner_name(select),
                               map_place(select->body, tree_place(function)));
    struct error err = {0};
    if (relation < 0 || !builder_publish(select->builder, relation, &err))
        return false;
    size_t offset = tree_place(function);
    alias = arena_str(select->builder->arena, alias);
    *node = stream_table(select, relation, alias);
    return add_stream(select, from, relation, alias, offset);
}

static bool read_subquery(struct select *select, json_t **node, struct from *from)
{
    json_t *query = json_object_get(json_object_get(*node, "subquery"), "node");
    if (!query_reads_stream(select, query))
        return true;
    if (tree_len(*node, "column_name_alias") > 0)
        return select_refuse(select, "E0234", tree_first_place(*node),
                             "name the columns in the inner SELECT list",
                             "column names behind a subquery's alias are not supported");
    size_t offset = tree_first_place(query);
    int relation = build_inner(select, query, offset);
    if (relation < 0)
        return false;
    struct str name = select->builder->plan->relations[relation].name;
    struct str alias = arena_str(select->builder->arena, alias_or(*node, name));
    *node = stream_table(select, relation, alias);
    return add_stream(select, from, relation, alias, offset);
}

// Replaces *node (an owned reference) when it became a relation of its own.
// NOLINTNEXTLINE(misc-no-recursion): depth is bounded by jansson
static bool read_from_node(struct select *select, json_t **node, bool is_root, struct from *from)
{
    json_t *old = *node;
    bool result = true;
    if (tree_is(old, "BASE_TABLE")) {
        return read_table(select, old, from);
    } else if (tree_is(old, "TABLE_FUNCTION")) {
        result = read_function(select, node, is_root, from);
    } else if (tree_is(old, "SUBQUERY")) {
        result = read_subquery(select, node, from);
    } else if (tree_is(old, "JOIN")) {
        from->kind = FROM_JOIN;
        static const char *const sides[] = {"left", "right"};
        for (size_t i = 0; i < COUNT_OF(sides) && result; i++) {
            json_t *side = json_incref(json_object_get(old, sides[i]));
            result = read_from_node(select, &side, false, from);
            json_object_set_new(old, sides[i], side);
        }
    }
    if (*node != old)
        json_decref(old);
    return result;
}

bool from_read(struct select *select, json_t *query, struct from *from)
{
    *from = (struct from){.kind = FROM_STREAM, .streams = {-1, -1}};
    json_t *node = json_incref(json_object_get(query, "from_table"));
    size_t offset = tree_place(node);
    if (json_is_object(json_object_get(node, "sample"))) {
        json_decref(node);
        return select_refuse(select, "E0234", offset, "use WHERE random() < 0.01",
                             "a sample of a stream is not supported");
    }
    bool result = read_from_node(select, &node, true, from);
    json_object_set_new(query, "from_table", node);
    if (!result)
        return false;
    if (from->streams_len == 0)
        return select_refuse(select, "E0233", offset,
                             "reference data is made by CREATE TABLE n AS SELECT ..",
                             "%.*s reads no source or view", STR_ARGS(select->name));
    return true;
}
