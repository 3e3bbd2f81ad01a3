// SPDX-License-Identifier: MIT
// Table mode: read everything, then let DuckDB answer. Each source becomes a table of its name with
// a hidden last column `_sequence` (the row's number in the job), which DEDUP needs; views and
// sinks are the user's SQL. Views whose rows are counted and judged one by one: batch_views.c.
#include "engine/batch_views.h"
#include "engine/job_state.h"
#include <stdio.h>
#include <unistd.h>

bool batch_tables_open(struct job *job, struct error *err)
{
    const struct plan *plan = job->plan;
    job->table_scans = ARENA_ARRAY(&job->arena, struct scan *, plan->sources_len);
    job->table_inserts = ARENA_ARRAY(&job->arena, struct statement *, plan->sources_len);
    AUTO(buf_clear) struct buf sql = {0};
    for (size_t s = 0; s < plan->sources_len; s++) {
        const struct relation *relation = &plan->relations[plan->sources[s].relation];
        buf_reset(&sql);
        buf_add_cstr(&sql, "CREATE TABLE ");
        buf_add_sql_name(&sql, relation->name);
        buf_add_cstr(&sql, " (");
        for (size_t c = 0; c < relation->columns_len; c++) {
            buf_add_sql_name(&sql, relation->columns[c].name);
            buf_print(&sql, " %s, ", relation->columns[c].type->sql);
        }
        buf_add_cstr(&sql, "_sequence BIGINT)");
        if (!connection_execute(job->connection, buf_cstr(&sql), err))
            return false;
        char name[64];
        snprintf(name, sizeof(name), "_table%zu", s);
        job->table_scans[s] =
            scan_new(job->connection, name, relation->columns, relation->columns_len, true, err);
        if (job->table_scans[s] == NULL)
            return false;
        buf_reset(&sql);
        buf_add_cstr(&sql, "INSERT INTO ");
        buf_add_sql_name(&sql, relation->name);
        buf_print(&sql, " SELECT * FROM %s()", name);
        job->table_inserts[s] = statement_prepare(job->connection, buf_cstr(&sql), err);
        if (job->table_inserts[s] == NULL)
            return false;
    }
    return batch_views_open(job, err);
}

void batch_tables_close(struct job *job)
{
    for (size_t s = 0; job->table_scans != NULL && s < job->plan->sources_len; s++) {
        scan_free(job->table_scans[s]);
        statement_free(job->table_inserts[s]);
    }
    batch_views_close(job);
}

bool batch_tables_take(struct job *job, struct job_source *source, struct error *err)
{
    size_t relation = (size_t)source->plan->relation;
    for (size_t l = 0; l < job->lanes_len; l++) {
        const struct rows *rows = &job->lanes[l].relations[relation].rows;
        if (rows_count(rows) == 0)
            continue;
        if (!batch_views_judge(job, source, rows, err))
            return error_wrap(err, "source %.*s", STR_ARGS(source->plan->name));
        scan_set_rows(job->table_scans[source->index], rows);
        if (!statement_execute(job->table_inserts[source->index], err))
            return error_wrap(err, "source %.*s", STR_ARGS(source->plan->name));
        statement_finish(job->table_inserts[source->index]);
    }
    return true;
}

static bool make_views(struct job *job, struct error *err)
{
    char sql[64];
    snprintf(sql, sizeof(sql), "SET threads = %ld", sysconf(_SC_NPROCESSORS_ONLN));
    if (!connection_execute(job->connection, sql, err))
        return false;
    for (size_t v = 0; v < job->plan->view_sql_len; v++) {
        bool is_counted = job->plan->counted[v].name.len > 0;
        if (is_counted ? !batch_view_make(job, v, err)
                       : !connection_execute(job->connection,
                                             arena_cstr(&job->arena, job->plan->view_sql[v]), err))
            return false;
    }
    return true;
}

// What the sources have read, by name: a query may ask for inputs that gave no row (files sink,
// option replaces).
static bool make_partitions(struct job *job, struct error *err)
{
    AUTO(buf_clear) struct buf sql = {0};
    buf_add_cstr(&sql, "CREATE TABLE _partitions (source VARCHAR, partition VARCHAR);");
    for (size_t s = 0; s < job->plan->sources_len; s++) {
        const struct job_source *source = &job->sources[s];
        for (size_t p = 0; p < source->partitions_len; p++) {
            buf_add_cstr(&sql, p == 0 ? "INSERT INTO _partitions VALUES (" : ", (");
            buf_add_sql_string(&sql, source->plan->name);
            buf_add_cstr(&sql, ", ");
            buf_add_sql_string(&sql, source->partitions[p].name);
            buf_add_cstr(&sql, p + 1 == source->partitions_len ? ");" : ")");
        }
    }
    return connection_execute(job->connection, buf_cstr(&sql), err);
}

static bool fill_sink(struct job *job, size_t index, struct error *err)
{
    const struct plan_sink *sink = &job->plan->sinks[index];
    struct str sql = job->plan->batch_sink_sql[index];
    if (sql.len == 0 || !sink->is_enabled)
        return true;
    struct statement *statement =
        statement_prepare(job->connection, arena_cstr(&job->arena, sql), err);
    bool ok = statement != NULL && statement_execute(statement, err);
    struct chunk *chunk;
    while (ok && (chunk = statement_next(statement)) != NULL) {
        struct rows_part part = {.chunk = chunk, .count = chunk->rows};
        struct rows rows = {.parts = &part, .parts_len = 1};
        struct segment_list list = {0};
        segment_list_add(&list, segment_new(&rows, sink->columns, sink->columns_len));
        outbox_add(job->outbox, index, &list);
        heap_free(list.list);
        ok = batch_commit_if_large(job, err);
    }
    statement_free(statement);
    return ok || error_wrap(err, "sink %.*s", STR_ARGS(sink->name));
}

bool batch_tables_finish(struct job *job, struct error *err)
{
    bool ok = make_partitions(job, err) && make_views(job, err);
    for (size_t s = 0; ok && s < job->plan->sinks_len; s++)
        ok = fill_sink(job, s, err);
    return ok;
}
