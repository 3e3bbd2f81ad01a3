// SPDX-License-Identifier: MIT
// REPORT, CREATE METRIC, CREATE SCHEDULE as parts of the plan. The SELECTs of the first two are
// bound here against the run's own tables, made empty, so that `check` finds a wrong column before
// anything runs.
#include "base/clock.h"
#include "pipeline/plan_maker.h"
#include "pipeline/select.h"

#include <string.h>

const char plan_run_tables[] =
    "CREATE TABLE ledger (relation VARCHAR, kind VARCHAR, rows_in BIGINT, passed BIGINT, filtered "
    "BIGINT, duplicate BIGINT, late BIGINT, undecodable BIGINT, rejected BIGINT, warned BIGINT, "
    "in_state BIGINT, rows_out BIGINT, lag BIGINT);"
    "CREATE TABLE ledger_rejections (relation VARCHAR, reason VARCHAR, \"rows\" BIGINT, violations "
    "BIGINT);"
    "CREATE TABLE run (pipeline VARCHAR, started TIMESTAMP, seconds DOUBLE, status INTEGER, "
    "quality DOUBLE, error VARCHAR);";

// Binds over the run's tables, in a schema of their own: a pipeline may call a source `run`.
static bool bind(struct maker *maker, const struct statement *statement, struct column **columns,
                 size_t *len)
{
    struct error err = {0};
    AUTO(buf_clear) struct buf sql = {0};
    buf_print(&sql,
              "DROP SCHEMA IF EXISTS _run CASCADE; CREATE SCHEMA _run; SET search_path = "
              "'_run'; %s",
              plan_run_tables);
    struct connection *connection = maker->builder.connection;
    bool ok = connection_execute(connection, buf_cstr(&sql), &err);
    if (ok && connection_execute(connection, "SET search_path = '_run,main'", &err)) {
        AUTO(buf_clear) struct buf view = {0};
        buf_print(&view, "CREATE VIEW _run._select AS %.*s", STR_ARGS(statement->body.text));
        ok = connection_execute(connection, buf_cstr(&view), &err);
    }
    struct error ignored = {0};
    bool is_back = connection_execute(connection, "SET search_path='main'", &ignored);
    ASSERT(is_back);
    if (ok &&
        bind_sql(&maker->builder, BIND_LANE, STR("SELECT * FROM _run._select"), columns, len, &err))
        return true;
    bind_shorten(&err);
    diagnostic_add(maker->diagnostics, "E0204", statement->body.place, 1,
                   "it reads the tables ledger, ledger_rejections and run", "%s", err.text);
    return false;
}

// Every {name} of the template is a column.
static bool template_check(struct maker *maker, const struct statement *statement,
                           const struct plan_report *report)
{
    struct str rest = report->format;
    int64_t open;
    while ((open = str_find(rest, '{')) >= 0) {
        rest = str_slice(rest, (size_t)open + 1, rest.len);
        int64_t close = str_find(rest, '}');
        struct str name = close < 0 ? (struct str){0} : str_slice(rest, 0, (size_t)close);
        if (close >= 0 && column_find(report->columns, report->columns_len, name) >= 0) {
            rest = str_slice(rest, (size_t)close + 1, rest.len);
            continue;
        }
        AUTO(buf_clear) struct buf list = {0};
        for (size_t i = 0; i < report->columns_len; i++)
            buf_print(&list, "%s%.*s", i > 0 ? ", " : "", STR_ARGS(report->columns[i].name));
        struct str cure = arena_print(maker->arena, "columns: %s", buf_cstr(&list));
        diagnostic_add(maker->diagnostics, "E0418", statement->text_place, 1, cure.ptr,
                       close < 0 ? "a { of the template is never closed"
                                 : "the template names {%.*s}, which the SELECT does not have",
                       STR_ARGS(name));
        return false;
    }
    return true;
}

void report_build(struct maker *maker, struct unit *unit)
{
    const struct statement *statement = unit->statement;
    struct plan_report report = {.sql = statement->body.text,
                                 .format = statement->text,
                                 .has_format = statement->has_text,
                                 .is_stderr = statement->is_stderr,
                                 .place = statement->place};
    unit->state = UNIT_BROKEN;
    if (!bind(maker, statement, &report.columns, &report.columns_len))
        return;
    if (!report.has_format && report.columns_len != 1) {
        diagnostic_add(maker->diagnostics, "E0418", statement->body.place, 1,
                       "add TEMPLATE '..{column}..' before AS, or make one text of them",
                       "a report without TEMPLATE prints one column, here are %zu",
                       report.columns_len);
        return;
    }
    if (report.has_format && !template_check(maker, statement, &report))
        return;
    maker->plan->reports[maker->plan->reports_len++] = report;
    unit->state = UNIT_DONE;
}

static bool name_check(struct maker *maker, const struct statement *statement)
{
    struct str name = statement->name;
    bool is_good = true;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        is_good = is_good && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                              c == ':' || (i > 0 && c >= '0' && c <= '9'));
    }
    if (!is_good)
        diagnostic_add(maker->diagnostics, "E0419", statement->name_place, name.len,
                       "use letters, digits and _", "%.*s cannot be the name of a metric",
                       STR_ARGS(name));
    return is_good;
}

void metric_build(struct maker *maker, struct unit *unit)
{
    const struct statement *statement = unit->statement;
    struct plan *plan = maker->plan;
    struct plan_metric metric = {.name = statement->name,
                                 .help = statement->text,
                                 .sql = statement->body.text,
                                 .is_counter = statement->is_counter,
                                 .place = statement->name_place};
    unit->state = UNIT_BROKEN;
    if (!name_check(maker, statement) ||
        !bind(maker, statement, &metric.columns, &metric.columns_len))
        return;
    metric.value_column = column_find(metric.columns, metric.columns_len, STR("value"));
    if (metric.value_column < 0) {
        diagnostic_add(maker->diagnostics, "E0419", statement->name_place, statement->name.len,
                       "name it: SELECT topic, sum(..) AS value; the other columns are labels",
                       "metric %.*s has no column value", STR_ARGS(statement->name));
        return;
    }
    plan->metrics[plan->metrics_len++] = metric;
    unit->state = UNIT_DONE;
}

static bool schedule_options(struct maker *maker, const struct statement *statement,
                             struct plan_schedule *schedule)
{
    for (size_t i = 0; i < statement->options_len; i++) {
        const struct option_text *option = &statement->options[i];
        bool is_retries = str_equal_nocase(option->name, STR("retries"));
        bool is_good = !option->is_expression;
        if (is_retries)
            is_good = is_good && str_parse_int64(option->value, &schedule->retries) &&
                      schedule->retries >= 0;
        else if (str_equal_nocase(option->name, STR("catch_up")))
            is_good = is_good && bool_parse(option->value, &schedule->catch_up);
        else
            is_good = false;
        if (is_good)
            continue;
        diagnostic_add(maker->diagnostics, "E0420", option->name_place, option->name.len,
                       "options of a schedule: retries = 3, catch_up = true",
                       "%.*s = %.*s is not understood", STR_ARGS(option->name),
                       STR_ARGS(option->value));
        return false;
    }
    return true;
}

void schedule_build(struct maker *maker, struct unit *unit)
{
    const struct statement *statement = unit->statement;
    struct plan *plan = maker->plan;
    struct plan_schedule schedule = {.name = statement->name,
                                     .file = statement->text,
                                     .cron = statement->cron,
                                     .place = statement->name_place};
    unit->state = UNIT_BROKEN;
    if (!schedule_options(maker, statement, &schedule))
        return;
    if (statement->every.len > 0 && (!duration_parse(statement->every, &schedule.every_us) ||
                                     schedule.every_us < US_PER_SECOND)) {
        diagnostic_add(maker->diagnostics, "E0420", statement->name_place, statement->name.len,
                       "write EVERY INTERVAL '1 hour'", "'%.*s' is not a time of a second or more",
                       STR_ARGS(statement->every));
        return;
    }
    plan->schedules[plan->schedules_len++] = schedule;
    unit->state = UNIT_DONE;
}
