// SPDX-License-Identifier: MIT
// CREATE SINK as part of the plan: its rows, when they are emitted, and late rows of others that
// end in it. A disabled sink is checked like the others and then left out. Its place in plan->sinks
// is taken before any SELECT is built, so that LATE INTO can name sinks in any order.
#include "pipeline/plan_maker.h"
#include "pipeline/row_options.h"

#include "base/clock.h"
#include <string.h>

static bool emit_interval(struct maker *maker, struct str text, size_t place, int64_t *us)
{
    if (duration_parse(text, us) && *us > 0)
        return true;
    diagnostic_add(maker->diagnostics, "E0414", place, 1, "write EVERY INTERVAL '10 seconds'",
                   "'%.*s' is not a length of time above zero", STR_ARGS(text));
    return false;
}

// emit = 'window_close' or 'changes 10 seconds'; an empty text (of an expression) says nothing.
static bool emit_option(struct maker *maker, const struct option_value *value,
                        struct plan_sink *sink)
{
    struct str text = str_trim(value->value);
    if (text.len == 0)
        return true;
    if (str_equal_nocase(text, STR("window_close"))) {
        sink->emit = EMIT_WINDOW_CLOSE;
        return true;
    }
    if (text.len > 8 && str_equal_nocase(str_slice(text, 0, 8), STR("changes "))) {
        sink->emit = EMIT_CHANGES;
        return emit_interval(maker, str_trim(str_slice(text, 8, text.len)), value->place,
                             &sink->emit_every_us);
    }
    diagnostic_add(maker->diagnostics, "E0305", value->place, value->value.len + 2,
                   "write emit = 'window_close' or emit = 'changes 10 seconds'",
                   "option emit cannot be '%.*s'", STR_ARGS(text));
    return false;
}

static bool emit_open(struct maker *maker, const struct object_options *options,
                      struct plan_sink *sink)
{
    const struct statement *statement = options->statement;
    if (options->emit.name.len > 0 && statement->emit != EMIT_DEFAULT) {
        diagnostic_add(maker->diagnostics, "E0415", statement->emit_place, 4, "keep one of them",
                       "emission is said twice: as EMIT and as option emit");
        return false;
    }
    sink->emit = statement->emit;
    if (statement->emit == EMIT_CHANGES)
        return emit_interval(maker, statement->emit_every, statement->emit_place,
                             &sink->emit_every_us);
    return options->emit.name.len == 0 || emit_option(maker, &options->emit, sink);
}

static bool promise_open(struct maker *maker, const struct object_options *options)
{
    static const char *const delivery_words[] = {"exactly_once", "at_least_once"};
    static const char *const reject_words[] = {"stop", "quarantine"};
    int delivery = option_word(maker, &options->delivery, delivery_words, COUNT_OF(delivery_words));
    int reject = option_word(maker, &options->on_reject, reject_words, COUNT_OF(reject_words));
    bool is_asked = options->delivery.name.len > 0 && delivery == 0;
    if (is_asked && options->sink->promise != PROMISE_EXACTLY_ONCE) {
        diagnostic_add(maker->diagnostics, "E0313", options->delivery.place,
                       options->delivery.value.len + 2, "write delivery = 'at_least_once'",
                       "connector %s cannot deliver exactly once", options->sink->name);
        return false;
    }
    return delivery >= 0 && reject >= 0;
}

void sink_open(struct maker *maker, struct unit *unit)
{
    const struct statement *statement = unit->statement;
    struct object_options options;
    unit->sink = -1;
    bool is_good = options_resolve(maker, statement, &options);
    if (options.sink == NULL)
        return;
    struct plan_sink sink = {.name = statement->name,
                             .place = statement->name_place,
                             .type = options.sink,
                             .options = options.values,
                             .options_len = options.values_len,
                             .relation = -1,
                             .is_enabled = options.is_enabled};
    is_good = emit_open(maker, &options, &sink) && is_good;
    is_good = promise_open(maker, &options) && is_good;
    (void)is_good; // what is wrong was reported; the SELECT can be checked all the same
    if (!sink.is_enabled)
        return;
    unit->sink = (int)maker->plan->sinks_len;
    maker->plan->sinks[maker->plan->sinks_len++] = sink;
}

static void build_table_mode(struct maker *maker, struct unit *unit, struct str sql)
{
    struct column *columns = NULL;
    size_t len = 0;
    unit->state = UNIT_BROKEN;
    sql = row_options_wrap(maker, unit, sql);
    if (sql.len == 0 ||
        !view_table_mode_columns(&maker->builder, sql, unit->statement->body.place, &columns, &len))
        return;
    unit->state = UNIT_DONE;
    if (unit->sink < 0)
        return;
    struct plan_sink *sink = &maker->plan->sinks[unit->sink];
    sink->columns = columns;
    sink->columns_len = len;
    maker->plan->batch_sink_sql[unit->sink] = sql;
}

static void build_select(struct maker *maker, struct unit *unit)
{
    const struct statement *statement = unit->statement;
    int before = (int)maker->plan->relations_len;
    bool needs_table_mode = false;
    int last = view_build(&maker->builder, statement->name, statement->name_place, &statement->body,
                          &needs_table_mode);
    maker->needs_table_mode = maker->needs_table_mode || needs_table_mode;
    unit->state = last >= 0 ? UNIT_DONE : UNIT_BROKEN;
    unit->last_relation = last;
    unit->first_relation = last >= before ? before : -1;
}

void sink_build(struct maker *maker, struct unit *unit)
{
    const struct statement *statement = unit->statement;
    struct plan *plan = maker->plan;
    unit->state = UNIT_DONE;
    if (!statement->has_body && statement->from.len == 0)
        return;
    if (plan->is_table_mode) {
        AUTO(buf_clear) struct buf sql = {0};
        buf_add_cstr(&sql, "SELECT * FROM ");
        buf_add_sql_name(&sql, statement->from);
        build_table_mode(maker, unit,
                         statement->has_body
                             ? view_table_mode_sql(&maker->builder, &statement->body)
                             : arena_str(maker->arena, buf_str(&sql)));
        return;
    }
    if (statement->has_body)
        build_select(maker, unit);
    else
        unit->last_relation = maker->units[unit->reads[0]].last_relation;
    if (unit->last_relation < 0)
        unit->state = UNIT_BROKEN;
    if (unit->sink < 0 || unit->state == UNIT_BROKEN)
        return;
    struct plan_sink *sink = &plan->sinks[unit->sink];
    sink->relation = row_options_build(maker, unit, unit->last_relation);
    if (sink->relation < 0) {
        unit->state = UNIT_BROKEN;
        return;
    }
    if (sink->relation != unit->last_relation && unit->first_relation < 0)
        unit->first_relation = sink->relation;
    unit->last_relation = sink->relation;
    const struct relation *relation = &plan->relations[sink->relation];
    sink->columns = relation->columns;
    sink->columns_len = relation->columns_len;
}

static void complain_emit(struct maker *maker, const struct unit *unit, const char *code,
                          const char *cure, const char *text)
{
    const struct statement *statement = unit->statement;
    bool is_clause = statement->emit != EMIT_DEFAULT;
    size_t place = statement->name_place;
    for (size_t i = 0; !is_clause && i < statement->options_len; i++)
        if (str_equal_nocase(statement->options[i].name, STR("emit")))
            place = statement->options[i].value_place;
    diagnostic_add(maker->diagnostics, code, is_clause ? statement->emit_place : place,
                   is_clause ? 4 : 1, cure, "%s", text);
}

static void check_changes(struct maker *maker, const struct unit *unit,
                          const struct plan_sink *sink, const struct relation *relation)
{
    if (relation->kind != RELATION_GROUPS)
        complain_emit(
            maker, unit, "E0415",
            "aggregate over TUMBLE or HOP in this sink's SELECT or in the view it names, or "
            "leave EMIT out",
            "EMIT CHANGES is for a windowed GROUP BY: only its rows have a key");
    else if (relation->has_having)
        complain_emit(maker, unit, "E0415", "write EMIT ON WINDOW CLOSE",
                      "EMIT CHANGES cannot take back a row that HAVING lets go");
    else if (!sink->type->takes_changes) {
        struct str text = arena_print(maker->arena,
                                      "connector %s can only append, EMIT CHANGES "
                                      "replaces rows",
                                      sink->type->name);
        complain_emit(maker, unit, "E0314", "write EMIT ON WINDOW CLOSE", text.ptr);
    }
}

static void finish_emit(struct maker *maker, const struct unit *unit, struct plan_sink *sink)
{
    if (maker->plan->is_table_mode || sink->relation < 0) {
        sink->emit = EMIT_DEFAULT;
        return;
    }
    const struct relation *relation = &maker->plan->relations[sink->relation];
    if (sink->emit == EMIT_WINDOW_CLOSE && !relation->is_closed)
        complain_emit(maker, unit, "E0415", "leave it out: rows appear with each commit",
                      "EMIT ON WINDOW CLOSE is for windows, and these rows have none");
    if (sink->emit == EMIT_CHANGES)
        check_changes(maker, unit, sink, relation);
    bool closes_once = maker->plan->settings.execution == EXECUTION_BATCH;
    if (relation->is_closed && (sink->emit == EMIT_DEFAULT || closes_once))
        sink->emit = EMIT_WINDOW_CLOSE;
}

// Columns of late rows: those of the rows that were judged, and where they were judged.
static void late_columns(struct maker *maker, const struct relation *judged, struct plan_sink *sink)
{
    static const struct {
        struct str name;
        enum type_kind kind;
    } added[] = {{STR("_relation"), TYPE_VARCHAR},
                 {STR("_watermark"), TYPE_TIMESTAMP},
                 {STR("_source"), TYPE_VARCHAR},
                 {STR("_partition"), TYPE_VARCHAR},
                 {STR("_offset"), TYPE_BIGINT}};
    size_t own = judged != NULL ? judged->columns_len : 0;
    sink->columns = ARENA_ARRAY(maker->arena, struct column, own + COUNT_OF(added));
    for (size_t i = 0; i < own; i++)
        sink->columns[i] = judged->columns[i];
    for (size_t i = 0; i < COUNT_OF(added); i++)
        sink->columns[own + i] = (struct column){added[i].name, type_simple(added[i].kind)};
    sink->columns_len = own + COUNT_OF(added);
}

static bool late_columns_equal(const struct plan_sink *sink, const struct relation *judged)
{
    if (sink->columns_len != judged->columns_len + 5)
        return false;
    for (size_t i = 0; i < judged->columns_len; i++)
        if (!str_equal_nocase(sink->columns[i].name, judged->columns[i].name) ||
            !type_equal(sink->columns[i].type, judged->columns[i].type))
            return false;
    return true;
}

static void late_take(struct maker *maker, const struct unit *unit, int target)
{
    struct plan *plan = maker->plan;
    const struct statement *statement = unit->statement;
    bool is_judged = false;
    for (int i = unit->first_relation; i >= 0 && i <= unit->last_relation; i++) {
        struct relation *relation = &plan->relations[i];
        if (relation->kind != RELATION_DEDUP && relation->kind != RELATION_GROUPS)
            continue;
        is_judged = true;
        if (target < 0) // its sink is disabled: late rows are only counted
            continue;
        struct plan_sink *sink = &plan->sinks[target];
        const struct relation *judged = &plan->relations[relation->inputs[0]];
        relation->late_into = target;
        if (sink->columns == NULL)
            late_columns(maker, judged, sink);
        else if (!late_columns_equal(sink, judged))
            diagnostic_add(
                maker->diagnostics, "E0416", statement->late_place, statement->late_into.len,
                "use a second sink",
                "late rows of %.*s have other columns than those that go to %.*s already",
                STR_ARGS(statement->name), STR_ARGS(sink->name));
    }
    if (!is_judged)
        diagnostic_add(maker->diagnostics, "E0417", statement->late_place, statement->late_into.len,
                       "put LATE INTO where DEDUP, or GROUP BY over TUMBLE or HOP, stands",
                       "nothing in %.*s judges lateness", STR_ARGS(statement->name));
}

static void late_finish(struct maker *maker, const struct unit *unit)
{
    const struct statement *statement = unit->statement;
    if (statement->late_into.len == 0 || statement->is_broken)
        return;
    struct unit *target = unit_find(maker, statement->late_into);
    if (target == NULL) {
        diagnostic_add(maker->diagnostics, "E0402", statement->late_place, statement->late_into.len,
                       unit_cure(maker, statement->late_into, 1u << STATEMENT_SINK),
                       "there is no sink %.*s", STR_ARGS(statement->late_into));
        return;
    }
    const struct statement *sink = target->statement;
    if (sink->kind != STATEMENT_SINK || sink->has_body || sink->from.len > 0) {
        if (!sink->is_broken)
            diagnostic_add(maker->diagnostics, "E0405", statement->late_place,
                           statement->late_into.len,
                           "write a sink of its own: CREATE SINK late_rows WITH (..);",
                           sink->kind == STATEMENT_SINK ? "sink %.*s has rows of its own"
                                                        : "%.*s is not a sink",
                           STR_ARGS(sink->name));
        return;
    }
    target->is_read = true;
    if (unit->state == UNIT_DONE && !maker->plan->is_table_mode)
        late_take(maker, unit, target->sink);
}

void sinks_finish(struct maker *maker)
{
    for (size_t i = 0; i < maker->units_len; i++)
        late_finish(maker, &maker->units[i]);
    for (size_t i = 0; i < maker->units_len; i++) {
        struct unit *unit = &maker->units[i];
        const struct statement *statement = unit->statement;
        if (statement->kind != STATEMENT_SINK || statement->is_broken)
            continue;
        bool is_target = !statement->has_body && statement->from.len == 0;
        if (is_target && !unit->is_read)
            diagnostic_add(maker->diagnostics, "E0405", statement->name_place, statement->name.len,
                           "add AS SELECT .., FROM view, or name it in a LATE INTO",
                           "sink %.*s gets no rows", STR_ARGS(statement->name));
        if (unit->sink < 0 || unit->state != UNIT_DONE)
            continue;
        struct plan_sink *sink = &maker->plan->sinks[unit->sink];
        finish_emit(maker, unit, sink);
        if (is_target && sink->columns == NULL)
            late_columns(maker, NULL, sink);
    }
}
