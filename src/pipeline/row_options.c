// SPDX-License-Identifier: MIT
// The step is written as a SELECT over the sink's rows and built like any other, so everything that
// a projection may do is allowed in a key, and a key that is a plain column costs no SQL. Steps of
// the text lead places in messages back to the option in the user's file.
#include "pipeline/row_options.h"

#include <string.h>

bool row_option_is_of(const struct sink_type *type, struct str name)
{
    for (size_t i = 0; type->row_options != NULL && type->row_options[i] != NULL; i++)
        if (str_equal_nocase(name, str_of(type->row_options[i])))
            return true;
    return false;
}

bool row_option_is_known(struct str name)
{
    for (size_t i = 0; i < sink_types_len; i++)
        if (row_option_is_of(sink_types[i], name))
            return true;
    return false;
}

bool row_option_check(struct maker *maker, const struct option_text *option)
{
    int64_t number;
    if (option->is_expression || str_parse_int64(option->value, &number))
        return true;
    struct str cure =
        arena_print(maker->arena, "write it in parentheses: %.*s = (%.*s); a text is ('..')",
                    STR_ARGS(option->name), STR_ARGS(option->value));
    diagnostic_add(maker->diagnostics, "E0305", option->value_place, option->value.len + 2,
                   cure.ptr, "option %.*s is an expression over the sink's row",
                   STR_ARGS(option->name));
    return false;
}

static const struct option_text *option_written(const struct statement *statement, struct str name)
{
    for (size_t i = 0; i < statement->options_len; i++)
        if (str_equal_nocase(statement->options[i].name, name))
            return &statement->options[i];
    return NULL;
}

struct writing {
    struct arena *arena;
    struct buf text;
    struct place_step *steps;
    size_t steps_len;
};

static void step_add(struct writing *writing, size_t at, size_t place)
{
    struct place_step *steps =
        ARENA_ARRAY(writing->arena, struct place_step, writing->steps_len + 1);
    if (writing->steps_len > 0)
        memcpy(steps, writing->steps, writing->steps_len * sizeof(*steps));
    steps[writing->steps_len++] = (struct place_step){at, place};
    writing->steps = steps;
}

static void expression_add(struct writing *writing, const struct option_value *value,
                           const struct option_text *written)
{
    size_t at = writing->text.len;
    if (value->place != SIZE_MAX && written != NULL && written->is_expression) {
        step_add(writing, at, written->expression.place);
        for (size_t i = 0; i < written->expression.steps_len; i++)
            step_add(writing, at + written->expression.steps[i].at,
                     written->expression.steps[i].place);
    }
    buf_add_str(&writing->text, value->value);
}

// ", (expression) AS _key" for each that is given. False: none is.
static bool columns_add(struct writing *writing, const struct unit *unit,
                        const struct plan_sink *sink)
{
    bool has_any = false;
    for (size_t i = 0; sink->type->row_options != NULL && sink->type->row_options[i] != NULL; i++) {
        struct str name = str_of(sink->type->row_options[i]);
        for (size_t k = 0; k < sink->options_len; k++) {
            const struct option_value *value = &sink->options[k];
            if (!str_equal_nocase(value->name, name) || str_trim(value->value).len == 0)
                continue;
            buf_add_cstr(&writing->text, ", (");
            expression_add(writing, value, option_written(unit->statement, name));
            // A line break: the expression may end in a comment.
            buf_print(&writing->text, "\n) AS _%.*s", STR_ARGS(name));
            has_any = true;
        }
    }
    return has_any;
}

static bool check_emit(struct maker *maker, const struct unit *unit, const struct plan_sink *sink)
{
    if (sink->emit != EMIT_CHANGES)
        return true;
    diagnostic_add(maker->diagnostics, "E0415", unit->statement->name_place,
                   unit->statement->name.len, "leave the option out",
                   "EMIT CHANGES has the GROUP BY columns as its key: %.*s cannot be combined with "
                   "key, headers or partition",
                   STR_ARGS(unit->statement->name));
    return false;
}

int row_options_build(struct maker *maker, const struct unit *unit, int relation)
{
    const struct plan_sink *sink = &maker->plan->sinks[unit->sink];
    AUTO(buf_clear) struct buf text = {0};
    struct writing writing = {.arena = maker->arena};
    struct str name = maker->plan->relations[relation].name;
    buf_add_cstr(&writing.text, "SELECT *");
    bool has_any = columns_add(&writing, unit, sink);
    text = writing.text; // freed with it
    if (!has_any)
        return relation;
    buf_add_cstr(&text, " FROM ");
    buf_add_sql_name(&text, name);
    if (!check_emit(maker, unit, sink))
        return -1;
    struct error err = {0};
    if (!builder_publish(&maker->builder, relation, &err)) {
        diagnostic_add(maker->diagnostics, "E0204", unit->statement->name_place,
                       unit->statement->name.len, NULL, "%s", err.text);
        return -1;
    }
    const struct sql_text body = {.text = arena_str(maker->arena, buf_str(&text)),
                                  .steps = writing.steps,
                                  .steps_len = writing.steps_len,
                                  .place = unit->statement->name_place};
    struct str step = arena_print(maker->arena, "%.*s.record", STR_ARGS(unit->statement->name));
    bool needs_table_mode = false;
    int built =
        view_build(&maker->builder, step, unit->statement->name_place, &body, &needs_table_mode);
    maker->needs_table_mode = maker->needs_table_mode || needs_table_mode;
    return built;
}

struct str row_options_wrap(struct maker *maker, const struct unit *unit, struct str sql)
{
    AUTO(buf_clear) struct buf text = {0};
    struct writing writing = {.arena = maker->arena};
    if (unit->sink < 0 || sql.len == 0)
        return sql;
    buf_add_cstr(&writing.text, "SELECT *");
    bool has_any = columns_add(&writing, unit, &maker->plan->sinks[unit->sink]);
    text = writing.text;
    if (!has_any)
        return sql;
    buf_print(&text, " FROM (%.*s\n)", STR_ARGS(sql));
    return arena_str(maker->arena, buf_str(&text));
}
