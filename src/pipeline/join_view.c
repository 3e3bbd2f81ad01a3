// SPDX-License-Identifier: MIT
// Join of two relations whose rows appear when their windows close. The engine runs the SQL once
// for each set of windows that both sides have closed, so the condition must equate the windows:
// then no row can have a partner in another set. Reference tables may take part beside them.
#include "pipeline/select.h"

#include <string.h>

struct side {
    const struct relation *relation;
    struct str alias;
};

// Which window bound a reference is: 0 none, 1 start, 2 end; *side is 0, 1, or 2 for "both"
// (USING).
static int bound_of(const struct side sides[2], const json_t *node, int *side)
{
    size_t len = tree_len(node, "column_names");
    if (!tree_is(node, "COLUMN_REF") || len != 2)
        return 0;
    struct str alias = str_of(json_string_value(tree_at(node, "column_names", 0)));
    struct str name = str_of(json_string_value(tree_at(node, "column_names", 1)));
    for (int i = 0; i < 2; i++) {
        const struct relation *relation = sides[i].relation;
        if (!str_equal_nocase(alias, sides[i].alias))
            continue;
        int column = column_find(relation->columns, relation->columns_len, name);
        *side = i;
        if (column >= 0 && column == relation->window_start_column)
            return 1;
        if (column >= 0 && column == relation->window_end_column)
            return 2;
    }
    return 0;
}

static bool term_joins_windows(const struct side sides[2], json_t *term)
{
    int left_side = -1;
    int right_side = -1;
    if (!tree_is(term, "COMPARE_EQUAL"))
        return false;
    int left = bound_of(sides, json_object_get(term, "left"), &left_side);
    int right = bound_of(sides, json_object_get(term, "right"), &right_side);
    return left != 0 && left == right && left_side != right_side;
}

// A USING column that is the same bound on both sides.
static bool using_joins_windows(const struct side sides[2], struct str name)
{
    int found[2];
    for (int i = 0; i < 2; i++) {
        const struct relation *relation = sides[i].relation;
        int column = column_find(relation->columns, relation->columns_len, name);
        found[i] = column < 0                                ? 0
                   : column == relation->window_start_column ? 1
                   : column == relation->window_end_column   ? 2
                                                             : 0;
    }
    return found[0] != 0 && found[0] == found[1];
}

static bool node_joins_windows(const struct side sides[2], json_t *join)
{
    json_t *condition = json_object_get(join, "condition");
    for (size_t i = 0; i < tree_len(join, "using_columns"); i++) {
        if (using_joins_windows(sides,
                                str_of(json_string_value(tree_at(join, "using_columns", i)))))
            return true;
    }
    if (!tree_is(condition, "CONJUNCTION_AND"))
        return term_joins_windows(sides, condition);
    for (size_t i = 0; i < tree_len(condition, "children"); i++) {
        if (term_joins_windows(sides, tree_at(condition, "children", i)))
            return true;
    }
    return false;
}

static bool is_stream_table(const struct side sides[2], const json_t *node)
{
    return tree_is(node, "BASE_TABLE") &&
           (str_equal_nocase(tree_text(node, "table_name"), sides[0].relation->name) ||
            str_equal_nocase(tree_text(node, "table_name"), sides[1].relation->name));
}

// The join node of the two streams: both are its direct sides.
// NOLINTNEXTLINE(misc-no-recursion): depth is bounded by jansson
static json_t *find_join(const struct side sides[2], json_t *node)
{
    if (!tree_is(node, "JOIN"))
        return NULL;
    json_t *left = json_object_get(node, "left");
    if (is_stream_table(sides, left) && is_stream_table(sides, json_object_get(node, "right")))
        return node;
    return find_join(sides, left);
}

// The length of the windows that the rows of a closed relation come from.
static int64_t window_size(const struct plan *plan, const struct relation *relation)
{
    while (relation->kind != RELATION_GROUPS && relation->inputs[0] >= 0)
        relation = &plan->relations[relation->inputs[0]];
    return relation->window_size_us;
}

static bool check_streams(const struct select *select, const struct side sides[2], size_t place)
{
    for (size_t i = 0; i < 2; i++) {
        const struct relation *relation = sides[i].relation;
        if (!relation->is_closed)
            return select_refuse(
                select, "E0216", place,
                "aggregate both over windows in views of their own and join those, or "
                "join with reference data (CREATE TABLE)",
                "a join of streams would wait for ever for rows of %.*s", STR_ARGS(relation->name));
        if (relation->window_start_column < 0 && relation->window_end_column < 0)
            return select_refuse(select, "E0231", place, "select window_start in that view",
                                 "%.*s carries neither window_start nor window_end",
                                 STR_ARGS(relation->name));
    }
    // Equal starts of unequal windows end at different times: one side would have been joined
    // before the other is there.
    const struct plan *plan = select->builder->plan;
    if (window_size(plan, sides[0].relation) != window_size(plan, sides[1].relation))
        return select_refuse(select, "E0231", place, "give both windows the same size",
                             "%.*s and %.*s have windows of different length",
                             STR_ARGS(sides[0].relation->name), STR_ARGS(sides[1].relation->name));
    return sides[0].relation != sides[1].relation ||
           select_refuse(select, "E0216", place,
                         "make a second view: CREATE VIEW b AS SELECT * FROM a",
                         "%.*s is joined with itself", STR_ARGS(sides[0].relation->name));
}

static bool check_join(const struct select *select, const struct side sides[2], json_t *query)
{
    json_t *join = find_join(sides, json_object_get(query, "from_table"));
    if (join == NULL)
        return select_refuse(select, "E0216", TREE_NO_PLACE,
                             "write FROM a JOIN b USING (window_start, ..) first, tables after it",
                             "the two windowed views must be joined directly");
    struct str type = tree_text(join, "join_type");
    bool is_known = str_is(type, "INNER") || str_is(type, "LEFT") || str_is(type, "OUTER") ||
                    str_is(type, "FULL");
    if (!is_known || !str_is(tree_text(join, "ref_type"), "REGULAR"))
        return select_refuse(select, "E0217", tree_place(join),
                             "use JOIN, LEFT JOIN or FULL JOIN with USING (window_start, ..)",
                             "this join of windowed views is not supported");
    return node_joins_windows(sides, join) ||
           select_refuse(select, "E0231", tree_place(join), "USING (window_start, window_end, ..)",
                         "a join of windowed views must equate window_start or window_end");
}

static bool check_rest(const struct select *select, json_t *query)
{
    json_t *list = json_object_get(query, "select_list");
    if (tree_has_class(list, "WINDOW") || json_is_object(json_object_get(query, "qualify")))
        return select_refuse(select, "E0214", tree_first_place(list),
                             "join in one view, and use OVER in a view that reads it",
                             "OVER beside a join is not supported");
    if (tree_has_aggregate(select->builder, list) || tree_len(query, "group_expressions") > 0 ||
        !str_is(tree_text(query, "aggregate_handling"), "STANDARD_HANDLING"))
        return select_refuse(select, "E0219", tree_first_place(list),
                             "aggregate the rows themselves over the longer window",
                             "aggregates over closed windows are not supported");
    return true;
}

// Output columns that are the window bounds: plain references by their name.
static void follow_bounds(struct relation *relation, const struct side sides[2], json_t *query)
{
    for (size_t i = 0; i < relation->columns_len; i++) {
        json_t *item = tree_at(query, "select_list", i);
        size_t len = tree_len(item, "column_names");
        if (!tree_is(item, "COLUMN_REF") || len > 2)
            continue;
        struct str name = str_of(json_string_value(tree_at(item, "column_names", len - 1)));
        const struct relation *left = sides[0].relation;
        int column = column_find(left->columns, left->columns_len, name);
        if (column < 0)
            continue;
        if (column == left->window_start_column && relation->window_start_column < 0)
            relation->window_start_column = (int)i;
        if (column == left->window_end_column && relation->window_end_column < 0)
            relation->window_end_column = (int)i;
    }
}

int join_build(struct select *select, json_t *query, const struct from *from)
{
    const struct plan *plan = select->builder->plan;
    struct side sides[2];
    for (size_t i = 0; i < 2; i++)
        sides[i] = (struct side){&plan->relations[from->streams[i]], from->aliases[i]};
    json_t *from_node = json_object_get(query, "from_table");
    struct relation relation = relation_new(select->name, RELATION_JOIN, select->place);
    if (!check_streams(select, sides, tree_place(from_node)) || !check_join(select, sides, query) ||
        !check_rest(select, query) || !select_expand_stars(select, query, from_node) ||
        !select_bind(select, query, &relation.columns, &relation.columns_len) ||
        !select_check_columns(select, relation.columns, relation.columns_len))
        return -1;
    relation.inputs[0] = from->streams[0];
    relation.inputs[1] = from->streams[1];
    relation.is_closed = true;
    follow_bounds(&relation, sides, query);
    relation.time_column = relation.window_start_column;
    relation.closed_sql = select_print(select, query);
    return relation_add(select->builder, &relation);
}
