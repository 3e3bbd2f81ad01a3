// SPDX-License-Identifier: MIT
// The entry of all that is a SELECT body. A body is parsed by DuckDB, taken apart, and becomes one
// relation for each step: a DEDUP, a projection, a windowed aggregate. What a stream cannot do is
// refused here with what to write instead; it is never computed piece by piece in silence.
//
// In batch execution the same builder is tried first, since its plans are the fast ones. When it
// refuses, everything that it made is taken back and the caller falls back on table mode.
#include "pipeline/select.h"

#include <string.h>

// The n most frequent values, most frequent first, ties by value.
static const char top_k[] =
    "CREATE OR REPLACE MACRO top_k(x, n) AS list_transform(list_slice(list_sort(list_transform("
    "map_entries(histogram(x)), lambda e: {'c': -CAST(e.value AS BIGINT), 'v': e.key})), 1, n), "
    "lambda e: e.v)";
// The same of the elements of lists: as top_k(UNNEST(x), n) would be.
static const char top_k_elements[] =
    "CREATE OR REPLACE MACRO top_k_elements(x, n) AS list_transform(list_slice(list_sort("
    "list_transform(map_entries(list_aggregate(flatten(list(x)), 'histogram')), "
    "lambda e: {'c': -CAST(e.value AS BIGINT), 'v': e.key})), 1, n), lambda e: e.v)";

bool builder_open(struct builder *builder, struct error *err)
{
    struct plan *plan = builder->plan;
    struct str *prelude = ARENA_ARRAY(builder->arena, struct str, plan->prelude_len + 2);
    prelude[0] = str_of(top_k);
    prelude[1] = str_of(top_k_elements);
    if (plan->prelude_len > 0)
        memcpy(prelude + 2, plan->prelude, plan->prelude_len * sizeof(*prelude));
    plan->prelude = prelude;
    plan->prelude_len += 2;
    return connection_execute(builder->connection,
                              "CREATE SCHEMA IF NOT EXISTS _plain;"
                              "CREATE SCHEMA IF NOT EXISTS _over;",
                              err) &&
           connection_execute(builder->connection, top_k, err) &&
           connection_execute(builder->connection, top_k_elements, err);
}

static void add_table(struct buf *sql, const char *schema, const struct relation *relation,
                      const char *hidden)
{
    buf_print(sql, "CREATE OR REPLACE TABLE %s.", schema);
    buf_add_sql_name(sql, relation->name);
    buf_add_cstr(sql, "(");
    for (size_t i = 0; i < relation->columns_len; i++) {
        buf_add_cstr(sql, i == 0 ? "" : ", ");
        buf_add_sql_name(sql, relation->columns[i].name);
        buf_print(sql, " %s", relation->columns[i].type->sql);
    }
    buf_print(sql, "%s);", hidden);
}

// Three tables: as the user sees it, as lanes offer it (_sequence), as the OVER step offers it
// (_new).
bool builder_publish(struct builder *builder, int index, struct error *err)
{
    const struct relation *relation = &builder->plan->relations[index];
    AUTO(buf_clear) struct buf sql = {0};
    add_table(&sql, "main", relation, ", _sequence BIGINT");
    add_table(&sql, "_plain", relation, "");
    add_table(&sql, "_over", relation, ", _new BOOLEAN");
    return connection_execute(builder->connection, buf_cstr(&sql), err) ||
           error_wrap(err, "making %.*s known", STR_ARGS(relation->name));
}

static bool has_word(struct str text, const char *word)
{
    for (size_t i = 0; i + strlen(word) <= text.len; i++) {
        if (str_equal_nocase(str_slice(text, i, i + strlen(word)), str_of(word)))
            return true;
    }
    return false;
}

// A parse error as a diagnostic; the query otherwise.
static json_t *parse_body(struct builder *builder, const struct sql_text *body)
{
    size_t offset;
    struct error err = {0};
    json_t *query = tree_parse(builder->connection, body->text, &offset, &err);
    if (query != NULL)
        return query;
    // Two forms of other systems that DuckDB does not even parse.
    if (!has_word(body->text, "DESCRIPTOR") && !has_word(body->text, "window(")) {
        syntax_error_add(builder, body, offset, &err);
        return NULL;
    }
    size_t place = offset == TREE_NO_PLACE ? body->place : map_place(body, offset);
    bind_shorten(&err);
    diagnostic_add(builder->diagnostics, "E0232", place, 1,
                   "write FROM TUMBLE(events, event_time, INTERVAL '1 minute') GROUP BY "
                   "window_start, window_end, ..",
                   "%s", err.text);
    return NULL;
}

// ---- References -------------------------------------------------------------------------------

struct references {
    struct builder *builder;
    const struct sql_text *body;
    struct str *names;
    size_t *places;
    size_t len, capacity;
    struct str *ctes;
    size_t ctes_len;
};

static bool is_cte(const struct references *references, struct str name)
{
    for (size_t i = 0; i < references->ctes_len; i++) {
        if (str_equal_nocase(references->ctes[i], name))
            return true;
    }
    return false;
}

// NOLINTNEXTLINE(misc-no-recursion): depth is bounded by jansson
static void collect_ctes(struct references *references, json_t *node)
{
    size_t index;
    const char *key;
    json_t *value;
    if (json_is_array(node)) {
        json_array_foreach(node, index, value) collect_ctes(references, value);
    }
    if (!json_is_object(node))
        return;
    json_array_foreach(json_object_get(json_object_get(node, "cte_map"), "map"), index, value)
    {
        struct str *list =
            ARENA_ARRAY(references->builder->arena, struct str, references->ctes_len + 1);
        if (references->ctes_len > 0)
            memcpy(list, references->ctes, references->ctes_len * sizeof(*list));
        list[references->ctes_len++] =
            arena_str(references->builder->arena, tree_text(value, "key"));
        references->ctes = list;
    }
    json_object_foreach(node, key, value) collect_ctes(references, value);
}

static void collect_reference(void *context, json_t *node)
{
    struct references *references = context;
    struct arena *arena = references->builder->arena;
    json_t *function = json_object_get(node, "function");
    json_t *argument = tree_at(function, "children", 0);
    struct str name = tree_text(node, "table_name");
    size_t offset = tree_place(node);
    if (function != NULL) {
        if (!is_stream_function(tree_function(function)) || !tree_is(argument, "COLUMN_REF"))
            return;
        name = str_of(json_string_value(tree_at(argument, "column_names", 0)));
        offset = tree_place(argument);
    } else if (tree_text(node, "schema_name").len > 0) {
        return;
    }
    for (size_t i = 0; i < references->len; i++) {
        if (str_equal_nocase(references->names[i], name))
            return;
    }
    if (is_cte(references, name))
        return;
    if (references->len == references->capacity) {
        references->capacity = references->capacity * 2 + 4;
        struct str *names = ARENA_ARRAY(arena, struct str, references->capacity);
        size_t *places = ARENA_ARRAY(arena, size_t, references->capacity);
        for (size_t i = 0; i < references->len; i++) {
            names[i] = references->names[i];
            places[i] = references->places[i];
        }
        references->names = names;
        references->places = places;
    }
    references->names[references->len] = arena_str(arena, name);
    references->places[references->len++] =
        offset == TREE_NO_PLACE ? references->body->place : map_place(references->body, offset);
}

bool view_references(struct builder *builder, const struct sql_text *body, struct str **names,
                     size_t **places, size_t *len)
{
    *names = NULL;
    *places = NULL;
    *len = 0;
    AUTO(tree_release) json_t *query = parse_body(builder, body);
    if (query == NULL)
        return false;
    struct references references = {.builder = builder, .body = body};
    collect_ctes(&references, query);
    from_walk(query, collect_reference, &references);
    *names = references.names;
    *places = references.places;
    *len = references.len;
    return true;
}

// ---- Building ---------------------------------------------------------------------------------

static bool refuse_modifiers(const struct select *select, json_t *query)
{
    size_t index;
    json_t *modifier;
    json_array_foreach(json_object_get(query, "modifiers"), index, modifier)
    {
        size_t place = tree_first_place(modifier);
        if (tree_is(modifier, "DISTINCT_MODIFIER"))
            return select_refuse(select, "E0211", place,
                                 "use DEDUP(rel, key, within => INTERVAL '10 minutes')",
                                 "SELECT DISTINCT over a stream would remember every row for ever");
        return select_refuse(
            select, "E0210", place,
            "leave it out, or SET execution = 'batch'; the n largest of a window are "
            "arg_max, list or top_k",
            "%s needs the end of the input, which a stream does not have",
            tree_is(modifier, "ORDER_MODIFIER") ? "ORDER BY" : "LIMIT");
    }
    if (json_is_object(json_object_get(query, "sample")))
        return select_refuse(select, "E0234", TREE_NO_PLACE, "use WHERE random() < 0.01",
                             "a sample of a stream is not supported");
    return true;
}

static bool refuse_node(const struct select *select, json_t *query)
{
    if (tree_is(query, "SELECT_NODE"))
        return true;
    struct str kind = tree_text(query, "setop_type");
    size_t place = tree_first_place(query);
    if (kind.len > 0)
        return select_refuse(select, "E0212", place,
                             "write one view for each part, or SET execution = 'batch'",
                             "%.*s of streams is not supported", STR_ARGS(kind));
    return select_refuse(select, "E0234", place, "SET execution = 'batch'",
                         "this form of SELECT is not supported over a stream");
}

// WITH entries that read streams leave the tree; the others stay in the SQL.
static void take_ctes(struct select *select, json_t *query)
{
    json_t *map = json_object_get(json_object_get(query, "cte_map"), "map");
    for (size_t i = 0; i < json_array_size(map);) {
        json_t *entry = json_array_get(map, i);
        json_t *inner =
            json_object_get(json_object_get(json_object_get(entry, "value"), "query"), "node");
        if (!query_reads_stream(select, inner)) {
            i++;
            continue;
        }
        struct cte *cte = ARENA_NEW(select->builder->arena, struct cte);
        *cte = (struct cte){.name = arena_str(select->builder->arena, tree_text(entry, "key")),
                            .query = json_incref(inner), // released with the whole body's tree
                            .relation = -1,
                            .outer = select->ctes};
        select->ctes = cte;
        json_array_remove(map, i);
    }
}

static void release_ctes(struct select *select, struct cte *until)
{
    for (struct cte *cte = select->ctes; cte != until; cte = cte->outer)
        json_decref(cte->query);
    select->ctes = until;
}

static bool subquery_visit(void *context, json_t *node, json_t **replacement)
{
    (void)replacement;
    const struct select *select = *(const struct select **)context;
    if (!tree_is(node, "SUBQUERY"))
        return true;
    if (select != NULL && query_reads_stream(select, json_object_get(node, "subquery"))) {
        select_refuse(select, "E0215", tree_first_place(node),
                      "join with reference data (CREATE TABLE), or join two windowed views",
                      "a subquery over a stream inside an expression is not supported");
        *(const struct select **)context = NULL;
    }
    return false;
}

static bool refuse_subqueries(const struct select *select, json_t *query)
{
    static const char *const fields[] = {"select_list", "where_clause", "having", "qualify",
                                         "group_expressions"};
    const struct select *context = select;
    for (size_t i = 0; i < COUNT_OF(fields) && context != NULL; i++) {
        json_t *field = json_object_get(query, fields[i]);
        if (json_is_object(field))
            json_decref(tree_replace(json_incref(field), subquery_visit, &context));
        else
            tree_walk(field, subquery_visit, &context);
    }
    return context != NULL;
}

static bool is_star_only(json_t *query)
{
    json_t *star = tree_at(query, "select_list", 0);
    return tree_len(query, "select_list") == 1 && tree_is(star, "STAR") &&
           tree_len(star, "exclude_list") == 0 && tree_len(star, "replace_list") == 0 &&
           tree_len(star, "rename_list") == 0 && tree_len(star, "qualified_exclude_list") == 0 &&
           !json_is_true(json_object_get(star, "columns")) &&
           !json_is_object(json_object_get(star, "expr")) &&
           !json_is_object(json_object_get(query, "where_clause")) &&
           !json_is_object(json_object_get(query, "qualify")) &&
           tree_len(query, "group_expressions") == 0 &&
           !json_is_object(json_object_get(query, "having"));
}

// FROM DEDUP(..): the relation itself when nothing else is asked, else a step before.
static int build_over_dedup(struct select *select, json_t *query, struct from *from)
{
    int input = from->streams[0];
    if (is_star_only(query))
        return dedup_build(select, from->function, input, select->name, select->place);
    (*select->inner_len)++;
    struct str name =
        arena_print(select->builder->arena, "%.*s.%d", STR_ARGS(select->root), *select->inner_len);
    int inner = dedup_build(select, from->function, input, name, select->place);
    struct error err = {0};
    if (inner < 0 || !builder_publish(select->builder, inner, &err))
        return -1;
    *from = (struct from){.kind = FROM_STREAM,
                          .streams = {inner, -1},
                          .aliases = {from->aliases[0]},
                          .streams_len = 1};
    json_object_set_new(query, "from_table",
                        tree_table(select->builder->connection, name, from->aliases[0]));
    return -2;
}

static int build_from(struct select *select, json_t *query)
{
    struct from from;
    if (!from_read(select, query, &from) || !refuse_subqueries(select, query))
        return -1;
    if (from.kind == FROM_DEDUP) {
        int index = build_over_dedup(select, query, &from);
        if (index != -2)
            return index;
    }
    if (from.kind == FROM_WINDOW)
        return groups_build(select, query, &from);
    if (from.streams_len > 1)
        return join_build(select, query, &from);
    if (tree_has_class(json_object_get(query, "select_list"), "WINDOW") ||
        json_is_object(json_object_get(query, "qualify")))
        return over_build(select, query, &from);
    return rows_build(select, query, &from);
}

// NOLINTNEXTLINE(misc-no-recursion): subqueries in subqueries, bounded by the tree
int select_build(struct select *select, json_t *query, struct str name, size_t place)
{
    struct str outer_name = select->name;
    size_t outer_place = select->place;
    struct cte *outer_ctes = select->ctes;
    select->name = name;
    select->place = place;
    int index = -1;
    if (refuse_node(select, query) && refuse_modifiers(select, query)) {
        take_ctes(select, query);
        index = build_from(select, query);
        release_ctes(select, outer_ctes);
    }
    select->name = outer_name;
    select->place = outer_place;
    return index;
}

int view_build(struct builder *builder, struct str name, size_t place, const struct sql_text *body,
               bool *needs_table_mode)
{
    *needs_table_mode = false;
    AUTO(tree_release) json_t *query = parse_body(builder, body);
    if (query == NULL)
        return -1;
    size_t relations_len = builder->plan->relations_len;
    size_t messages_len = builder->diagnostics->len;
    size_t errors = builder->diagnostics->errors;
    int inner_len = 0;
    struct select select = {.builder = builder,
                            .body = body,
                            .name = name,
                            .place = place,
                            .root = name,
                            .inner_len = &inner_len};
    int index = select_build(&select, query, name, place);
    if (index >= 0)
        return index;
    builder->plan->relations_len = relations_len;
    if (builder->execution == EXECUTION_BATCH) {
        builder->diagnostics->len = messages_len;
        builder->diagnostics->errors = errors;
        *needs_table_mode = true;
    }
    return -1;
}
