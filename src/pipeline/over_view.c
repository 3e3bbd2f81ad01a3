// SPDX-License-Identifier: MIT
// OVER (PARTITION BY .. ORDER BY window_start ROWS BETWEEN n PRECEDING AND ..) on closed windows.
// The engine keeps the last rows of each partition as history; the SQL sees history and new rows
// and gives only the new ones (QUALIFY _new). So a frame must reach back a known number of rows,
// never forward.
#include "pipeline/select.h"

#include <string.h>

#define PRECEDING_MAX 100000

struct over {
    struct select *select;
    const struct relation *input;
    int *partition;
    size_t partition_len;
    bool has_partition;               // of the first OVER; the others must have the same
    int64_t preceding, own_deviation; // as in struct relation
    bool failed;
};

static bool refuse_frame(struct over *over, json_t *node, const char *text)
{
    over->failed = true;
    return select_refuse(over->select, "E0230", tree_first_place(node),
                         "OVER (PARTITION BY .. ORDER BY window_start ROWS BETWEEN 5 PRECEDING AND "
                         "CURRENT ROW)",
                         "%s", text);
}

// A number, or an expression of constants, so that a variable can choose among frames.
static bool read_count(const struct over *over, json_t *node, int64_t *count)
{
    const json_t *value = json_object_get(json_object_get(node, "value"), "value");
    *count = json_is_integer(value) ? json_integer_value(value) : -1;
    if (*count < 0 && json_is_object(node)) {
        struct builder *builder = over->select->builder;
        AUTO(buf_clear) struct buf text = {0};
        bool is_null;
        struct error err = {0}; // of a column in it: the caller refuses the frame
        if (!connection_evaluate(builder->connection, select_print_expression(builder, node), &text,
                                 &is_null, &err) ||
            is_null || !str_parse_int64(buf_str(&text), count))
            *count = -1;
    }
    return *count >= 0 && *count <= PRECEDING_MAX;
}

static bool read_partition(struct over *over, json_t *node)
{
    size_t len = tree_len(node, "partitions");
    int *columns = ARENA_ARRAY(over->select->builder->arena, int, len);
    for (size_t i = 0; i < len; i++) {
        columns[i] = tree_column_index(tree_at(node, "partitions", i), over->input->columns,
                                       over->input->columns_len);
        if (columns[i] < 0)
            return refuse_frame(over, tree_at(node, "partitions", i),
                                "PARTITION BY must name plain columns");
    }
    if (over->has_partition) {
        bool same = len == over->partition_len &&
                    (len == 0 || memcmp(columns, over->partition, len * sizeof(*columns)) == 0);
        return same || refuse_frame(over, node, "all OVER of a view must have one PARTITION BY");
    }
    over->partition = columns;
    over->partition_len = len;
    over->has_partition = true;
    return true;
}

static bool read_order(struct over *over, json_t *node)
{
    json_t *first = tree_at(node, "orders", 0);
    int column = tree_column_index(json_object_get(first, "expression"), over->input->columns,
                                   over->input->columns_len);
    bool is_window = column >= 0 && (column == over->input->window_start_column ||
                                     column == over->input->window_end_column);
    if (!is_window || str_is(tree_text(first, "type"), "DESCENDING"))
        return refuse_frame(over, node, "OVER must be ordered by window_start, ascending");
    return true;
}

static bool read_frame(struct over *over, json_t *node)
{
    int64_t back = 0;
    int64_t ahead = 0;
    struct str end = tree_text(node, "end");
    if (str_is(tree_text(node, "start"), "CURRENT_ROW_ROWS"))
        back = 0;
    else if (!str_is(tree_text(node, "start"), "EXPR_PRECEDING_ROWS") ||
             !read_count(over, json_object_get(node, "start_expr"), &back))
        return refuse_frame(over, node,
                            "a frame over a stream must begin a fixed number of ROWS before");
    if (!str_is(end, "CURRENT_ROW_ROWS") &&
        !(str_is(end, "EXPR_PRECEDING_ROWS") &&
          read_count(over, json_object_get(node, "end_expr"), &ahead)))
        return refuse_frame(over, node,
                            "a frame over a stream must end at or before the current row");
    over->preceding = back > over->preceding ? back : over->preceding;
    bool is_deviation = str_starts(tree_text(node, "function_name"), "stddev");
    if (is_deviation && ahead == 0 && back > over->own_deviation)
        over->own_deviation = back;
    return true;
}

static bool read_lag(struct over *over, json_t *node)
{
    int64_t back = 1;
    json_t *offset = json_object_get(node, "offset_expr");
    if (json_is_object(offset) && !read_count(over, offset, &back))
        return refuse_frame(over, node, "lag needs a constant number of rows");
    over->preceding = back > over->preceding ? back : over->preceding;
    return true;
}

static bool window_visit(void *context, json_t *node, json_t **replacement)
{
    (void)replacement;
    struct over *over = context;
    if (!tree_is(node, "WINDOW"))
        return !tree_is(node, "SUBQUERY");
    bool is_framed = tree_is(node, "WINDOW_AGGREGATE") || tree_is(node, "WINDOW_FIRST_VALUE") ||
                     tree_is(node, "WINDOW_LAST_VALUE") || tree_is(node, "WINDOW_NTH_VALUE");
    if (!is_framed && !tree_is(node, "WINDOW_LAG"))
        return refuse_frame(over, node, "this window function needs all rows of the stream") &&
               false;
    bool is_read = read_partition(over, node) && read_order(over, node) &&
                   (is_framed ? read_frame(over, node) : read_lag(over, node));
    (void)is_read; // refuse_frame has noted it
    return false;
}

static void add_new(struct select *select, json_t *query)
{
    json_t *only_new = tree_column_of(STR("_new"));
    json_t *qualify = json_object_get(query, "qualify");
    if (json_is_object(qualify)) {
        size_t place;
        struct error err = {0};
        json_t *both =
            tree_parse_expression(select->builder->connection, STR("a AND b"), &place, &err);
        ASSERT(both != NULL);
        json_array_set_new(json_object_get(both, "children"), 0, only_new);
        json_array_set(json_object_get(both, "children"), 1, qualify);
        only_new = both;
    }
    json_object_set_new(query, "qualify", only_new);
}

// WHERE comes before OVER: it becomes a step of its own.
static int filter_before(struct select *select, json_t *query, int input, struct str alias)
{
    struct builder *builder = select->builder;
    size_t place;
    struct error err = {0};
    AUTO(tree_release)
    json_t *inner = tree_parse(builder->connection, STR("SELECT * FROM t"), &place, &err);
    ASSERT(inner != NULL);
    json_object_set(inner, "from_table", json_object_get(query, "from_table"));
    json_object_set(inner, "where_clause", json_object_get(query, "where_clause"));
    json_object_set_new(query, "where_clause", json_null());
    (*select->inner_len)++;
    struct str name =
        arena_print(builder->arena, "%.*s.%d", STR_ARGS(select->root), *select->inner_len);
    struct from from = {
        .kind = FROM_STREAM, .streams = {input, -1}, .aliases = {alias}, .streams_len = 1};
    struct str outer = select->name;
    select->name = name;
    int index = rows_build(select, inner, &from);
    select->name = outer;
    if (index < 0 || !builder_publish(builder, index, &err))
        return -1;
    json_object_set_new(query, "from_table", tree_table(builder->connection, name, alias));
    return index;
}

static bool check_input(struct select *select, json_t *query, const struct from *from)
{
    const struct relation *input = &select->builder->plan->relations[from->streams[0]];
    json_t *list = json_object_get(query, "select_list");
    size_t place = tree_first_place(list);
    if (!input->is_closed)
        return select_refuse(select, "E0214", place,
                             "aggregate over windows in a view first, and use OVER on that view",
                             "OVER on an open stream never sees all its rows");
    if (from->kind == FROM_JOIN || tree_has_function(list, "unnest"))
        return select_refuse(select, "E0214", place,
                             "join in one view, and use OVER in a view that reads it",
                             "OVER beside a join or UNNEST is not supported");
    if (input->window_start_column < 0 && input->window_end_column < 0)
        return select_refuse(select, "E0231", place, "select window_start in that view",
                             "%.*s carries neither window_start nor window_end",
                             STR_ARGS(input->name));
    return !tree_has_aggregate(select->builder, list) ||
           select_refuse(select, "E0219", place, "aggregate in a view of its own",
                         "aggregates over closed windows are not supported");
}

int over_build(struct select *select, json_t *query, const struct from *from)
{
    struct builder *builder = select->builder;
    int index = from->streams[0];
    if (!check_input(select, query, from))
        return -1;
    if (json_is_object(json_object_get(query, "where_clause")))
        index = filter_before(select, query, index, from->aliases[0]);
    if (index < 0)
        return -1;
    const struct relation *input = &builder->plan->relations[index];
    struct relation relation = relation_new(select->name, RELATION_OVER, select->place);
    if (!select_expand_stars(select, query, json_object_get(query, "from_table")) ||
        !select_resolve(select, query, from->aliases[0], input->columns, input->columns_len) ||
        !select_bind(select, query, &relation.columns, &relation.columns_len) ||
        !select_check_columns(select, relation.columns, relation.columns_len))
        return -1;
    struct over over = {.select = select, .input = input};
    tree_walk(json_object_get(query, "select_list"), window_visit, &over);
    json_decref(tree_replace(json_incref(json_object_get(query, "qualify")), window_visit, &over));
    if (over.failed)
        return -1;
    relation.inputs[0] = index;
    relation.is_closed = true;
    relation.over_partition = over.partition;
    relation.over_partition_len = over.partition_len;
    relation.over_preceding = over.preceding;
    relation.over_own_deviation = over.own_deviation;
    for (size_t i = 0; i < relation.columns_len; i++) {
        int column =
            tree_column_index(tree_at(query, "select_list", i), input->columns, input->columns_len);
        if (column >= 0 && column == input->window_start_column && relation.window_start_column < 0)
            relation.window_start_column = (int)i;
        if (column >= 0 && column == input->window_end_column && relation.window_end_column < 0)
            relation.window_end_column = (int)i;
    }
    relation.time_column = relation.window_start_column;
    add_new(select, query);
    relation.closed_sql = select_print(select, query);
    struct column *columns;
    size_t len;
    struct error err = {0};
    if (!bind_sql(builder, BIND_OVER, relation.closed_sql, &columns, &len, &err)) {
        select_refuse(select, "E0204", TREE_NO_PLACE, NULL, "%s", err.text);
        return -1;
    }
    return relation_add(builder, &relation);
}
