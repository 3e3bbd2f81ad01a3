// SPDX-License-Identifier: MIT
// A row at a time: filter, projection, UNNEST, and joins with reference tables. WHERE never stays
// in the projection, because the engine counts what it drops. A projection of plain columns needs
// no SQL at all (direct).
#include "pipeline/select.h"

#include <string.h>

static bool refuse_aggregates(const struct select *select, json_t *query)
{
    json_t *groups = json_object_get(query, "group_expressions");
    json_t *list = json_object_get(query, "select_list");
    bool is_grouped = json_array_size(groups) > 0 || tree_len(query, "group_sets") > 0 ||
                      json_is_object(json_object_get(query, "having")) ||
                      !str_is(tree_text(query, "aggregate_handling"), "STANDARD_HANDLING");
    size_t place = json_array_size(groups) > 0 ? tree_first_place(groups) : TREE_NO_PLACE;
    if (!is_grouped && !tree_has_aggregate(select->builder, list))
        return true;
    const char *cure =
        "aggregate over windows: FROM TUMBLE(events, event_time, INTERVAL '1 minute') "
        "GROUP BY window_start, window_end, ..; or SET execution = 'batch'";
    if (tree_has_function(groups, "date_trunc") || tree_has_function(groups, "time_bucket") ||
        tree_has_function(list, "date_trunc") || tree_has_function(list, "time_bucket"))
        return select_refuse(select, "E0213", place, cure,
                             "grouping by a cut time does not say when a group is complete");
    return select_refuse(select, "E0213", place == TREE_NO_PLACE ? tree_first_place(list) : place,
                         cure, "an aggregate over a stream has no end without a window");
}

// A stream's rows must all be on the side of a join that is looked up for, never the other way
// round: rows of a table without a partner would come once a trigger.
// NOLINTNEXTLINE(misc-no-recursion): depth is bounded by jansson
static bool check_joins(const struct select *select, json_t *node, struct str alias,
                        bool *has_stream)
{
    *has_stream = tree_is(node, "BASE_TABLE") &&
                  str_equal_nocase(tree_text(node, "alias"), alias) &&
                  relation_find(select->builder, tree_text(node, "table_name")) >= 0;
    if (!tree_is(node, "JOIN"))
        return true;
    bool left = false;
    bool right = false;
    if (!check_joins(select, json_object_get(node, "left"), alias, &left) ||
        !check_joins(select, json_object_get(node, "right"), alias, &right))
        return false;
    *has_stream = left || right;
    struct str type = tree_text(node, "join_type");
    bool is_fine = str_is(type, "INNER") || !*has_stream || (str_is(type, "RIGHT") && right) ||
                   (left && (str_is(type, "LEFT") || str_is(type, "SEMI") || str_is(type, "ANTI")));
    if (str_is(tree_text(node, "ref_type"), "POSITIONAL"))
        is_fine = false;
    return is_fine || select_refuse(select, "E0217", tree_place(node),
                                    "put the stream on the left and use LEFT JOIN",
                                    "this join would need all rows of the stream at once");
}

struct term_check {
    const struct relation *input;
    struct str alias;
    bool is_own;
};

// Makes references of a WHERE term plain; finds whether all of them are the stream's.
static bool term_visit(void *context, json_t *node, json_t **replacement)
{
    (void)replacement;
    struct term_check *check = context;
    if (tree_is(node, "SUBQUERY") || tree_is(node, "LAMBDA"))
        check->is_own = false;
    if (!tree_is(node, "COLUMN_REF") || !check->is_own)
        return check->is_own;
    json_t *names = json_object_get(node, "column_names");
    struct str first = str_of(json_string_value(json_array_get(names, 0)));
    if (json_array_size(names) > 1 && str_equal_nocase(first, check->alias)) {
        json_array_remove(names, 0);
        first = str_of(json_string_value(json_array_get(names, 0)));
    }
    check->is_own = column_find(check->input->columns, check->input->columns_len, first) >= 0;
    return false;
}

// Terms of a WHERE over a join that only read the stream move into the filter; the others stay.
static json_t *split_where(const struct relation *input, struct str alias, json_t *query)
{
    json_t *where = json_object_get(query, "where_clause");
    AUTO(tree_release) json_t *terms = json_array();
    if (tree_is(where, "CONJUNCTION_AND"))
        json_array_extend(terms, json_object_get(where, "children"));
    else
        json_array_append(terms, where);
    AUTO(tree_release) json_t *own = json_array();
    AUTO(tree_release) json_t *rest = json_array();
    for (size_t i = 0; i < json_array_size(terms); i++) {
        struct term_check check = {.input = input, .alias = alias, .is_own = true};
        json_t *copy = json_deep_copy(json_array_get(terms, i));
        copy = tree_replace(copy, term_visit, &check);
        json_array_append(check.is_own ? own : rest,
                          check.is_own ? copy : json_array_get(terms, i));
        json_decref(copy);
    }
    json_t *parts[2] = {own, rest};
    json_t *made[2] = {NULL, NULL};
    for (size_t i = 0; i < 2; i++) {
        if (json_array_size(parts[i]) == 1) {
            made[i] = json_incref(json_array_get(parts[i], 0));
        } else if (json_array_size(parts[i]) > 1) {
            made[i] = json_deep_copy(where);
            json_object_set(made[i], "children", parts[i]);
        }
    }
    json_object_set_new(query, "where_clause", made[1] != NULL ? made[1] : json_null());
    return made[0];
}

static bool add_filter(const struct select *select, struct relation *relation, json_t *where,
                       const struct relation *input)
{
    if (where == NULL)
        return true;
    size_t place = tree_first_place(where);
    struct error err = {0};
    relation->has_filter = true;
    if (!condition_from_tree(select->builder, where, input->columns, input->columns_len,
                             &relation->filter, &err))
        return select_refuse(select, "E0205", place, NULL, "%s", err.text);
    relation->filter.place =
        place == TREE_NO_PLACE ? select->place : map_place(select->body, place);
    return true;
}

static void add_direct(struct builder *builder, struct relation *relation, json_t *query,
                       const struct relation *input)
{
    size_t len = tree_len(query, "select_list");
    int *direct = ARENA_ARRAY(builder->arena, int, len);
    for (size_t i = 0; i < len; i++) {
        direct[i] =
            tree_column_index(tree_at(query, "select_list", i), input->columns, input->columns_len);
        if (direct[i] < 0)
            return;
    }
    relation->direct = direct;
}

// Where the input's event time and window bounds are in the output.
static void follow_columns(struct relation *relation, json_t *query, const struct relation *input,
                           struct str alias)
{
    for (size_t i = 0; i < relation->columns_len; i++) {
        AUTO(tree_release) json_t *item = json_deep_copy(tree_at(query, "select_list", i));
        json_t *names = json_object_get(item, "column_names");
        if (json_array_size(names) == 2 &&
            str_equal_nocase(str_of(json_string_value(json_array_get(names, 0))), alias))
            json_array_remove(names, 0);
        int column = tree_column_index(item, input->columns, input->columns_len);
        if (column < 0)
            continue;
        if (column == input->time_column && relation->time_column < 0)
            relation->time_column = (int)i;
        if (column == input->window_start_column && relation->window_start_column < 0)
            relation->window_start_column = (int)i;
        if (column == input->window_end_column && relation->window_end_column < 0)
            relation->window_end_column = (int)i;
    }
}

static bool cast_visit(void *context, json_t *node, json_t **replacement)
{
    (void)replacement;
    const struct select *select = context;
    if (tree_is(node, "CAST") && !tree_is(json_object_get(node, "child"), "CONSTANT") &&
        str_is(tree_text(json_object_get(node, "cast_type"), "id"), "TIMESTAMP"))
        select_warn(select, "W0201", tree_first_place(node),
                    "declare the column as TIMESTAMP in the source: its decoder reads offsets",
                    "a text with an offset such as +02:00 loses the offset when cast to TIMESTAMP");
    return !tree_is(node, "SUBQUERY");
}

static void warn_casts(struct select *select, json_t *query)
{
    tree_walk(json_object_get(query, "select_list"), cast_visit, select);
}

// The input's row number as a last column, for rows that no longer follow it one to one.
static void add_sequence(json_t *query, struct str alias)
{
    json_t *item = tree_column_of(STR("_sequence"));
    json_array_insert_new(json_object_get(item, "column_names"), 0,
                          json_stringn(alias.ptr, alias.len));
    json_array_append_new(json_object_get(query, "select_list"), item);
}

static bool add_project(const struct select *select, struct relation *relation, json_t *query,
                        struct str alias)
{
    if (relation->changes_rows)
        add_sequence(query, alias);
    relation->project_sql = select_print(select, query);
    struct column *columns;
    size_t len;
    struct error err = {0};
    if (!bind_sql(select->builder, BIND_LANE, relation->project_sql, &columns, &len, &err))
        return select_refuse(select, "E0204", TREE_NO_PLACE, NULL, "%s", err.text);
    return len == relation->columns_len + (relation->changes_rows ? 1 : 0) ||
           select_refuse(select, "E0204", TREE_NO_PLACE, "name the columns one by one",
                         "the columns of %.*s cannot be told apart", STR_ARGS(select->name));
}

int rows_build(struct select *select, json_t *query, const struct from *from)
{
    struct builder *builder = select->builder;
    const struct relation *input = &builder->plan->relations[from->streams[0]];
    struct str alias = from->aliases[0];
    bool is_join = from->kind == FROM_JOIN;
    bool has_stream;
    struct relation relation = relation_new(select->name, RELATION_ROWS, select->place);
    if (!refuse_aggregates(select, query) ||
        !check_joins(select, json_object_get(query, "from_table"), alias, &has_stream) ||
        !select_expand_stars(select, query, json_object_get(query, "from_table")))
        return -1;
    if (!is_join && !select_resolve(select, query, alias, input->columns, input->columns_len))
        return -1;
    if (!select_bind(select, query, &relation.columns, &relation.columns_len) ||
        !select_check_columns(select, relation.columns, relation.columns_len))
        return -1;
    warn_casts(select, query);
    relation.inputs[0] = from->streams[0];
    relation.is_closed = input->is_closed;
    relation.changes_rows =
        is_join || tree_has_function(json_object_get(query, "select_list"), "unnest");
    AUTO(tree_release) json_t *where = NULL;
    if (json_is_object(json_object_get(query, "where_clause")))
        where = is_join ? split_where(input, alias, query)
                        : json_incref(json_object_get(query, "where_clause"));
    if (!is_join)
        json_object_set_new(query, "where_clause", json_null());
    follow_columns(&relation, query, input, alias);
    if (!add_filter(select, &relation, where, input))
        return -1;
    if (!relation.changes_rows)
        add_direct(builder, &relation, query, input);
    if (relation.direct == NULL && !add_project(select, &relation, query, alias))
        return -1;
    return relation_add(builder, &relation);
}
