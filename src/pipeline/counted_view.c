// SPDX-License-Identifier: MIT
// Table mode: views whose rows are rows of a source, SELECT * FROM x and SELECT * FROM DEDUP(x,
// ..). They are no plain SQL views: the engine counts what a DEDUP drops and judges their
// constraints, so that the ledger of a batch run says as much as that of a stream. Their
// constraints are kept with the source's relation (relation->later), since the row's bytes are at
// hand only while it is read.
#include "pipeline/plan_maker.h"
#include "pipeline/select.h"

#define CONSTRAINTS_MAX 64 // one bit a constraint

static const struct plan_source *source_find(const struct plan *plan, struct str name)
{
    for (size_t i = 0; i < plan->sources_len; i++)
        if (str_equal_nocase(plan->sources[i].name, name))
            return &plan->sources[i];
    return NULL;
}

static const struct counted_view *counted_find(const struct plan *plan, struct str name)
{
    for (size_t i = 0; i < plan->view_sql_len; i++)
        if (str_equal_nocase(plan->counted[i].name, name))
            return &plan->counted[i];
    return NULL;
}

static bool is_star_only(const json_t *query)
{
    json_t *star = tree_at(query, "select_list", 0);
    return tree_len(query, "select_list") == 1 && tree_is(star, "STAR") &&
           tree_text(star, "relation_name").len == 0 && tree_len(star, "exclude_list") == 0 &&
           tree_len(star, "replace_list") == 0 && json_is_null(json_object_get(star, "expr")) &&
           !json_is_true(json_object_get(star, "columns"));
}

static bool is_plain(const json_t *query)
{
    static const char *const absent[] = {"where_clause", "having", "sample", "qualify"};
    bool is_absent = true;
    for (size_t i = 0; i < COUNT_OF(absent); i++)
        is_absent = is_absent && !json_is_object(json_object_get(query, absent[i]));
    return tree_is(query, "SELECT_NODE") && is_absent && tree_len(query, "modifiers") == 0 &&
           tree_len(query, "group_expressions") == 0 && is_star_only(query) &&
           json_array_size(json_object_get(json_object_get(query, "cte_map"), "map")) == 0;
}

static bool dedup_read(struct builder *builder, json_t *function, struct counted_view *view)
{
    json_t *first = tree_at(function, "children", 0);
    if (!str_is(tree_function(function), "dedup") || !tree_is(first, "COLUMN_REF") ||
        tree_len(first, "column_names") != 1)
        return false;
    view->input =
        arena_str(builder->arena, str_of(json_string_value(tree_at(first, "column_names", 0))));
    AUTO(buf_clear) struct buf keys = {0};
    for (size_t i = 1; i < tree_len(function, "children"); i++) {
        json_t *argument = tree_at(function, "children", i);
        struct str alias = tree_text(argument, "alias");
        if (str_is(alias, "keep"))
            view->keep_last = str_equal_nocase(
                tree_text(json_object_get(argument, "value"), "value"), STR("last"));
        if (alias.len > 0)
            continue;
        buf_add_cstr(&keys, keys.len > 0 ? ", " : "");
        buf_add_str(&keys, select_print_expression(builder, argument));
    }
    view->keys = arena_str(builder->arena, buf_str(&keys));
    return keys.len > 0;
}

// The view without its name.
static bool counted_view_read(struct builder *builder, const struct sql_text *body,
                              struct counted_view *view)
{
    size_t offset;
    struct error err = {0};
    AUTO(tree_release) json_t *query = tree_parse(builder->connection, body->text, &offset, &err);
    *view = (struct counted_view){0};
    if (query == NULL || !is_plain(query))
        return false; // what is wrong with it is said when it is built as SQL
    json_t *from = json_object_get(query, "from_table");
    if (tree_is(from, "TABLE_FUNCTION")) {
        if (!dedup_read(builder, json_object_get(from, "function"), view))
            return false;
    } else if (tree_is(from, "BASE_TABLE") && tree_text(from, "schema_name").len == 0) {
        view->input = arena_str(builder->arena, tree_text(from, "table_name"));
    } else {
        return false;
    }
    const struct plan_source *source = source_find(builder->plan, view->input);
    const struct counted_view *before = counted_find(builder->plan, view->input);
    if (source == NULL && before == NULL)
        return false;
    view->source = source != NULL ? source->name : before->source;
    view->input = source != NULL ? source->name : before->name;
    return true;
}

// The view's constraints join those that are judged when the source is read.
static bool later_add(struct maker *maker, const struct statement *statement,
                      struct relation *relation, struct counted_view *view)
{
    size_t len = relation->later_len + statement->constraints_len;
    view->later_from = relation->later_len;
    view->later_len = statement->constraints_len;
    if (len > CONSTRAINTS_MAX) {
        diagnostic_add(maker->diagnostics, "E0407", statement->constraints[0].place,
                       statement->constraints[0].name.len, "put some on the source itself",
                       "views over %.*s have more than %d constraints", STR_ARGS(view->source),
                       CONSTRAINTS_MAX);
        return false;
    }
    struct relation own = {.columns = relation->columns, .columns_len = relation->columns_len};
    if (!constraints_build(maker, statement, &own))
        return false;
    struct constraint *later = ARENA_ARRAY(maker->arena, struct constraint, len + 1);
    for (size_t i = 0; i < len; i++)
        later[i] =
            i < view->later_from ? relation->later[i] : own.constraints[i - view->later_from];
    relation->later = later;
    relation->later_len = len;
    return true;
}

// For binding, the view is its input: both have the columns of the source and `_sequence`.
static bool publish(struct maker *maker, const struct statement *statement,
                    const struct counted_view *view)
{
    static const char *const schemas[] = {"main", "_plain"};
    struct error err = {0};
    for (size_t i = 0; i < COUNT_OF(schemas); i++) {
        AUTO(buf_clear) struct buf sql = {0};
        buf_print(&sql, "CREATE VIEW %s.", schemas[i]);
        buf_add_sql_name(&sql, statement->name);
        buf_print(&sql, " AS SELECT * FROM %s.", schemas[i]);
        buf_add_sql_name(&sql, view->input);
        if (connection_execute(maker->builder.connection, buf_cstr(&sql), &err))
            continue;
        bind_shorten(&err);
        diagnostic_add(maker->diagnostics, "E0410", statement->name_place, statement->name.len,
                       NULL, "%s", err.text);
        return false;
    }
    return true;
}

static bool keys_check(struct maker *maker, const struct statement *statement,
                       const struct counted_view *view)
{
    if (view->keys.len == 0)
        return true;
    AUTO(buf_clear) struct buf sql = {0};
    buf_print(&sql, "SELECT %.*s FROM ", STR_ARGS(view->keys));
    buf_add_sql_name(&sql, view->input);
    struct column *columns;
    size_t len;
    return view_table_mode_columns(&maker->builder, buf_str(&sql), statement->body.place, &columns,
                                   &len);
}

bool counted_view_build(struct maker *maker, struct unit *unit)
{
    const struct statement *statement = unit->statement;
    struct plan *plan = maker->plan;
    struct counted_view view;
    if (!counted_view_read(&maker->builder, &statement->body, &view))
        return false;
    struct relation *relation = &plan->relations[source_find(plan, view.source)->relation];
    view.name = statement->name;
    if (!keys_check(maker, statement, &view) || !publish(maker, statement, &view) ||
        (unit->is_reached && !later_add(maker, statement, relation, &view)))
        return true;
    plan->counted[plan->view_sql_len++] = view;
    unit->state = UNIT_DONE;
    return true;
}
