// SPDX-License-Identifier: MIT
// From statements to the plan. Names may be used before they are defined, so units (one for each
// CREATE) are built in waves: whatever has all that it reads. What never gets its turn is a cycle.
// In batch execution a SELECT outside the streaming subset makes the whole plan start over in table
// mode, where DuckDB does everything behind the sources. Mistakes never stop the building of other
// units; a unit that reads a broken one stays silent.
#include "pipeline/plan_maker.h"
#include "pipeline/select.h"

#include <string.h>

struct unit *unit_find(struct maker *maker, struct str name)
{
    for (size_t i = 0; i < maker->units_len; i++) {
        if (statement_has_rows(maker->statements[i].kind) &&
            str_equal_nocase(maker->statements[i].name, name))
            return &maker->units[i];
    }
    return NULL;
}

const char *unit_cure(struct maker *maker, struct str wanted, unsigned kinds)
{
    const char **names = ARENA_ARRAY(maker->arena, const char *, maker->units_len + 1);
    size_t len = 0;
    AUTO(buf_clear) struct buf list = {0};
    for (size_t i = 0; i < maker->units_len; i++) {
        const struct statement *statement = &maker->statements[i];
        if ((kinds >> statement->kind & 1) == 0)
            continue;
        names[len++] = arena_cstr(maker->arena, statement->name);
        buf_print(&list, "%s%.*s", len > 1 ? ", " : "", STR_ARGS(statement->name));
    }
    const char *near = nearest_name(wanted, names, len);
    if (near != NULL)
        return arena_print(maker->arena, "did you mean %s?", near).ptr;
    return len == 0 ? NULL : arena_print(maker->arena, "there is: %s", buf_cstr(&list)).ptr;
}

int plan_append_relation(struct maker *maker, const struct relation *relation)
{
    struct plan *plan = maker->plan;
    struct relation *list = ARENA_ARRAY(maker->arena, struct relation, plan->relations_len + 1);
    if (plan->relations_len > 0)
        memcpy(list, plan->relations, plan->relations_len * sizeof(*list));
    list[plan->relations_len] = *relation;
    plan->relations = list;
    return (int)plan->relations_len++;
}

int plan_find_relation(const struct plan *plan, struct str name)
{
    for (size_t i = 0; i < plan->relations_len; i++)
        if (str_equal_nocase(plan->relations[i].name, name))
            return (int)i;
    return -1;
}

#define READABLE (1u << STATEMENT_SOURCE | 1u << STATEMENT_VIEW | 1u << STATEMENT_TABLE)

static void check_names(struct maker *maker)
{
    for (size_t i = 0; i < maker->units_len; i++) {
        const struct statement *statement = &maker->statements[i];
        if (!statement_has_rows(statement->kind))
            continue;
        struct unit *first = unit_find(maker, statement->name);
        if (first != &maker->units[i]) {
            size_t line = 0, column = 0;
            diagnostic_line_column(maker->diagnostics->source, first->statement->name_place, &line,
                                   &column);
            diagnostic_add(maker->diagnostics, "E0401", statement->name_place, statement->name.len,
                           "give it another name", "%.*s is defined already, in line %zu",
                           STR_ARGS(statement->name), line);
            maker->units[i].state = UNIT_BROKEN;
        }
        if (statement->name.ptr[0] == '_')
            diagnostic_add(maker->diagnostics, "E0406", statement->name_place, statement->name.len,
                           "give it another name", "names that begin with _ are Firesteel's own");
    }
}

// ---- What reads what --------------------------------------------------------------------------

static bool add_read(struct maker *maker, struct unit *unit, struct str name, size_t place)
{
    struct unit *read = unit_find(maker, name);
    if (read == NULL) {
        diagnostic_add(maker->diagnostics, "E0402", place, name.len,
                       unit_cure(maker, name, READABLE), "there is no source, view or table %.*s",
                       STR_ARGS(name));
        return false;
    }
    if (read->statement->kind == STATEMENT_SINK) {
        diagnostic_add(maker->diagnostics, "E0404", place, name.len,
                       "read the view that the sink reads",
                       "%.*s is a sink: its rows have left the pipeline", STR_ARGS(name));
        return false;
    }
    bool is_stream = read->statement->kind != STATEMENT_TABLE;
    if (unit->statement->kind == STATEMENT_TABLE && is_stream) {
        diagnostic_add(maker->diagnostics, "E0404", place, name.len, "write CREATE VIEW instead",
                       "reference data is loaded once, at start: it cannot read %.*s",
                       STR_ARGS(name));
        return false;
    }
    read->is_read = true;
    unit->reads[unit->reads_len++] = (size_t)(read - maker->units);
    return true;
}

static void find_reads(struct maker *maker, struct unit *unit)
{
    const struct statement *statement = unit->statement;
    struct str *names = NULL;
    size_t *places = NULL, len = 0;
    if (unit->state == UNIT_BROKEN)
        return;
    if (statement->from.len > 0) {
        unit->reads = ARENA_NEW(maker->arena, size_t);
        if (!add_read(maker, unit, statement->from, statement->from_place))
            unit->state = UNIT_BROKEN;
        return;
    }
    if (!statement->has_body || !statement_has_rows(statement->kind))
        return;
    if (!view_references(&maker->builder, &statement->body, &names, &places, &len)) {
        unit->state = UNIT_BROKEN;
        return;
    }
    unit->reads = ARENA_ARRAY(maker->arena, size_t, len + 1);
    for (size_t i = 0; i < len; i++)
        if (!add_read(maker, unit, names[i], places[i]))
            unit->state = UNIT_BROKEN;
}

// What an enabled sink's rows come through; the rest is checked and then left out.
static void find_reached(struct maker *maker)
{
    for (size_t i = 0; i < maker->units_len; i++)
        maker->units[i].is_reached = maker->units[i].sink >= 0;
    for (bool has_changed = true; has_changed;) {
        has_changed = false;
        for (size_t i = 0; i < maker->units_len; i++) {
            const struct unit *unit = &maker->units[i];
            for (size_t k = 0; unit->is_reached && k < unit->reads_len; k++) {
                struct unit *read = &maker->units[unit->reads[k]];
                has_changed = has_changed || !read->is_reached;
                read->is_reached = true;
            }
        }
    }
}

// ---- Building ---------------------------------------------------------------------------------

static void execute_prelude(struct maker *maker)
{
    struct plan *plan = maker->plan;
    for (size_t i = 0; i < maker->units_len; i++) {
        const struct statement *statement = &maker->statements[i];
        struct error err = {0};
        if (statement->kind != STATEMENT_MACRO || statement->is_broken)
            continue;
        const char *sql = arena_cstr(maker->arena, statement->body.text);
        if (!connection_execute(maker->builder.connection, sql, &err)) {
            bind_shorten(&err);
            diagnostic_add(maker->diagnostics, "E0409", statement->name_place, statement->name.len,
                           NULL, "DuckDB refuses it: %s", err.text);
            continue;
        }
        struct str *prelude = ARENA_ARRAY(maker->arena, struct str, plan->prelude_len + 1);
        if (plan->prelude_len > 0)
            memcpy(prelude, plan->prelude, plan->prelude_len * sizeof(*prelude));
        prelude[plan->prelude_len++] = statement->body.text;
        plan->prelude = prelude;
    }
}

// Only names and types of its columns are wanted now; the engine loads the rows at start.
static void table_build(struct maker *maker, struct unit *unit)
{
    const struct statement *statement = unit->statement;
    struct error err = {0};
    AUTO(buf_clear) struct buf sql = {0};
    buf_add_cstr(&sql, "CREATE TABLE ");
    buf_add_sql_name(&sql, statement->name);
    buf_print(&sql, " AS (%.*s\n) WITH NO DATA", STR_ARGS(statement->body.text));
    unit->state = UNIT_BROKEN;
    if (!connection_execute(maker->builder.connection, buf_cstr(&sql), &err)) {
        bind_shorten(&err);
        diagnostic_add(maker->diagnostics, "E0408", statement->name_place, statement->name.len,
                       "files of a CREATE TABLE are relative to the .sql file",
                       "table %.*s cannot be loaded: %s", STR_ARGS(statement->name), err.text);
        return;
    }
    unit->state = UNIT_DONE;
    struct plan *plan = maker->plan;
    plan->tables[plan->tables_len++] = (struct plan_table){
        .name = statement->name, .sql = statement->body.text, .place = statement->name_place};
}

static void view_build_stream(struct maker *maker, struct unit *unit)
{
    const struct statement *statement = unit->statement;
    int before = (int)maker->plan->relations_len;
    bool needs_table_mode = false;
    int last = view_build(&maker->builder, statement->name, statement->name_place, &statement->body,
                          &needs_table_mode);
    maker->needs_table_mode = maker->needs_table_mode || needs_table_mode;
    unit->state = UNIT_BROKEN;
    if (last < 0)
        return;
    unit->first_relation = last >= before ? before : -1;
    unit->last_relation = last;
    struct error err = {0};
    if (constraints_build(maker, statement, &maker->plan->relations[last]) &&
        builder_publish(&maker->builder, last, &err))
        unit->state = UNIT_DONE;
    else if (err.kind != ERROR_NONE)
        diagnostic_add(maker->diagnostics, "E0410", statement->name_place, statement->name.len,
                       NULL, "%s", err.text);
}

static void view_build_table_mode(struct maker *maker, struct unit *unit)
{
    const struct statement *statement = unit->statement;
    struct plan *plan = maker->plan;
    unit->state = UNIT_BROKEN;
    if (counted_view_build(maker, unit))
        return;
    if (statement->constraints_len > 0) {
        diagnostic_add(maker->diagnostics, "E0407", statement->constraints[0].place,
                       statement->constraints[0].name.len,
                       "put them on a view SELECT * FROM source, or SELECT * FROM DEDUP(source, "
                       "..), or filter with WHERE",
                       "in a batch that uses more SQL than a stream can, constraints of a view are "
                       "judged only where its rows are those of a source");
        return;
    }
    struct str body = view_table_mode_sql(&maker->builder, &statement->body);
    struct column *columns = NULL;
    size_t len = 0;
    if (body.len == 0 ||
        !view_table_mode_columns(&maker->builder, body, statement->body.place, &columns, &len))
        return;
    AUTO(buf_clear) struct buf sql = {0};
    buf_add_cstr(&sql, "CREATE VIEW ");
    buf_add_sql_name(&sql, statement->name);
    buf_print(&sql, " AS %.*s", STR_ARGS(body));
    struct error err = {0};
    if (!connection_execute(maker->builder.connection, buf_cstr(&sql), &err)) {
        bind_shorten(&err);
        diagnostic_add(maker->diagnostics, "E0410", statement->name_place, statement->name.len,
                       NULL, "%s", err.text);
        return;
    }
    if (unit->is_reached)
        plan->view_sql[plan->view_sql_len++] = arena_str(maker->arena, buf_str(&sql));
    unit->state = UNIT_DONE;
}

static void unit_build(struct maker *maker, struct unit *unit)
{
    switch (unit->statement->kind) {
    case STATEMENT_SOURCE:
        source_build(maker, unit);
        return;
    case STATEMENT_TABLE:
        table_build(maker, unit);
        return;
    case STATEMENT_VIEW:
        if (maker->plan->is_table_mode)
            view_build_table_mode(maker, unit);
        else
            view_build_stream(maker, unit);
        return;
    case STATEMENT_SINK:
        sink_build(maker, unit);
        return;
    case STATEMENT_REPORT:
        report_build(maker, unit);
        return;
    case STATEMENT_METRIC:
        metric_build(maker, unit);
        return;
    case STATEMENT_SCHEDULE:
        schedule_build(maker, unit);
        return;
    case STATEMENT_SET:
    case STATEMENT_MACRO:
        unit->state = UNIT_DONE;
    }
}

static bool is_ready(struct maker *maker, struct unit *unit)
{
    for (size_t i = 0; i < unit->reads_len; i++) {
        enum unit_state state = maker->units[unit->reads[i]].state;
        if (state == UNIT_BROKEN)
            unit->state = UNIT_BROKEN;
        if (state != UNIT_DONE)
            return false;
    }
    return true;
}

static void complain_cycle(struct maker *maker, const struct unit *unit)
{
    AUTO(buf_clear) struct buf chain = {0};
    const struct unit *at = unit;
    for (size_t steps = 0; steps <= maker->units_len; steps++) {
        const struct unit *next = NULL;
        for (size_t i = 0; i < at->reads_len && next == NULL; i++)
            if (maker->units[at->reads[i]].state == UNIT_WAITING)
                next = &maker->units[at->reads[i]];
        if (next == NULL)
            return; // waits for a cycle, is not in it
        buf_print(&chain, " -> %.*s", STR_ARGS(next->statement->name));
        at = next;
        if (at == unit)
            break;
    }
    if (at != unit)
        return;
    diagnostic_add(maker->diagnostics, "E0403", unit->statement->name_place,
                   unit->statement->name.len, "a step can only read what comes before it",
                   "%.*s reads itself: %.*s%s", STR_ARGS(unit->statement->name),
                   STR_ARGS(unit->statement->name), buf_cstr(&chain));
}

static void build_units(struct maker *maker)
{
    for (bool has_changed = true; has_changed;) {
        has_changed = false;
        for (size_t i = 0; i < maker->units_len; i++) {
            struct unit *unit = &maker->units[i];
            if (unit->state != UNIT_WAITING || !is_ready(maker, unit))
                continue;
            unit_build(maker, unit);
            has_changed = true;
        }
    }
    for (size_t i = 0; i < maker->units_len; i++)
        if (maker->units[i].state == UNIT_WAITING)
            complain_cycle(maker, &maker->units[i]);
}

// ---- Leaving out what nobody reads --------------------------------------------------------------

static void warn_unread(struct maker *maker)
{
    for (size_t i = 0; i < maker->units_len; i++) {
        const struct statement *statement = &maker->statements[i];
        bool is_readable = (READABLE >> statement->kind & 1) != 0;
        if (!is_readable || maker->units[i].is_read || statement->is_broken)
            continue;
        diagnostic_add(maker->diagnostics, "W0401", statement->name_place, statement->name.len,
                       "read it in a sink, or remove it", "nothing reads %.*s: it is left out",
                       STR_ARGS(statement->name));
    }
}

static void prune_sources(struct plan *plan, const int *moved)
{
    size_t kept = 0;
    for (size_t i = 0; i < plan->sources_len; i++) {
        int relation = moved[plan->sources[i].relation];
        if (relation < 0)
            continue;
        plan->sources[kept] = plan->sources[i];
        plan->sources[kept].relation = relation;
        plan->relations[relation].source = (int)kept++;
    }
    plan->sources_len = kept;
}

static void prune(struct maker *maker)
{
    struct plan *plan = maker->plan;
    bool *keep = ARENA_ARRAY(maker->arena, bool, plan->relations_len + 1);
    int *moved = ARENA_ARRAY(maker->arena, int, plan->relations_len + 1);
    for (size_t i = 0; i < maker->units_len; i++) {
        const struct unit *unit = &maker->units[i];
        for (int k = unit->first_relation; unit->is_reached && k >= 0 && k <= unit->last_relation;
             k++)
            keep[k] = true;
    }
    int kept = 0;
    for (size_t i = 0; i < plan->relations_len; i++)
        moved[i] = keep[i] ? kept++ : -1;
    for (size_t i = 0; i < plan->relations_len; i++) {
        if (!keep[i])
            continue;
        struct relation *relation = &plan->relations[moved[i]];
        *relation = plan->relations[i];
        for (size_t k = 0; k < COUNT_OF(relation->inputs); k++)
            if (relation->inputs[k] >= 0)
                relation->inputs[k] = moved[relation->inputs[k]];
    }
    prune_sources(plan, moved);
    plan->relations_len = (size_t)kept;
    for (size_t i = 0; i < plan->sinks_len; i++)
        if (plan->sinks[i].relation >= 0)
            plan->sinks[i].relation = moved[plan->sinks[i].relation];
    size_t tables = 0;
    for (size_t i = 0; i < plan->tables_len; i++)
        if (unit_find(maker, plan->tables[i].name)->is_reached)
            plan->tables[tables++] = plan->tables[i];
    plan->tables_len = tables;
}

static void check_work(struct maker *maker)
{
    const struct plan *plan = maker->plan;
    size_t sinks = 0, sources = 0, enabled = 0;
    for (size_t i = 0; i < maker->units_len; i++) {
        sinks += maker->statements[i].kind == STATEMENT_SINK;
        sources += maker->statements[i].kind == STATEMENT_SOURCE;
    }
    for (size_t i = 0; i < plan->sources_len; i++)
        enabled += plan->sources[i].is_enabled;
    const char *text = NULL, *cure = NULL;
    if (sinks == 0 && plan->schedules_len > 0)
        return; // a file of schedules, for firesteel serve
    if (sinks == 0) {
        text = "nothing to do: the pipeline has no sink";
        cure = "add CREATE SINK name WITH (connector = 'console') AS SELECT ..";
    } else if (plan->sinks_len == 0) {
        text = "nothing to do: every sink is disabled";
        cure = "look at the options 'enabled' of the sinks";
    } else if (sources > 0 && plan->sources_len > 0 && enabled == 0) {
        text = "nothing to do: every source is disabled";
        cure = "look at the options 'enabled' of the sources";
    }
    if (text != NULL && maker->diagnostics->errors == 0)
        diagnostic_add(maker->diagnostics, "E0407", SIZE_MAX, 1, cure, "%s", text);
}

// ---- The whole --------------------------------------------------------------------------------

static bool maker_open(struct maker *maker, struct error *err)
{
    const struct plan_request *request = maker->request;
    maker->database = database_open((struct database_options){.threads = 1}, err);
    if (maker->database == NULL)
        return false;
    maker->builder.connection = connection_open(maker->database, err);
    if (maker->builder.connection == NULL)
        return false;
    const char *slash = strrchr(request->path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - request->path);
    maker->plan->folder = slash == NULL ? "."
                          : slash == request->path
                              ? "/"
                              : arena_cstr(maker->arena, (struct str){request->path, len});
    AUTO(buf_clear) struct buf sql = {0};
    buf_add_cstr(&sql, "SET file_search_path = ");
    buf_add_sql_string(&sql, str_of(maker->plan->folder));
    return connection_execute(maker->builder.connection, buf_cstr(&sql), err);
}

static void maker_close(struct maker *maker)
{
    if (maker->builder.connection != NULL)
        connection_close(maker->builder.connection);
    if (maker->database != NULL)
        database_close(maker->database);
}

static void units_init(struct maker *maker)
{
    size_t len = maker->units_len + 1;
    struct plan *plan = maker->plan;
    maker->units = ARENA_ARRAY(maker->arena, struct unit, len);
    plan->sources = ARENA_ARRAY(maker->arena, struct plan_source, len);
    plan->sinks = ARENA_ARRAY(maker->arena, struct plan_sink, len);
    plan->tables = ARENA_ARRAY(maker->arena, struct plan_table, len);
    plan->view_sql = ARENA_ARRAY(maker->arena, struct str, len);
    plan->counted = ARENA_ARRAY(maker->arena, struct counted_view, len);
    plan->batch_sink_sql = ARENA_ARRAY(maker->arena, struct str, len);
    plan->reports = ARENA_ARRAY(maker->arena, struct plan_report, len);
    plan->metrics = ARENA_ARRAY(maker->arena, struct plan_metric, len);
    plan->schedules = ARENA_ARRAY(maker->arena, struct plan_schedule, len);
    for (size_t i = 0; i < maker->units_len; i++)
        maker->units[i] =
            (struct unit){.statement = &maker->statements[i],
                          .state = maker->statements[i].is_broken ? UNIT_BROKEN : UNIT_WAITING,
                          .first_relation = -1,
                          .last_relation = -1,
                          .sink = -1};
}

static bool plan_make(struct maker *maker, struct error *err)
{
    units_init(maker);
    if (!maker_open(maker, err))
        return false;
    settings_build(maker);
    maker->builder.execution = maker->plan->settings.execution;
    if (!builder_open(&maker->builder, err))
        return false;
    execute_prelude(maker);
    check_names(maker);
    options_check_overrides(maker);
    for (size_t i = 0; i < maker->units_len; i++) {
        struct unit *unit = &maker->units[i];
        if (unit->statement->kind == STATEMENT_SINK && unit->state == UNIT_WAITING)
            sink_open(maker, unit);
        find_reads(maker, unit);
    }
    find_reached(maker);
    build_units(maker);
    if (maker->needs_table_mode)
        return true;
    sinks_finish(maker);
    if (maker->diagnostics->errors == 0) {
        warn_unread(maker);
        prune(maker);
        check_work(maker);
    }
    if (maker->diagnostics->errors == 0)
        view_mark_needed(&maker->builder);
    return true;
}

static struct maker maker_new(const struct plan_request *request, struct arena *arena,
                              struct diagnostics *diagnostics, const struct statement *statements,
                              size_t len, bool is_table_mode)
{
    struct plan *plan = ARENA_NEW(arena, struct plan);
    plan->arena = arena;
    plan->path = request->path;
    plan->is_table_mode = is_table_mode;
    return (struct maker){.request = request,
                          .arena = arena,
                          .diagnostics = diagnostics,
                          .plan = plan,
                          .statements = statements,
                          .units_len = len,
                          .builder = {.plan = plan,
                                      .arena = arena,
                                      .diagnostics = diagnostics,
                                      .statements = statements,
                                      .statements_len = len}};
}

struct plan *plan_build(const struct plan_request *request, struct arena *arena,
                        struct diagnostics *diagnostics)
{
    struct statement *statements = NULL;
    size_t len = 0;
    statements_parse(request->text, &request->variables, arena, diagnostics, &statements, &len);
    const struct diagnostics parsed = *diagnostics;
    struct error err = {0};
    struct maker maker = maker_new(request, arena, diagnostics, statements, len, false);
    bool is_made = plan_make(&maker, &err);
    maker_close(&maker);
    if (is_made && maker.needs_table_mode) {
        diagnostics->len = parsed.len;
        diagnostics->errors = parsed.errors;
        maker = maker_new(request, arena, diagnostics, statements, len, true);
        is_made = plan_make(&maker, &err);
        maker_close(&maker);
    }
    if (!is_made) {
        diagnostic_add(diagnostics, "E0001", SIZE_MAX, 1, NULL, "%s", err.text);
        return NULL;
    }
    if (diagnostics->errors > 0)
        return NULL;
    AUTO(buf_clear) struct buf fingerprint = {0};
    plan_fingerprint(maker.plan, &fingerprint);
    maker.plan->fingerprint = arena_str(arena, buf_str(&fingerprint));
    return maker.plan;
}
