// SPDX-License-Identifier: MIT
// TUMBLE / HOP with GROUP BY -> RELATION_GROUPS. The SELECT is split in three:
//
//   group inputs  what is taken from each row: time, keys, arguments, filters   (before the fold)
//   aggregates    one fold in C for each, or one SQL over kept rows             (the fold)
//   final         the SELECT list and HAVING over keys k0.. and results r0..    (at close)
//
// The user's own SELECT is bound over the real columns first: its types are the types of the
// result, whatever way they are computed. Window bounds are no keys; expressions of them alone are
// left to the final step.
#include "pipeline/group.h"

#include <stdio.h>
#include <string.h>

static const struct column window_columns_template[] = {
    {.name = {"window_start", 12}, .type = NULL},
    {.name = {"window_end", 10}, .type = NULL},
};

static bool is_window_column(const json_t *node)
{
    if (!tree_is(node, "COLUMN_REF"))
        return false;
    struct str name = str_of(json_string_value(tree_at(node, "column_names", 0)));
    return str_equal_nocase(name, window_columns_template[0].name) ||
           str_equal_nocase(name, window_columns_template[1].name);
}

struct column_use {
    bool window, other;
};

static bool use_visit(void *context, json_t *node, json_t **replacement)
{
    (void)replacement;
    struct column_use *use = context;
    if (tree_is(node, "COLUMN_REF")) {
        use->window = use->window || is_window_column(node);
        use->other = use->other || !is_window_column(node);
    }
    return true;
}

static struct column_use column_use(json_t *node)
{
    struct column_use use = {false, false};
    json_decref(tree_replace(json_incref(node), use_visit, &use));
    return use;
}

// ---- Shape of the SELECT ------------------------------------------------------------------------

static bool open_columns(struct group_maker *maker, const struct relation *input)
{
    struct arena *arena = maker->select->builder->arena;
    maker->columns_len = input->columns_len + 2;
    maker->columns = ARENA_ARRAY(arena, struct column, maker->columns_len);
    for (size_t i = 0; i < input->columns_len; i++)
        maker->columns[i] = input->columns[i];
    for (size_t i = 0; i < 2; i++) {
        maker->columns[input->columns_len + i] = window_columns_template[i];
        maker->columns[input->columns_len + i].type = type_simple(TYPE_TIMESTAMP);
        if (column_find(input->columns, input->columns_len, window_columns_template[i].name) >= 0)
            return select_refuse(maker->select, "E0206", tree_place(maker->from->function),
                                 "rename it in a view before",
                                 "%.*s has a column window_start or window_end already",
                                 STR_ARGS(input->name));
    }
    return true;
}

// GROUP BY 1 -> the first item of the list.
static bool place_positions(const struct select *select, json_t *query)
{
    json_t *groups = json_object_get(query, "group_expressions");
    for (size_t i = 0; i < json_array_size(groups); i++) {
        json_t *group = json_array_get(groups, i);
        const json_t *value = json_object_get(json_object_get(group, "value"), "value");
        if (!tree_is(group, "CONSTANT") || !json_is_integer(value))
            continue;
        json_int_t number = json_integer_value(value);
        json_t *item = tree_at(query, "select_list", (size_t)(number - 1));
        if (number < 1 || item == NULL)
            return select_refuse(select, "E0204", tree_place(group), NULL,
                                 "GROUP BY %lld: there is no such item", (long long)number);
        json_array_set_new(groups, i, json_deep_copy(item));
    }
    return true;
}

static bool top_k_visit(void *context, json_t *node, json_t **replacement)
{
    (void)replacement;
    struct builder *builder = context;
    json_t *filter = json_object_get(node, "filter");
    struct str name = tree_function(node);
    if ((!str_is(name, "top_k") && !str_is(name, "top_k_elements")) || !json_is_object(filter) ||
        tree_len(node, "children") != 2)
        return true;
    size_t place;
    struct error err = {0};
    json_t *only =
        tree_parse_expression(builder->connection, STR("CASE WHEN a THEN b END"), &place, &err);
    ASSERT(only != NULL);
    json_t *check = tree_at(only, "case_checks", 0);
    json_object_set(check, "when_expr", filter);
    json_object_set(check, "then_expr", tree_at(node, "children", 0));
    json_array_set_new(json_object_get(node, "children"), 0, only);
    json_object_set_new(node, "filter", json_null());
    return true;
}

static bool check_shape(struct group_maker *maker, json_t *query)
{
    const struct select *select = maker->select;
    if (tree_len(query, "group_sets") > 1)
        return select_refuse(select, "E0229", TREE_NO_PLACE, "write one view for each grouping",
                             "ROLLUP, CUBE and GROUPING SETS are "
                             "not supported over a stream");
    if (json_is_object(json_object_get(query, "qualify")) ||
        tree_has_class(json_object_get(query, "select_list"), "WINDOW"))
        return select_refuse(select, "E0214",
                             tree_first_place(json_object_get(query, "select_list")),
                             "aggregate in one view, and use OVER in a view that reads it",
                             "OVER and QUALIFY beside an aggregate are not supported");
    json_t *where = json_object_get(query, "where_clause");
    if (json_is_object(where) && column_use(where).window)
        return select_refuse(select, "E0235", tree_first_place(where),
                             "use HAVING, or WHERE in a view that reads this one",
                             "WHERE is judged row by row, before rows have a window");
    return true;
}

// What is grouped by: GROUP BY, or with ALL every item without an aggregate.
static json_t *grouped_items(struct group_maker *maker, json_t *query)
{
    struct builder *builder = maker->select->builder;
    json_t *groups = json_object_get(query, "group_expressions");
    json_t *items = json_array();
    if (str_is(tree_text(query, "aggregate_handling"), "FORCE_AGGREGATES") &&
        json_array_size(groups) == 0) {
        for (size_t i = 0; i < tree_len(query, "select_list"); i++) {
            json_t *item = tree_at(query, "select_list", i);
            if (!tree_has_aggregate(builder, item))
                json_array_append(items, item);
        }
    } else {
        json_array_extend(items, groups);
    }
    return items;
}

static bool read_keys(struct group_maker *maker, json_t *query)
{
    AUTO(tree_release) json_t *items = grouped_items(maker, query);
    bool has_window = false;
    for (size_t i = 0; i < json_array_size(items); i++) {
        json_t *item = json_array_get(items, i);
        struct column_use use = column_use(item);
        has_window = has_window || is_window_column(item);
        if (use.window && use.other)
            return select_refuse(maker->select, "E0218", tree_first_place(item),
                                 "compute it from the result in a view that reads this one",
                                 "a GROUP BY expression mixes window bounds with other columns");
        if (use.other)
            json_array_append(maker->keys, item);
    }
    if (has_window)
        return true;
    json_t *function = maker->from->function;
    return select_refuse(maker->select, "E0218",
                         json_array_size(items) > 0 ? tree_first_place(items)
                                                    : tree_place(function),
                         "GROUP BY window_start, window_end, ..",
                         "a SELECT from %s must group by window_start or window_end",
                         str_is(tree_function(function), "hop") ? "HOP" : "TUMBLE");
}

// The query that is bound for its types: FROM is the input with empty window bounds, and the bounds
// may be selected whenever one of them is grouped by.
static void open_bind_query(struct group_maker *maker, json_t *query, const struct relation *input)
{
    AUTO(buf_clear) struct buf sql = {0};
    buf_add_cstr(&sql,
                 "SELECT *, CAST(NULL AS TIMESTAMP) AS window_start, CAST(NULL AS TIMESTAMP) AS "
                 "window_end FROM ");
    buf_add_sql_name(&sql, input->name);
    json_object_set_new(
        query, "from_table",
        tree_subquery(maker->select->builder->connection, buf_str(&sql), maker->from->aliases[0]));
}

static bool bind_query(struct group_maker *maker, json_t *query)
{
    AUTO(tree_release) json_t *bound = json_deep_copy(query);
    json_t *groups = json_object_get(bound, "group_expressions");
    json_t *set = tree_at(bound, "group_sets", 0);
    if (json_array_size(groups) > 0) {
        for (size_t i = 0; i < 2; i++) {
            json_array_append_new(set, json_integer((json_int_t)json_array_size(groups)));
            json_array_append_new(groups, tree_column_of(window_columns_template[i].name));
        }
    }
    return select_bind(maker->select, bound, &maker->relation.columns,
                       &maker->relation.columns_len) &&
           select_check_columns(maker->select, maker->relation.columns,
                                maker->relation.columns_len);
}

// ---- The final step -----------------------------------------------------------------------------

static json_t *numbered_column(const json_t *node, char letter, size_t number)
{
    char name[24];
    snprintf(name, sizeof(name), "%c%zu", letter, number);
    json_t *column = tree_column_of(str_of(name));
    json_object_set(column, "alias", json_object_get(node, "alias"));
    return column;
}

// location.city where location is a key: k0.city.
static bool key_field(struct group_maker *maker, json_t *node)
{
    for (size_t i = 0; i < json_array_size(maker->keys); i++) {
        const json_t *key = json_array_get(maker->keys, i);
        size_t len = tree_len(key, "column_names");
        AUTO(tree_release) json_t *head = json_deep_copy(node);
        json_t *names = json_object_get(head, "column_names");
        while (json_array_size(names) > len)
            json_array_remove(names, json_array_size(names) - 1);
        if (!tree_is(key, "COLUMN_REF") || !tree_equal(head, key))
            continue;
        AUTO(tree_release) json_t *column = numbered_column(node, 'k', i);
        json_t *own = json_object_get(node, "column_names");
        for (size_t j = 0; j < len; j++)
            json_array_remove(own, 0);
        json_array_insert(own, 0, tree_at(column, "column_names", 0));
        return true;
    }
    return false;
}

static bool final_visit(void *context, json_t *node, json_t **replacement)
{
    struct group_maker *maker = context;
    for (size_t i = 0; i < json_array_size(maker->keys); i++) {
        if (tree_equal(node, json_array_get(maker->keys, i))) {
            *replacement = numbered_column(node, 'k', i);
            return false;
        }
    }
    if (is_aggregate(maker->select->builder, node)) {
        size_t number = 0;
        while (number < json_array_size(maker->calls) &&
               !tree_equal(node, json_array_get(maker->calls, number)))
            number++;
        if (number == json_array_size(maker->calls)) {
            if (column_use(node).window)
                maker->failed =
                    !select_refuse(maker->select, "E0235", tree_first_place(node),
                                   "compute it from the result in a view that reads this",
                                   "an aggregate cannot read window_start or window_end");
            json_array_append_new(maker->calls, json_deep_copy(node));
        }
        *replacement = numbered_column(node, 'r', number);
        return false;
    }
    if (tree_is(node, "SUBQUERY") || tree_is(node, "LAMBDA"))
        return true;
    if (tree_is(node, "COLUMN_REF") && !is_window_column(node))
        key_field(maker, node);
    return true;
}

static json_t *make_final(struct group_maker *maker, json_t *query)
{
    json_t *final = json_deep_copy(query);
    json_t *items = json_object_get(final, "select_list");
    for (size_t i = 0; i < json_array_size(items); i++) {
        json_t *item = tree_replace(json_incref(json_array_get(items, i)), final_visit, maker);
        tree_set_text(item, "alias", maker->relation.columns[i].name);
        json_array_set_new(items, i, item);
    }
    json_t *having = json_object_get(final, "having");
    maker->relation.has_having = json_is_object(having);
    if (maker->relation.has_having)
        having = tree_replace(json_deep_copy(having), final_visit, maker);
    else
        having = json_null();
    json_object_set_new(final, "where_clause", having);
    json_object_set_new(final, "having", json_null());
    json_object_set_new(final, "group_expressions", json_array());
    json_object_set_new(final, "group_sets", json_array());
    json_object_set_new(final, "aggregate_handling", json_string("STANDARD_HANDLING"));
    json_object_set_new(
        final, "from_table",
        tree_table(maker->select->builder->connection, STR("_groups"), STR("_groups")));
    return final;
}

static void follow_keys(struct group_maker *maker, json_t *final)
{
    struct relation *relation = &maker->relation;
    struct arena *arena = maker->select->builder->arena;
    int *direct = ARENA_ARRAY(arena, int, relation->columns_len);
    bool is_direct = !relation->has_having;
    relation->key_columns = ARENA_ARRAY(arena, int, relation->columns_len);
    for (size_t i = 0; i < relation->columns_len; i++) {
        direct[i] = tree_column_index(tree_at(final, "select_list", i), relation->group_columns,
                                      relation->group_columns_len);
        is_direct = is_direct && direct[i] >= 0;
        if (direct[i] < 0)
            continue;
        if (direct[i] < (int)relation->group_keys_len + 2)
            relation->key_columns[relation->key_columns_len++] = (int)i;
        if (direct[i] == 0 && relation->window_start_column < 0)
            relation->window_start_column = (int)i;
        if (direct[i] == 1 && relation->window_end_column < 0)
            relation->window_end_column = (int)i;
    }
    relation->time_column = relation->window_start_column;
    if (is_direct)
        relation->final_direct = direct;
}

// Types that came out different (they should not) are cast to what the user's SELECT binds to.
static bool add_final(struct group_maker *maker, json_t *final)
{
    struct relation *relation = &maker->relation;
    struct builder *builder = maker->select->builder;
    struct column *columns;
    size_t len;
    struct error err = {0};
    if (!group_publish(maker, "_groups", relation->group_columns, relation->group_columns_len) ||
        !bind_tree(builder, BIND_PLAIN, final, &columns, &len, &err))
        return select_refuse(maker->select, "E0218", TREE_NO_PLACE,
                             "every column outside of aggregates must be in GROUP BY", "%s",
                             err.text);
    for (size_t i = 0; i < len; i++) {
        if (type_equal(columns[i].type, relation->columns[i].type))
            continue;
        struct str text =
            arena_print(builder->arena, "CAST(x AS %s)", relation->columns[i].type->sql);
        size_t place;
        json_t *cast = tree_parse_expression(builder->connection, text, &place, &err);
        ASSERT(cast != NULL);
        json_object_set(cast, "child", tree_at(final, "select_list", i));
        tree_set_text(cast, "alias", relation->columns[i].name);
        json_array_set_new(json_object_get(final, "select_list"), i, cast);
    }
    follow_keys(maker, final);
    if (relation->final_direct == NULL)
        relation->final_sql = select_print(maker->select, final);
    return true;
}

// ---- All together -------------------------------------------------------------------------------

static bool check_time(const struct group_maker *maker, const struct relation *input)
{
    if (maker->select->builder->execution == EXECUTION_BATCH)
        return true;
    size_t place = tree_place(maker->from->function);
    if (input->time_column < 0)
        return select_refuse(
            maker->select, "E0226", place,
            "give the source WATERMARK FOR its event time, and keep that column in "
            "the views",
            "a window over %.*s would never close: it has no watermark", STR_ARGS(input->name));
    if (input->time_column != maker->window.time_column)
        return select_refuse(maker->select, "E0226", place, "use the column that has the watermark",
                             "the watermark of %.*s is on %.*s, not on %.*s", STR_ARGS(input->name),
                             STR_ARGS(input->columns[input->time_column].name),
                             STR_ARGS(input->columns[maker->window.time_column].name));
    return true;
}

static bool add_where(struct group_maker *maker, json_t *query, const struct relation *input)
{
    json_t *where = json_object_get(query, "where_clause");
    if (!json_is_object(where))
        return true;
    size_t place = tree_first_place(where);
    struct error err = {0};
    maker->relation.has_filter = true;
    if (!condition_from_tree(maker->select->builder, where, input->columns, input->columns_len,
                             &maker->relation.filter, &err))
        return select_refuse(maker->select, "E0205", place, NULL, "%s", err.text);
    maker->relation.filter.place =
        place == TREE_NO_PLACE ? maker->select->place : map_place(maker->select->body, place);
    return true;
}

static bool make_groups(struct group_maker *maker, json_t *query, const struct relation *input)
{
    struct select *select = maker->select;
    if (!window_arguments_read(select, maker->from->function, input->columns, input->columns_len,
                               &maker->window) ||
        !check_time(maker, input) || !open_columns(maker, input))
        return false;
    open_bind_query(maker, query, input);
    if (!select_expand_stars(select, query, json_object_get(query, "from_table")) ||
        !place_positions(select, query) ||
        !select_resolve(select, query, maker->from->aliases[0], maker->columns,
                        maker->columns_len) ||
        !check_shape(maker, query))
        return false;
    tree_walk(query, top_k_visit, select->builder);
    if (!read_keys(maker, query) || !bind_query(maker, query) || !add_where(maker, query, input))
        return false;
    AUTO(tree_release) json_t *final = make_final(maker, query);
    return !maker->failed && group_inputs_make(maker, query, input) && add_final(maker, final);
}

int groups_build(struct select *select, json_t *query, const struct from *from)
{
    const struct relation *input = &select->builder->plan->relations[from->streams[0]];
    if (input->is_closed) {
        select_refuse(select, "E0219", tree_place(from->function),
                      "aggregate the rows themselves over the longer window in a view of its own",
                      "windows over the closed windows of %.*s are not supported",
                      STR_ARGS(input->name));
        return -1;
    }
    AUTO(tree_release) json_t *keys = json_array();
    AUTO(tree_release) json_t *calls = json_array();
    // The tree of FROM is replaced below; the function is still needed.
    UNUSED AUTO(tree_release) json_t *function = json_incref(from->function);
    struct group_maker maker = {.select = select, .from = from, .keys = keys, .calls = calls};
    maker.relation = relation_new(select->name, RELATION_GROUPS, select->place);
    maker.relation.inputs[0] = from->streams[0];
    maker.relation.is_closed = true;
    if (!make_groups(&maker, query, input))
        return -1;
    maker.relation.window_size_us = maker.window.size_us;
    maker.relation.window_slide_us = maker.window.slide_us;
    maker.relation.window_shift_us = maker.window.shift_us;
    return relation_add(select->builder, &maker.relation);
}
