// SPDX-License-Identifier: MIT
// The ledger becomes rows by INSERT, a database of its own runs the SELECTs: figures are small, and
// the job's own database is busy or gone. Values that are NULL fill a template with nothing, and
// are no sample.
#include "engine/run_tables.h"

#include "engine/batch_views.h"
#include "engine/job_state.h"
#include <math.h>

struct run_tables {
    const struct plan *plan;
    struct database *database;
    struct connection *connection;
    struct arena arena;
    double quality;
};

static const char *kind_of(const struct job *job, size_t entry)
{
    const struct ledger_entry *line = ledger_entry(job->ledger, (int)entry);
    if (line->is_sink)
        return "sink";
    for (size_t s = 0; s < job->plan->sources_len; s++)
        if (str_equal(job->plan->sources[s].name, line->name))
            return "source";
    return "view";
}

// Of table mode: how often rows violated the constraint at all; else as often as they were refused.
static int64_t violations_of(const struct job *job, const struct ledger_entry *line, int entry,
                             size_t constraint)
{
    for (size_t v = 0; job->batch_views != NULL && v < job->plan->view_sql_len; v++)
        if (str_equal(job->plan->counted[v].name, line->name))
            return batch_view_violations(job, v, constraint);
    return ledger_rejected(job->ledger, entry, constraint);
}

static void add_rejection(struct buf *sql, struct str relation, struct str reason, int64_t rows,
                          int64_t violations)
{
    buf_add_cstr(sql, "INSERT INTO ledger_rejections VALUES (");
    buf_add_sql_string(sql, relation);
    buf_add_cstr(sql, ", ");
    buf_add_sql_string(sql, reason);
    buf_print(sql, ", %lld, %lld);", (long long)rows, (long long)violations);
}

static void add_lag(struct job *job, struct str name, struct buf *sql)
{
    const char *unit;
    int64_t lag;
    for (size_t s = 0; s < job->plan->sources_len; s++) {
        if (!str_equal(job->plan->sources[s].name, name) || !job_source_lag(job, s, &unit, &lag))
            continue;
        buf_print(sql, ", %lld);", (long long)lag);
        return;
    }
    buf_add_cstr(sql, ", NULL);");
}

static void add_entry(struct job *job, size_t index, struct buf *sql)
{
    static const enum ledger_term before[] = {LEDGER_ROWS_IN,   LEDGER_PASSED, LEDGER_FILTERED,
                                              LEDGER_DUPLICATE, LEDGER_LATE,   LEDGER_UNDECODABLE};
    int entry = (int)index;
    const struct ledger *ledger = job->ledger;
    const struct ledger_entry *line = ledger_entry(ledger, entry);
    if (line->is_second_input)
        return;
    buf_add_cstr(sql, "INSERT INTO ledger VALUES (");
    buf_add_sql_string(sql, line->name);
    buf_print(sql, ", '%s'", kind_of(job, index));
    for (size_t t = 0; t < COUNT_OF(before); t++)
        buf_print(sql, ", %lld", (long long)ledger_value(ledger, entry, before[t]));
    buf_print(sql, ", %lld, %lld, %lld, %lld", (long long)ledger_rejected_sum(ledger, entry),
              (long long)ledger_value(ledger, entry, LEDGER_WARNED),
              (long long)ledger_value(ledger, entry, LEDGER_IN_STATE),
              (long long)ledger_value(ledger, entry, LEDGER_ROWS_OUT));
    add_lag(job, line->name, sql);
    int64_t undecodable = ledger_value(ledger, entry, LEDGER_UNDECODABLE);
    add_rejection(sql, line->name, STR("undecodable"), undecodable, undecodable);
    for (size_t c = 0; c < line->constraints_len; c++)
        add_rejection(sql, line->name, line->constraints[c], ledger_rejected(ledger, entry, c),
                      violations_of(job, line, entry, c));
}

static double quality_of(const struct job *job)
{
    int64_t read = 0, lost = 0;
    for (size_t e = 0; e < ledger_entries_len(job->ledger); e++) {
        int entry = (int)e;
        if (kind_of(job, e)[0] == 's' && kind_of(job, e)[1] == 'o')
            read += ledger_value(job->ledger, entry, LEDGER_ROWS_IN);
        lost += ledger_value(job->ledger, entry, LEDGER_UNDECODABLE) +
                ledger_value(job->ledger, entry, LEDGER_DUPLICATE) +
                ledger_rejected_sum(job->ledger, entry);
    }
    return read == 0 ? -1 : 1.0 - (double)lost / (double)read;
}

static bool fill(struct run_tables *tables, struct job *job, const struct run_outcome *outcome,
                 struct error *err)
{
    AUTO(buf_clear) struct buf sql = {0};
    buf_add_cstr(&sql, "CREATE SCHEMA _run; SET search_path = '_run';");
    buf_add_cstr(&sql, plan_run_tables);
    if (job != NULL && outcome->is_ok) {
        tables->quality = quality_of(job);
        for (size_t e = 0; e < ledger_entries_len(job->ledger); e++)
            add_entry(job, e, &sql);
    }
    buf_add_cstr(&sql, "INSERT INTO run VALUES (");
    buf_add_sql_string(&sql, tables->plan->settings.pipeline);
    buf_print(&sql, ", make_timestamp(%lld), %.6f, %d, ", (long long)outcome->started_us,
              outcome->seconds, outcome->is_ok);
    if (tables->quality < 0)
        buf_add_cstr(&sql, "NULL, ");
    else
        buf_print(&sql, "%.17g, ", tables->quality);
    buf_add_sql_string(&sql, str_of(outcome->error));
    buf_add_cstr(&sql, "); SET search_path = '_run,main'");
    return connection_execute(tables->connection, buf_cstr(&sql), err);
}

struct run_tables *run_tables_open(const struct plan *plan, struct job *job,
                                   const struct run_outcome *outcome, struct error *err)
{
    struct run_tables *tables = heap_new(sizeof(*tables));
    tables->plan = plan;
    tables->quality = -1;
    tables->database = database_open((struct database_options){.threads = 1}, err);
    bool ok = tables->database != NULL &&
              (tables->connection = connection_open(tables->database, err)) != NULL;
    for (size_t i = 0; ok && i < plan->prelude_len; i++)
        ok = connection_execute(tables->connection, arena_cstr(&tables->arena, plan->prelude[i]),
                                err);
    if (ok && fill(tables, job, outcome, err))
        return tables;
    run_tables_close(tables);
    return NULL;
}

void run_tables_close(struct run_tables *tables)
{
    if (tables == NULL)
        return;
    if (tables->connection != NULL)
        connection_close(tables->connection);
    if (tables->database != NULL)
        database_close(tables->database);
    arena_clear(&tables->arena);
    heap_free(tables);
}

double run_tables_quality(const struct run_tables *tables)
{
    return tables->quality;
}

// ---- SELECTs ------------------------------------------------------------------------------------

// All columns as text; `value` (when >= 0) as DOUBLE.
static struct statement *select_open(struct run_tables *tables, struct str sql,
                                     const struct column *columns, size_t len, int value,
                                     struct error *err)
{
    AUTO(buf_clear) struct buf text = {0};
    buf_add_cstr(&text, "SELECT ");
    for (size_t i = 0; i < len; i++) {
        buf_add_cstr(&text, i > 0 ? ", CAST(" : "CAST(");
        buf_add_sql_name(&text, columns[i].name);
        buf_add_cstr(&text, (int)i == value ? " AS DOUBLE)" : " AS VARCHAR)");
    }
    buf_print(&text, " FROM (%.*s\n)", STR_ARGS(sql));
    struct statement *statement = statement_prepare(tables->connection, buf_cstr(&text), err);
    if (statement != NULL && statement_execute(statement, err))
        return statement;
    statement_free(statement);
    return NULL;
}

static void cell_add(const struct chunk *chunk, size_t column, size_t row, struct buf *out)
{
    const struct vector *vector = &chunk->columns[column];
    if (!vector_is_null(vector, row))
        buf_add_str(out, string_cell_str(&((const struct string_cell *)vector->data)[row]));
}

static void template_fill(const struct plan_report *report, const struct chunk *chunk, size_t row,
                          struct buf *out)
{
    struct str rest = report->format;
    int64_t open;
    while ((open = str_find(rest, '{')) >= 0) {
        buf_add_str(out, str_slice(rest, 0, (size_t)open));
        rest = str_slice(rest, (size_t)open + 1, rest.len);
        int64_t close = str_find(rest, '}');
        ASSERT(close >= 0); // checked when the plan was made
        struct str name = str_slice(rest, 0, (size_t)close);
        for (size_t c = 0; c < report->columns_len; c++)
            if (str_equal_nocase(report->columns[c].name, name)) {
                cell_add(chunk, c, row, out);
                break;
            }
        rest = str_slice(rest, (size_t)close + 1, rest.len);
    }
    buf_add_str(out, rest);
}

static bool report_print(struct run_tables *tables, const struct plan_report *report,
                         struct buf *out, struct error *err)
{
    struct statement *statement =
        select_open(tables, report->sql, report->columns, report->columns_len, -1, err);
    if (statement == NULL)
        return error_wrap(err, "report");
    struct chunk *chunk;
    while ((chunk = statement_next(statement)) != NULL) {
        for (size_t row = 0; row < chunk->rows; row++) {
            if (report->has_format)
                template_fill(report, chunk, row, out);
            else
                cell_add(chunk, 0, row, out);
            if (out->len == 0 || out->ptr[out->len - 1] != '\n')
                buf_add_char(out, '\n');
        }
    }
    statement_free(statement);
    return true;
}

bool run_tables_report(struct run_tables *tables, bool is_stderr, struct buf *out,
                       struct error *err)
{
    for (size_t i = 0; i < tables->plan->reports_len; i++)
        if (tables->plan->reports[i].is_stderr == is_stderr &&
            !report_print(tables, &tables->plan->reports[i], out, err))
            return false;
    return true;
}

// name="value", with what Prometheus' text form escapes.
static void label_add(struct buf *out, struct str name, struct str value)
{
    if (out->len > 0)
        buf_add_char(out, ',');
    buf_add_str(out, name);
    buf_add_cstr(out, "=\"");
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c == '\\' || c == '"' || c == '\n')
            buf_add_char(out, '\\');
        buf_add_char(out, c == '\n' ? 'n' : c);
    }
    buf_add_char(out, '"');
}

static bool metric_read(struct run_tables *tables, const struct plan_metric *metric,
                        struct arena *arena, struct metric_sample **samples, size_t *len,
                        size_t *capacity, struct error *err)
{
    struct statement *statement = select_open(tables, metric->sql, metric->columns,
                                              metric->columns_len, metric->value_column, err);
    if (statement == NULL)
        return error_wrap(err, "metric %.*s", STR_ARGS(metric->name));
    struct chunk *chunk;
    AUTO(buf_clear) struct buf labels = {0};
    AUTO(buf_clear) struct buf value = {0};
    while ((chunk = statement_next(statement)) != NULL) {
        for (size_t row = 0; row < chunk->rows; row++) {
            const struct vector *values = &chunk->columns[metric->value_column];
            if (vector_is_null(values, row))
                continue;
            buf_reset(&labels);
            for (size_t c = 0; c < metric->columns_len; c++) {
                buf_reset(&value);
                if ((int)c != metric->value_column && !vector_is_null(&chunk->columns[c], row)) {
                    cell_add(chunk, c, row, &value);
                    label_add(&labels, metric->columns[c].name, buf_str(&value));
                }
            }
            if (*len == *capacity) {
                *capacity = *capacity == 0 ? 16 : *capacity * 2;
                struct metric_sample *more = ARENA_ARRAY(arena, struct metric_sample, *capacity);
                if (*len > 0)
                    memcpy(more, *samples, *len * sizeof(*more));
                *samples = more;
            }
            (*samples)[(*len)++] = (struct metric_sample){
                metric, arena_str(arena, buf_str(&labels)), ((const double *)values->data)[row]};
        }
    }
    statement_free(statement);
    return true;
}

bool run_tables_metrics(struct run_tables *tables, struct arena *arena,
                        struct metric_sample **samples, size_t *len, struct error *err)
{
    size_t capacity = 0;
    *samples = NULL;
    *len = 0;
    for (size_t i = 0; i < tables->plan->metrics_len; i++)
        if (!metric_read(tables, &tables->plan->metrics[i], arena, samples, len, &capacity, err))
            return false;
    return true;
}
