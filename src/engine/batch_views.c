// SPDX-License-Identifier: MIT
// Counted views of table mode. A row that violates a constraint of some view is a suspect: its
// bytes and all it violates are remembered when it is read, since the batch is gone later. When the
// view is made, the suspects that are still among its rows (not dropped as duplicates before) are
// refused.
//
// Duplicates are found in two steps: hashes that occur twice by one GROUP BY of a number, then the
// exact order among the few rows that have them. Ranking all rows by their keys costs ten times as
// much. Rows are never copied: a view is its input without the rows in small tables of numbers.
#include "engine/batch_views.h"
#include <stdio.h>

struct suspect {
    int64_t sequence;
    uint64_t fails; // bits of relation->later
    struct str raw, partition;
    int64_t offset;
};

struct suspects {
    struct suspect *list; // ascending sequence
    size_t len, capacity;
    struct statement *statement; // constraints that only DuckDB can judge, one column each
    size_t asked;
};

struct batch_views {
    struct arena arena; // bytes of suspects
    struct arena batch_arena;
    struct suspects *of_source; // parallel to plan->sources
    size_t sources_len;
    int64_t **violations; // parallel to plan->counted
    // Numbers on their way into DuckDB.
    struct scan *scan;
    struct chunk *chunk;
    const struct suspect *fed;
    size_t fed_len, fed_at;
};

static const struct relation *relation_of(const struct job *job, const struct job_source *source)
{
    return &job->plan->relations[source->plan->relation];
}

static bool prepare_conditions(struct job *job, size_t index, struct error *err)
{
    const struct relation *relation = relation_of(job, &job->sources[index]);
    struct suspects *suspects = &job->batch_views->of_source[index];
    AUTO(buf_clear) struct buf sql = {0};
    for (size_t c = 0; c < relation->later_len; c++)
        if (relation->later[c].condition.predicate == NULL)
            buf_print(&sql, "%s(%.*s) IS TRUE", suspects->asked++ > 0 ? ", " : "SELECT ",
                      STR_ARGS(relation->later[c].condition.sql));
    if (suspects->asked == 0)
        return true;
    buf_print(&sql, " FROM _table%zu() AS ", index);
    buf_add_sql_name(&sql, relation->name);
    suspects->statement = statement_prepare(job->connection, buf_cstr(&sql), err);
    return suspects->statement != NULL;
}

bool batch_views_open(struct job *job, struct error *err)
{
    static const struct column numbers[] = {{{"_sequence", 9}, NULL}, {{"_number", 7}, NULL}};
    struct batch_views *views = job->batch_views = heap_new(sizeof(*views));
    views->sources_len = job->plan->sources_len;
    views->of_source = heap_array(views->sources_len + 1, sizeof(*views->of_source));
    views->violations = ARENA_ARRAY(&views->arena, int64_t *, job->plan->view_sql_len);
    for (size_t v = 0; v < job->plan->view_sql_len; v++)
        views->violations[v] = ARENA_ARRAY(&views->arena, int64_t, CONSTRAINTS_MAX);
    struct column *columns = ARENA_ARRAY(&views->arena, struct column, 2);
    const struct type *types[2];
    for (size_t i = 0; i < 2; i++) {
        types[i] = type_simple(TYPE_BIGINT);
        columns[i] = (struct column){numbers[i].name, types[i]};
    }
    views->chunk = chunk_new(types, 2);
    views->scan = scan_new(job->connection, "_suspects", columns, 2, false, err);
    bool ok = views->scan != NULL;
    for (size_t s = 0; ok && s < views->sources_len; s++)
        ok = prepare_conditions(job, s, err);
    return ok;
}

void batch_views_close(struct job *job)
{
    struct batch_views *views = job->batch_views;
    if (views == NULL)
        return;
    for (size_t s = 0; s < views->sources_len; s++) {
        heap_free(views->of_source[s].list);
        statement_free(views->of_source[s].statement);
    }
    heap_free(views->of_source);
    scan_free(views->scan);
    chunk_free(views->chunk);
    arena_clear(&views->arena);
    arena_clear(&views->batch_arena);
    heap_free(views);
    job->batch_views = NULL;
}

// ---- While reading ------------------------------------------------------------------------------

// One truth a row and asked constraint, in row order.
static bool ask_duckdb(struct job *job, struct job_source *source, const struct rows *rows,
                       uint8_t **truths, struct error *err)
{
    struct batch_views *views = job->batch_views;
    struct suspects *suspects = &views->of_source[source->index];
    size_t total = rows_count(rows), at = 0;
    for (size_t c = 0; c < suspects->asked; c++)
        truths[c] = arena_new(&views->batch_arena, total + 1);
    scan_set_rows(job->table_scans[source->index], rows);
    if (!statement_execute(suspects->statement, err))
        return false;
    struct chunk *chunk;
    while ((chunk = statement_next(suspects->statement)) != NULL) {
        for (size_t c = 0; c < suspects->asked; c++)
            for (size_t i = 0; i < chunk->rows; i++)
                truths[c][at + i] = !vector_is_null(&chunk->columns[c], i) &&
                                    ((const uint8_t *)chunk->columns[c].data)[i] != 0;
        at += chunk->rows;
    }
    statement_finish(suspects->statement);
    ASSERT(at == total);
    return true;
}

static void suspect_add(struct job *job, const struct job_source *source, int64_t sequence,
                        uint64_t fails)
{
    struct batch_views *views = job->batch_views;
    struct suspects *suspects = &views->of_source[source->index];
    if (suspects->len == suspects->capacity) {
        suspects->capacity = suspects->capacity > 0 ? suspects->capacity * 2 : 64;
        suspects->list = heap_resize(suspects->list, suspects->capacity * sizeof(*suspects->list));
    }
    struct suspect suspect = {.sequence = sequence, .fails = fails, .offset = -1};
    const struct batch *batch = source->batch;
    size_t row = (size_t)(sequence - job->sequence);
    if (batch != NULL && batch->chunks_len == 0 && row < batch->rows) {
        const struct payload *payload = &batch->payloads[row];
        suspect.raw = arena_str(&views->arena, (struct str){payload->ptr, payload->len});
        suspect.partition = arena_str(&views->arena, source->partitions[payload->partition].name);
        suspect.offset = batch->offsets[row];
    }
    suspects->list[suspects->len++] = suspect;
}

static void judge_part(struct job *job, struct job_source *source, const struct rows_part *part,
                       uint8_t *const *truths, size_t at)
{
    const struct relation *relation = relation_of(job, source);
    uint64_t fails[ROWS_PER_VECTOR];
    size_t hits = 0, asked = 0, count = part->count;
    memset(fails, 0, count * sizeof(*fails));
    for (size_t c = 0; c < relation->later_len; c++) {
        const struct condition *condition = &relation->later[c].condition;
        uint64_t bit = UINT64_C(1) << c;
        if (condition->predicate != NULL) {
            hits += judge_violations(condition->predicate, part, bit, fails,
                                     &job->batch_views->batch_arena);
            continue;
        }
        const uint8_t *truth = truths[asked++] + at;
        for (size_t i = 0; i < count; i++) {
            fails[i] |= truth[i] ? 0 : bit;
            hits += !truth[i];
        }
    }
    for (size_t i = 0; hits > 0 && i < count; i++)
        if (fails[i] != 0)
            suspect_add(job, source, rows_part_sequence(part, rows_part_row(part, i)), fails[i]);
}

bool batch_views_judge(struct job *job, struct job_source *source, const struct rows *rows,
                       struct error *err)
{
    uint8_t *truths[CONSTRAINTS_MAX];
    size_t at = 0;
    if (relation_of(job, source)->later_len == 0)
        return true;
    bool ok = job->batch_views->of_source[source->index].asked == 0 ||
              ask_duckdb(job, source, rows, truths, err);
    for (size_t p = 0; ok && p < rows->parts_len; p++) {
        judge_part(job, source, &rows->parts[p], truths, at);
        at += rows->parts[p].count;
    }
    arena_reset(&job->batch_views->batch_arena);
    return ok;
}

// ---- Making a view ------------------------------------------------------------------------------

static bool count_rows(struct job *job, const char *sql, int64_t *rows, struct error *err)
{
    AUTO(buf_clear) struct buf text = {0};
    bool is_null = false;
    return connection_query_text(job->connection, sql, &text, &is_null, err) &&
           str_parse_int64(buf_str(&text), rows);
}

static bool find_duplicates(struct job *job, const struct counted_view *view, size_t index,
                            struct error *err)
{
    AUTO(buf_clear) struct buf sql = {0};
    AUTO(buf_clear) struct buf input = {0};
    buf_add_sql_name(&input, view->input);
    buf_print(&sql,
              "CREATE TABLE _duplicates%zu AS SELECT _sequence FROM %s WHERE hash(%.*s) IN "
              "(SELECT h FROM (SELECT hash(%.*s) AS h FROM %s) GROUP BY h HAVING count(*) > 1) "
              "QUALIFY row_number() OVER (PARTITION BY %.*s ORDER BY _sequence%s) > 1",
              index, buf_cstr(&input), STR_ARGS(view->keys), STR_ARGS(view->keys), buf_cstr(&input),
              STR_ARGS(view->keys), view->keep_last ? " DESC" : "");
    return connection_execute(job->connection, buf_cstr(&sql), err);
}

static bool next_numbers(void *context, struct chunk **out, struct error *err UNUSED)
{
    struct batch_views *views = context;
    chunk_reset(views->chunk);
    while (views->fed_at < views->fed_len && views->chunk->rows < ROWS_PER_VECTOR) {
        ((int64_t *)views->chunk->columns[0].data)[views->chunk->rows] =
            views->fed[views->fed_at].sequence;
        ((int64_t *)views->chunk->columns[1].data)[views->chunk->rows++] = (int64_t)views->fed_at++;
    }
    *out = views->chunk->rows > 0 ? views->chunk : NULL;
    return true;
}

// What a suspect that reached the view means for it. *is_refused: it leaves.
static bool suspect_judge(struct job *job, size_t index, const struct suspect *suspect, int entry,
                          bool *is_refused, struct error *err)
{
    const struct counted_view *view = &job->plan->counted[index];
    int relation_index = plan_find_relation(job->plan, view->source);
    const struct constraint *constraints =
        job->plan->relations[relation_index].later + view->later_from;
    struct str reasons[CONSTRAINTS_MAX];
    size_t reasons_len = 0, first = SIZE_MAX;
    enum violation strongest = VIOLATION_WARN;
    for (size_t c = 0; c < view->later_len; c++) {
        if ((suspect->fails >> (view->later_from + c) & 1) == 0)
            continue;
        job->batch_views->violations[index][c]++;
        reasons[reasons_len++] = constraints[c].name;
        if (constraints[c].violation == VIOLATION_WARN) {
            ledger_count(job->ledger, entry, LEDGER_WARNED, 1);
            continue;
        }
        first = first == SIZE_MAX ? c : first;
        if (constraints[c].violation > strongest)
            strongest = constraints[c].violation;
        if (constraints[c].violation == VIOLATION_FAIL)
            return error_set_exit(err, ERROR_DATA, EXIT_QUALITY,
                                  "%.*s: constraint %.*s is violated by the row at %.*s %lld",
                                  STR_ARGS(view->name), STR_ARGS(constraints[c].name),
                                  STR_ARGS(suspect->partition), (long long)suspect->offset);
    }
    *is_refused = first != SIZE_MAX;
    if (*is_refused)
        ledger_count_rejected(job->ledger, entry, first, 1);
    if (*is_refused && strongest == VIOLATION_QUARANTINE)
        quarantine_add(job->quarantine, suspect->raw, view->source, suspect->partition,
                       suspect->offset, job->now_us, reasons, reasons_len);
    return true;
}

// Suspects among the view's rows, judged; those that leave go into table _refused<index>.
static bool refuse_suspects(struct job *job, const struct counted_view *view, size_t index,
                            int entry, struct error *err)
{
    struct batch_views *views = job->batch_views;
    size_t source = 0;
    while (!str_equal(job->plan->sources[source].name, view->source))
        source++;
    const struct suspects *suspects = &views->of_source[source];
    views->fed = suspects->list;
    views->fed_len = suspects->len;
    views->fed_at = 0;
    scan_set_callback(views->scan, next_numbers, views);
    AUTO(buf_clear) struct buf sql = {0};
    buf_print(&sql,
              "CREATE TABLE _refused%zu AS SELECT _sequence, _number FROM _suspects() SEMI "
              "JOIN ",
              index);
    buf_add_sql_name(&sql, view->input);
    buf_add_cstr(&sql, " USING (_sequence)");
    if (view->keys.len > 0)
        buf_print(&sql, " ANTI JOIN _duplicates%zu USING (_sequence)", index);
    if (!connection_execute(job->connection, buf_cstr(&sql), err))
        return false;
    buf_reset(&sql);
    buf_print(&sql, "SELECT _number FROM _refused%zu ORDER BY _sequence", index);
    struct statement *statement = statement_prepare(job->connection, buf_cstr(&sql), err);
    bool ok = statement != NULL && statement_execute(statement, err);
    struct chunk *chunk;
    buf_reset(&sql);
    while (ok && (chunk = statement_next(statement)) != NULL) {
        for (size_t i = 0; ok && i < chunk->rows; i++) {
            int64_t number = ((const int64_t *)chunk->columns[0].data)[i];
            bool is_refused = false;
            ok = suspect_judge(job, index, &suspects->list[number], entry, &is_refused, err);
            if (ok && !is_refused)
                buf_print(&sql, "%s%lld", sql.len > 0 ? ", " : "", (long long)number);
        }
    }
    statement_free(statement);
    if (!ok || sql.len == 0)
        return ok;
    AUTO(buf_clear) struct buf stay = {0}; // only warned: they stay
    buf_print(&stay, "DELETE FROM _refused%zu WHERE _number IN (%s)", index, buf_cstr(&sql));
    return connection_execute(job->connection, buf_cstr(&stay), err);
}

static bool count_view(struct job *job, const struct counted_view *view, size_t index, int entry,
                       struct error *err)
{
    AUTO(buf_clear) struct buf sql = {0};
    int64_t rows_in = 0, passed = 0, duplicates = 0;
    char name[80];
    snprintf(name, sizeof(name), "SELECT count(*) FROM _duplicates%zu", index);
    buf_add_cstr(&sql, "SELECT count(*) FROM ");
    buf_add_sql_name(&sql, view->input);
    if (!count_rows(job, buf_cstr(&sql), &rows_in, err) ||
        (view->keys.len > 0 && !count_rows(job, name, &duplicates, err)))
        return false;
    buf_reset(&sql);
    buf_add_cstr(&sql, "SELECT count(*) FROM ");
    buf_add_sql_name(&sql, view->name);
    if (!count_rows(job, buf_cstr(&sql), &passed, err))
        return false;
    ledger_count(job->ledger, entry, LEDGER_ROWS_IN, rows_in);
    ledger_count(job->ledger, entry, LEDGER_DUPLICATE, duplicates);
    ledger_count(job->ledger, entry, LEDGER_PASSED, passed);
    ledger_count(job->ledger, entry, LEDGER_ROWS_OUT, passed);
    return true;
}

bool batch_view_make(struct job *job, size_t index, struct error *err)
{
    const struct counted_view *view = &job->plan->counted[index];
    int entry = ledger_find(job->ledger, view->name);
    if (view->keys.len > 0 && !find_duplicates(job, view, index, err))
        return error_wrap(err, "view %.*s", STR_ARGS(view->name));
    if (view->later_len > 0 && !refuse_suspects(job, view, index, entry, err))
        return error_wrap(err, "view %.*s", STR_ARGS(view->name));
    AUTO(buf_clear) struct buf sql = {0};
    buf_add_cstr(&sql, "CREATE VIEW ");
    buf_add_sql_name(&sql, view->name);
    buf_add_cstr(&sql, " AS SELECT * FROM ");
    buf_add_sql_name(&sql, view->input);
    if (view->keys.len > 0)
        buf_print(&sql, " ANTI JOIN _duplicates%zu USING (_sequence)", index);
    if (view->later_len > 0)
        buf_print(&sql, " ANTI JOIN _refused%zu USING (_sequence)", index);
    return connection_execute(job->connection, buf_cstr(&sql), err) &&
           count_view(job, view, index, entry, err);
}

int64_t batch_view_violations(const struct job *job, size_t index, size_t constraint)
{
    return job->batch_views->violations[index][constraint];
}
