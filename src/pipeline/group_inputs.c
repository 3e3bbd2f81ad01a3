// SPDX-License-Identifier: MIT
// What a windowed aggregate takes from each row, and how the results are made of it. When every
// aggregate has a fold in C, that is the plan; one that has none (count(DISTINCT), quantiles, list
// ..) makes the relation keep its rows until the window closes, and DuckDB aggregates them then.
// Aggregates that depend on the order of rows get ORDER BY _sequence there, so that the result does
// not depend on threads.
#include "pipeline/group.h"

#include <string.h>

struct call {
    json_t *node;   // borrowed
    int *arguments; // input of each child; -1: a constant that stays in the text
    size_t arguments_len;
    int *orders; // input of each ORDER BY expression
    size_t orders_len;
    int filter; // input, or -1
};

struct inputs {
    struct group_maker *maker;
    json_t *list;      // expressions
    struct str *names; // time, k0.., a0.., f0..
    size_t keys_end;   // arguments begin here
    size_t arguments_len, filters_len;
};

// ---- Folds ------------------------------------------------------------------------------------

static const struct {
    const char *name;
    enum aggregate_kind kind;
} folds[] = {
    {"count_star", AGGREGATE_COUNT_ROWS},
    {"count", AGGREGATE_COUNT},
    {"sum", AGGREGATE_SUM},
    {"avg", AGGREGATE_AVG},
    {"mean", AGGREGATE_AVG},
    {"min", AGGREGATE_MIN},
    {"max", AGGREGATE_MAX},
    {"first", AGGREGATE_FIRST},
    {"arbitrary", AGGREGATE_FIRST},
    {"last", AGGREGATE_LAST},
    {"any_value", AGGREGATE_ANY_VALUE},
    {"arg_min", AGGREGATE_ARG_MIN},
    {"argmin", AGGREGATE_ARG_MIN},
    {"min_by", AGGREGATE_ARG_MIN},
    {"arg_max", AGGREGATE_ARG_MAX},
    {"argmax", AGGREGATE_ARG_MAX},
    {"max_by", AGGREGATE_ARG_MAX},
    {"bool_and", AGGREGATE_BOOL_AND},
    {"bool_or", AGGREGATE_BOOL_OR},
    {"stddev", AGGREGATE_STDDEV_SAMP},
    {"stddev_samp", AGGREGATE_STDDEV_SAMP},
    {"stddev_pop", AGGREGATE_STDDEV_POP},
    {"variance", AGGREGATE_VAR_SAMP},
    {"var_samp", AGGREGATE_VAR_SAMP},
    {"var_pop", AGGREGATE_VAR_POP},
    {"top_k", AGGREGATE_TOP_K},
    {"top_k_elements", AGGREGATE_TOP_K_ELEMENTS},
};

#define TOP_K_FOLDED_MAX 1000 // beyond, rows are kept

static bool is_number(const struct type *type)
{
    return type_is_integer(type->kind) || type->kind == TYPE_FLOAT || type->kind == TYPE_DOUBLE;
}

// Values that the fold can hold, hash and order.
static bool is_plain(const struct type *type)
{
    return is_number(type) || type->kind == TYPE_BOOLEAN || type->kind == TYPE_VARCHAR ||
           type->kind == TYPE_DATE || type->kind == TYPE_TIME || type->kind == TYPE_TIMESTAMP ||
           type->kind == TYPE_TIMESTAMPTZ;
}

static bool is_order_free(enum aggregate_kind kind)
{
    return kind != AGGREGATE_FIRST && kind != AGGREGATE_LAST && kind != AGGREGATE_ANY_VALUE &&
           kind != AGGREGATE_ARG_MIN && kind != AGGREGATE_ARG_MAX;
}

static bool kind_takes(enum aggregate_kind kind, const struct type *argument,
                       const struct type *order, const struct type *result)
{
    switch (kind) {
    case AGGREGATE_COUNT_ROWS:
    case AGGREGATE_COUNT:
        return result->kind == TYPE_BIGINT;
    case AGGREGATE_SUM:
        return is_number(argument) &&
               result->kind == (type_is_integer(argument->kind) ? TYPE_HUGEINT : TYPE_DOUBLE);
    case AGGREGATE_AVG:
    case AGGREGATE_STDDEV_SAMP:
    case AGGREGATE_STDDEV_POP:
    case AGGREGATE_VAR_SAMP:
    case AGGREGATE_VAR_POP:
        return is_number(argument) && result->kind == TYPE_DOUBLE;
    case AGGREGATE_MIN:
    case AGGREGATE_MAX:
    case AGGREGATE_FIRST:
    case AGGREGATE_LAST:
    case AGGREGATE_ANY_VALUE:
        return is_plain(argument) && type_equal(argument, result);
    case AGGREGATE_ARG_MIN:
    case AGGREGATE_ARG_MAX:
        return is_plain(argument) && order != NULL && is_plain(order) &&
               type_equal(argument, result);
    case AGGREGATE_BOOL_AND:
    case AGGREGATE_BOOL_OR:
        return argument->kind == TYPE_BOOLEAN;
    case AGGREGATE_COUNT_DISTINCT:
        return is_plain(argument) && result->kind == TYPE_BIGINT;
    case AGGREGATE_TOP_K:
        return is_plain(argument) && result->kind == TYPE_LIST &&
               type_equal(argument, result->child);
    case AGGREGATE_TOP_K_ELEMENTS:
        return argument->kind == TYPE_LIST && is_plain(argument->child) &&
               type_equal(argument, result);
    }
    return false;
}

static bool find_fold(struct str name, enum aggregate_kind *kind)
{
    for (size_t i = 0; i < COUNT_OF(folds); i++) {
        if (str_is(name, folds[i].name)) {
            *kind = folds[i].kind;
            return true;
        }
    }
    return false;
}

static bool is_distinct_free(enum aggregate_kind kind)
{
    return kind == AGGREGATE_MIN || kind == AGGREGATE_MAX || kind == AGGREGATE_BOOL_AND ||
           kind == AGGREGATE_BOOL_OR;
}

static bool is_top_k(enum aggregate_kind kind)
{
    return kind == AGGREGATE_TOP_K || kind == AGGREGATE_TOP_K_ELEMENTS;
}

// top_k(x, 10): how many is a constant of the text.
static bool top_k_limit(const struct call *call, struct aggregate *out)
{
    const json_t *value =
        json_object_get(json_object_get(tree_at(call->node, "children", 1), "value"), "value");
    out->limit = json_is_integer(value) ? json_integer_value(value) : 0;
    return call->arguments_len == 2 && out->limit >= 1 && out->limit <= TOP_K_FOLDED_MAX;
}

static bool fold_call(const struct call *call, const struct column *inputs,
                      const struct type *result, struct aggregate *out)
{
    *out = (struct aggregate){
        .argument = -1, .order_argument = -1, .filter = call->filter, .type = result};
    bool is_distinct = json_is_true(json_object_get(call->node, "distinct"));
    if (!find_fold(tree_text(call->node, "function_name"), &out->kind))
        return false;
    if (is_distinct && out->kind == AGGREGATE_COUNT)
        out->kind = AGGREGATE_COUNT_DISTINCT;
    else if (is_distinct && !is_distinct_free(out->kind))
        return false;
    if ((is_top_k(out->kind) && !top_k_limit(call, out)) ||
        (call->orders_len > 0 && !is_order_free(out->kind)))
        return false;
    bool is_pair = out->kind == AGGREGATE_ARG_MIN || out->kind == AGGREGATE_ARG_MAX;
    size_t wanted = out->kind == AGGREGATE_COUNT_ROWS ? 0 : is_pair ? 2 : 1;
    const json_t *constant = json_object_get(tree_at(call->node, "children", 0), "value");
    if (out->kind == AGGREGATE_COUNT && call->arguments_len == 1 && constant != NULL &&
        json_is_false(json_object_get(constant, "is_null"))) {
        out->kind = AGGREGATE_COUNT_ROWS; // count(1)
        return true;
    }
    if (call->arguments_len != wanted && !is_top_k(out->kind))
        return false;
    for (size_t i = 0; i < wanted; i++) {
        if (call->arguments[i] < 0)
            return false;
    }
    out->argument = wanted > 0 ? call->arguments[0] : -1;
    out->order_argument = wanted > 1 ? call->arguments[1] : -1;
    return kind_takes(out->kind, wanted > 0 ? inputs[out->argument].type : NULL,
                      wanted > 1 ? inputs[out->order_argument].type : NULL, result);
}

// ---- Inputs -----------------------------------------------------------------------------------

static int add_input(struct inputs *inputs, json_t *expression, char letter)
{
    struct arena *arena = inputs->maker->select->builder->arena;
    size_t len = json_array_size(inputs->list);
    for (size_t i = inputs->keys_end; i < len; i++) {
        if (inputs->names[i].ptr[0] == letter &&
            tree_equal(json_array_get(inputs->list, i), expression))
            return (int)i;
    }
    size_t number = letter == 'a' ? inputs->arguments_len++ : inputs->filters_len++;
    json_array_append(inputs->list, expression);
    inputs->names[len] = arena_print(arena, "%c%zu", letter, number);
    return (int)len;
}

// A constant parameter (the 0.95 of a quantile) stays in the text; of one argument it is a value.
static int add_argument(struct inputs *inputs, json_t *argument, size_t arguments_len)
{
    if (arguments_len > 1 && !tree_has_class(argument, "COLUMN_REF"))
        return -1;
    if (tree_is(argument, "CONSTANT"))
        return -1;
    return add_input(inputs, argument, 'a');
}

static void read_arguments(struct inputs *inputs, json_t *node, struct call *call)
{
    struct arena *arena = inputs->maker->select->builder->arena;
    json_t *orders = json_object_get(json_object_get(node, "order_bys"), "orders");
    *call = (struct call){.node = node,
                          .arguments_len = tree_len(node, "children"),
                          .orders_len = json_array_size(orders),
                          .filter = -1};
    call->arguments = ARENA_ARRAY(arena, int, call->arguments_len);
    call->orders = ARENA_ARRAY(arena, int, call->orders_len);
    for (size_t i = 0; i < call->arguments_len; i++)
        call->arguments[i] =
            add_argument(inputs, tree_at(node, "children", i), call->arguments_len);
    for (size_t i = 0; i < call->orders_len; i++)
        call->orders[i] =
            add_input(inputs, json_object_get(json_array_get(orders, i), "expression"), 'a');
}

static void read_filter(struct inputs *inputs, struct call *call)
{
    json_t *filter = json_object_get(call->node, "filter");
    if (json_is_object(filter))
        call->filter = add_input(inputs, filter, 'f');
}

static struct str input_sql(struct inputs *inputs, const struct relation *input)
{
    struct builder *builder = inputs->maker->select->builder;
    AUTO(buf_clear) struct buf sql = {0};
    buf_add_cstr(&sql, "SELECT ");
    for (size_t i = 0; i < json_array_size(inputs->list); i++) {
        struct str text = select_print_expression(builder, json_array_get(inputs->list, i));
        bool is_filter = inputs->names[i].ptr[0] == 'f';
        buf_add_cstr(&sql, i == 0 ? "" : ", ");
        buf_print(&sql, is_filter ? "CAST(%.*s AS BOOLEAN) AS " : "%.*s AS ", STR_ARGS(text));
        buf_add_sql_name(&sql, inputs->names[i]);
    }
    buf_add_cstr(&sql, " FROM ");
    buf_add_sql_name(&sql, input->name);
    return arena_str(builder->arena, buf_str(&sql));
}

static bool bind_inputs(struct inputs *inputs, const struct relation *input)
{
    struct relation *relation = &inputs->maker->relation;
    struct builder *builder = inputs->maker->select->builder;
    struct error err = {0};
    struct str sql = input_sql(inputs, input);
    if (!bind_sql(builder, BIND_PLAIN, sql, &relation->group_inputs, &relation->group_inputs_len,
                  &err))
        return select_refuse(inputs->maker->select, "E0204", TREE_NO_PLACE, NULL, "%s", err.text);
    int *direct = ARENA_ARRAY(builder->arena, int, relation->group_inputs_len);
    for (size_t i = 0; i < relation->group_inputs_len; i++) {
        json_t *node = json_array_get(inputs->list, i);
        direct[i] = tree_column_index(node, input->columns, input->columns_len);
        bool is_cast = direct[i] >= 0 && inputs->names[i].ptr[0] == 'f' &&
                       input->columns[direct[i]].type->kind != TYPE_BOOLEAN;
        if (direct[i] < 0 || is_cast) {
            relation->group_inputs_sql = sql;
            return true;
        }
    }
    relation->group_direct = direct;
    return true;
}

// ---- Results ----------------------------------------------------------------------------------

// Types of the aggregates as the user wrote them.
static bool bind_calls(struct group_maker *maker, json_t *query, struct column **results)
{
    size_t len = json_array_size(maker->calls);
    size_t bound_len = 0;
    struct error err = {0};
    *results = NULL;
    if (len == 0)
        return true;
    AUTO(tree_release) json_t *bound = json_deep_copy(query);
    json_object_set(bound, "select_list", maker->calls);
    json_object_set_new(bound, "group_expressions", json_array());
    json_object_set_new(bound, "group_sets", json_array());
    json_object_set_new(bound, "aggregate_handling", json_string("STANDARD_HANDLING"));
    json_object_set_new(bound, "having", json_null());
    json_object_set_new(bound, "where_clause", json_null());
    return bind_tree(maker->select->builder, BIND_PLAIN, bound, results, &bound_len, &err) ||
           select_refuse(maker->select, "E0204", TREE_NO_PLACE, NULL, "%s", err.text);
}

static void add_group_columns(struct group_maker *maker, const struct column *results)
{
    struct relation *relation = &maker->relation;
    struct arena *arena = maker->select->builder->arena;
    size_t calls_len = json_array_size(maker->calls);
    size_t keys_len = relation->group_keys_len;
    relation->group_columns_len = 2 + keys_len + calls_len;
    relation->group_columns = ARENA_ARRAY(arena, struct column, relation->group_columns_len);
    struct column *columns = relation->group_columns;
    columns[0] = (struct column){STR("window_start"), type_simple(TYPE_TIMESTAMP)};
    columns[1] = (struct column){STR("window_end"), type_simple(TYPE_TIMESTAMP)};
    for (size_t i = 0; i < keys_len; i++)
        columns[2 + i] = relation->group_inputs[1 + i];
    for (size_t i = 0; i < calls_len; i++)
        columns[2 + keys_len + i] = (struct column){arena_print(arena, "r%zu", i), results[i].type};
}

static bool add_folds(struct group_maker *maker, const struct call *calls,
                      const struct column *results)
{
    struct relation *relation = &maker->relation;
    size_t len = json_array_size(maker->calls);
    relation->aggregates = ARENA_ARRAY(maker->select->builder->arena, struct aggregate, len);
    for (size_t i = 0; i < relation->group_keys_len; i++) {
        if (!is_plain(relation->group_inputs[1 + i].type))
            return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (!fold_call(&calls[i], relation->group_inputs, results[i].type,
                       &relation->aggregates[i]))
            return false;
    }
    relation->aggregates_len = len;
    return true;
}

static bool depends_on_order(struct str name)
{
    static const char *const names[] = {
        "list",   "array_agg", "string_agg", "group_concat", "listagg",      "first",
        "last",   "arbitrary", "any_value",  "mode",         "arg_min",      "arg_max",
        "argmin", "argmax",    "min_by",     "max_by",       "arg_min_null", "arg_max_null"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (str_is(name, names[i]))
            return true;
    }
    return false;
}

static json_t *input_column(const struct group_maker *maker, int input)
{
    return tree_column_of(maker->relation.group_inputs[input].name);
}

static void order_by_sequence(struct group_maker *maker, json_t *node)
{
    json_t *orders = json_object_get(json_object_get(node, "order_bys"), "orders");
    size_t place;
    struct error err = {0};
    AUTO(tree_release)
    json_t *template = tree_parse(maker->select->builder->connection,
                                  STR("SELECT list(x ORDER BY y)"), &place, &err);
    ASSERT(template != NULL);
    json_t *call = tree_at(template, "select_list", 0);
    json_t *order =
        json_array_get(json_object_get(json_object_get(call, "order_bys"), "orders"), 0);
    // DISTINCT may only be ordered by its own argument: that makes it as certain.
    bool is_distinct = json_is_true(json_object_get(node, "distinct"));
    if (is_distinct && json_array_size(orders) > 0)
        return;
    if (is_distinct)
        json_object_set(order, "expression", tree_at(node, "children", 0));
    else
        json_object_set_new(order, "expression", tree_column_of(STR("_sequence")));
    json_array_append(orders, order);
}

// The call over the kept group inputs.
static json_t *call_over_kept(struct group_maker *maker, const struct call *call)
{
    json_t *node = json_deep_copy(call->node);
    json_t *children = json_object_get(node, "children");
    json_t *orders = json_object_get(json_object_get(node, "order_bys"), "orders");
    for (size_t i = 0; i < call->arguments_len; i++) {
        if (call->arguments[i] < 0)
            continue;
        json_t *column = input_column(maker, call->arguments[i]);
        json_object_set(column, "alias", json_object_get(json_array_get(children, i), "alias"));
        json_array_set_new(children, i, column);
    }
    for (size_t i = 0; i < call->orders_len; i++)
        json_object_set_new(json_array_get(orders, i), "expression",
                            input_column(maker, call->orders[i]));
    if (call->filter >= 0)
        json_object_set_new(node, "filter", input_column(maker, call->filter));
    if (depends_on_order(tree_text(node, "function_name")))
        order_by_sequence(maker, node);
    return node;
}

static bool add_group_sql(struct group_maker *maker, const struct call *calls)
{
    struct relation *relation = &maker->relation;
    struct builder *builder = maker->select->builder;
    AUTO(buf_clear) struct buf sql = {0};
    AUTO(buf_clear) struct buf keys = {0};
    buf_add_cstr(&keys, "window_start, window_end");
    for (size_t i = 0; i < relation->group_keys_len; i++)
        buf_print(&keys, ", k%zu", i);
    buf_print(&sql, "SELECT %s", buf_cstr(&keys));
    for (size_t i = 0; i < json_array_size(maker->calls); i++) {
        AUTO(tree_release) json_t *node = call_over_kept(maker, &calls[i]);
        struct str text = select_print_expression(builder, node);
        buf_print(&sql, ", CAST(%.*s AS %s) AS r%zu", STR_ARGS(text),
                  relation->group_columns[2 + relation->group_keys_len + i].type->sql, i);
    }
    buf_print(&sql, " FROM _kept GROUP BY %s", buf_cstr(&keys));
    relation->group_sql = arena_str(builder->arena, buf_str(&sql));
    size_t kept_len = relation->group_inputs_len + 3;
    struct column *kept = ARENA_ARRAY(builder->arena, struct column, kept_len);
    kept[0] = relation->group_columns[0];
    kept[1] = relation->group_columns[1];
    memcpy(kept + 2, relation->group_inputs, relation->group_inputs_len * sizeof(*kept));
    kept[kept_len - 1] = (struct column){STR("_sequence"), type_simple(TYPE_BIGINT)};
    struct column *columns;
    size_t len;
    struct error err = {0};
    if (!select_check_columns(maker->select, kept, kept_len) ||
        !group_publish(maker, "_kept", kept, kept_len))
        return false;
    if (!bind_sql(builder, BIND_PLAIN, relation->group_sql, &columns, &len, &err))
        return select_refuse(maker->select, "E0204", TREE_NO_PLACE, NULL, "%s", err.text);
    size_t place = tree_first_place(maker->calls);
    select_warn(maker->select, "W0202", place,
                "count, sum, avg, min, max, first, last, stddev keep one value for each group",
                "%.*s keeps all rows of a window until it closes", STR_ARGS(relation->name));
    return true;
}

bool group_publish(struct group_maker *maker, const char *name, const struct column *columns,
                   size_t len)
{
    AUTO(buf_clear) struct buf sql = {0};
    buf_print(&sql, "CREATE OR REPLACE TABLE main.%s(", name);
    for (size_t i = 0; i < len; i++) {
        buf_add_cstr(&sql, i == 0 ? "" : ", ");
        buf_add_sql_name(&sql, columns[i].name);
        buf_print(&sql, " %s", columns[i].type->sql);
    }
    buf_add_cstr(&sql, ")");
    struct error err = {0};
    return connection_execute(maker->select->builder->connection, buf_cstr(&sql), &err) ||
           select_refuse(maker->select, "E0204", TREE_NO_PLACE, NULL, "%s", err.text);
}

// How many inputs there can be at most.
static size_t inputs_max(const struct group_maker *maker)
{
    size_t len = 1 + json_array_size(maker->keys);
    for (size_t i = 0; i < json_array_size(maker->calls); i++) {
        json_t *node = json_array_get(maker->calls, i);
        len +=
            tree_len(node, "children") + 1 + tree_len(json_object_get(node, "order_bys"), "orders");
    }
    return len;
}

bool group_inputs_make(struct group_maker *maker, json_t *query, const struct relation *input)
{
    struct arena *arena = maker->select->builder->arena;
    size_t calls_len = json_array_size(maker->calls);
    AUTO(tree_release) json_t *list = json_array();
    struct inputs inputs = {.maker = maker, .list = list};
    inputs.names = ARENA_ARRAY(arena, struct str, inputs_max(maker));
    json_array_append_new(list, tree_column_of(input->columns[maker->window.time_column].name));
    inputs.names[0] = STR("time");
    json_array_extend(list, maker->keys);
    for (size_t i = 0; i < json_array_size(maker->keys); i++)
        inputs.names[1 + i] = arena_print(arena, "k%zu", i);
    inputs.keys_end = json_array_size(list);
    maker->relation.group_keys_len = inputs.keys_end - 1;
    struct call *calls = ARENA_ARRAY(arena, struct call, calls_len);
    for (size_t i = 0; i < calls_len; i++)
        read_arguments(&inputs, json_array_get(maker->calls, i), &calls[i]);
    for (size_t i = 0; i < calls_len; i++)
        read_filter(&inputs, &calls[i]);
    struct column *results;
    if (!bind_inputs(&inputs, input) || !bind_calls(maker, query, &results))
        return false;
    add_group_columns(maker, results);
    maker->relation.keeps_rows = !add_folds(maker, calls, results);
    if (!maker->relation.keeps_rows)
        return true;
    maker->relation.aggregates = NULL;
    return add_group_sql(maker, calls);
}
