// SPDX-License-Identifier: MIT
// Making lanes and driving them. Each lane has a schema of its own in the one DuckDB instance: in
// it the user's relation names are views over this lane's table functions, so the plan's SQL texts
// need no rewriting per lane.
#include "engine/job_state.h"
#include <stdio.h>

#define SHARED_GROUPS_MIN                                                                          \
    4096 // from so many groups on, lanes share them out instead of each holding all

// ---- SQL of a lane
// -------------------------------------------------------------------------------
static bool reads_by_sql(const struct relation *consumer)
{
    return consumer->project_sql.len > 0 || consumer->group_inputs_sql.len > 0 ||
           (consumer->has_filter && consumer->filter.predicate == NULL);
}

static bool needs_scan(const struct job *job, size_t index)
{
    const struct plan *plan = job->plan;
    const struct relation *relation = &plan->relations[index];
    for (size_t c = 0; c < relation->constraints_len; c++)
        if (relation->constraints[c].condition.predicate == NULL)
            return true;
    if (relation->kind == RELATION_SOURCE && plan->sources[relation->source].has_computed)
        return true;
    for (size_t r = 0; r < plan->relations_len; r++)
        for (size_t i = 0; i < COUNT_OF(plan->relations[r].inputs); i++)
            if (plan->relations[r].inputs[i] == (int)index && reads_by_sql(&plan->relations[r]))
                return true;
    return false;
}

static bool open_scan(struct lane *lane, size_t index, struct error *err)
{
    const struct relation *relation = &lane->job->plan->relations[index];
    char name[64];
    snprintf(name, sizeof(name), "_lane%zu_relation%zu", lane->index, index);
    lane->relations[index].scan =
        scan_new(lane->connection, name, relation->columns, relation->columns_len, true, err);
    if (lane->relations[index].scan == NULL)
        return false;
    AUTO(buf_clear) struct buf sql = {0};
    buf_print(&sql, "CREATE VIEW _lane%zu.", lane->index);
    buf_add_sql_name(&sql, relation->name);
    buf_print(&sql, " AS SELECT * FROM %s()", name);
    return connection_execute(lane->connection, buf_cstr(&sql), err);
}

static struct statement *prepare(struct lane *lane, size_t index, struct buf *sql,
                                 struct error *err)
{
    struct statement *statement = statement_prepare(lane->connection, buf_cstr(sql), err);
    if (statement == NULL)
        error_wrap(err, "%.*s", STR_ARGS(lane->job->plan->relations[index].name));
    return statement;
}

static bool prepare_constraints(struct lane *lane, size_t index, struct error *err)
{
    const struct relation *relation = &lane->job->plan->relations[index];
    AUTO(buf_clear) struct buf sql = {0};
    buf_add_cstr(&sql, "SELECT ");
    size_t asked = 0;
    for (size_t c = 0; c < relation->constraints_len; c++)
        if (relation->constraints[c].condition.predicate == NULL)
            buf_print(&sql, "%s(%.*s) IS TRUE", asked++ > 0 ? ", " : "",
                      STR_ARGS(relation->constraints[c].condition.sql));
    if (asked == 0)
        return true;
    buf_add_cstr(&sql, " FROM ");
    buf_add_sql_name(&sql, relation->name);
    lane->relations[index].constraints = prepare(lane, index, &sql, err);
    return lane->relations[index].constraints != NULL;
}

static bool prepare_computed(struct lane *lane, size_t index, struct error *err)
{
    const struct relation *relation = &lane->job->plan->relations[index];
    if (relation->kind != RELATION_SOURCE ||
        !lane->job->plan->sources[relation->source].has_computed)
        return true;
    const struct plan_source *source = &lane->job->plan->sources[relation->source];
    AUTO(buf_clear) struct buf sql = {0};
    size_t len = 0;
    buf_add_cstr(&sql, "SELECT ");
    for (size_t c = 0; c < source->columns_len; c++)
        if (source->columns[c].computed.len > 0)
            buf_print(&sql, "%sCAST((%.*s) AS %s)", len++ > 0 ? ", " : "",
                      STR_ARGS(source->columns[c].computed), source->columns[c].type->sql);
    buf_add_cstr(&sql, " FROM ");
    buf_add_sql_name(&sql, relation->name);
    lane->relations[index].computed = prepare(lane, index, &sql, err);
    return lane->relations[index].computed != NULL;
}

static bool prepare_relation(struct lane *lane, size_t index, struct error *err)
{
    const struct relation *relation = &lane->job->plan->relations[index];
    struct lane_relation *own = &lane->relations[index];
    AUTO(buf_clear) struct buf sql = {0};
    if (!prepare_constraints(lane, index, err) || !prepare_computed(lane, index, err))
        return false;
    if (relation->has_filter && relation->filter.predicate == NULL) {
        buf_print(&sql, "SELECT (%.*s) IS TRUE FROM ", STR_ARGS(relation->filter.sql));
        buf_add_sql_name(&sql, lane->job->plan->relations[relation->inputs[0]].name);
        own->filter = prepare(lane, index, &sql, err);
        if (own->filter == NULL)
            return false;
    }
    struct str text =
        relation->kind == RELATION_GROUPS ? relation->group_inputs_sql : relation->project_sql;
    if (text.len == 0)
        return true;
    buf_reset(&sql);
    buf_add_str(&sql, text);
    own->project = prepare(lane, index, &sql, err);
    return own->project != NULL;
}

// ---- Decoders
// ------------------------------------------------------------------------------------
static bool open_decoders(struct lane *lane, struct error *err)
{
    struct job *job = lane->job;
    size_t len = job->plan->sources_len;
    lane->decoders = heap_array(len + 1, sizeof(*lane->decoders));
    lane->chunks = heap_array(len + 1, sizeof(*lane->chunks));
    lane->chunks_len = heap_array(len + 1, sizeof(*lane->chunks_len));
    for (size_t s = 0; s < len; s++) {
        struct job_source *source = &job->sources[s];
        if (source->format == NULL || lane == &job->closer)
            continue;
        lane->decoders[s] =
            source->format->open(source->fields, source->fields_len, source->plan->coerce_spark,
                                 source->format_options, err);
        if (lane->decoders[s] == NULL)
            return error_wrap(err, "source %.*s", STR_ARGS(source->plan->name));
    }
    return true;
}

bool lane_open(struct lane *lane, struct job *job, size_t index, struct error *err)
{
    size_t len = job->plan->relations_len;
    *lane = (struct lane){.job = job, .index = index};
    lane->relations = heap_array(len + 1, sizeof(*lane->relations));
    lane->counts = heap_array(len + 1, sizeof(*lane->counts));
    lane->sink_rows = heap_array(job->plan->sinks_len + 1, sizeof(*lane->sink_rows));
    lane->quarantine = quarantine_new();
    lane->connection = connection_open(job->database, err);
    if (lane->connection == NULL)
        return false;
    char sql[128];
    snprintf(sql, sizeof(sql), "CREATE SCHEMA _lane%zu; SET search_path = '_lane%zu,main'", index,
             index);
    if (!connection_execute(lane->connection, sql, err) || !open_decoders(lane, err))
        return false;
    for (size_t r = 0; r < len; r++)
        if (needs_scan(job, r) && !open_scan(lane, r, err))
            return false;
    for (size_t r = 0; r < len; r++) {
        bool is_closed_step = job->plan->relations[r].is_closed;
        if (job->plan->relations[r].kind == RELATION_GROUPS)
            is_closed_step = false;
        if (is_closed_step == (lane == &job->closer) && !prepare_relation(lane, r, err))
            return false;
    }
    return true;
}

static void lane_relation_close(struct lane_relation *relation)
{
    for (size_t i = 0; i < relation->taken_len; i++)
        chunk_free(relation->taken[i]);
    chunk_free(relation->result_chunk);
    heap_free(relation->taken);
    heap_free(relation->group_parts);
    statement_free(relation->computed);
    statement_free(relation->filter);
    statement_free(relation->project);
    statement_free(relation->constraints);
    rows_free(&relation->rows);
    scan_free(relation->scan);
}

void lane_close(struct lane *lane)
{
    if (lane->job == NULL)
        return;
    const struct plan *plan = lane->job->plan;
    for (size_t r = 0; r < plan->relations_len; r++)
        lane_relation_close(&lane->relations[r]);
    for (size_t s = 0; lane->decoders != NULL && s < plan->sources_len; s++) {
        if (lane->decoders[s] != NULL)
            lane->job->sources[s].format->close(lane->decoders[s]);
        for (size_t i = 0; i < lane->chunks_len[s]; i++)
            chunk_free(lane->chunks[s][i]);
        heap_free(lane->chunks[s]);
    }
    for (size_t s = 0; s < plan->sinks_len; s++)
        segment_list_clear(&lane->sink_rows[s]);
    for (size_t i = 0; i < lane->kept_len; i++)
        segment_free(lane->kept[i].segment);
    heap_free(lane->kept);
    heap_free(lane->relations);
    heap_free(lane->counts);
    heap_free(lane->sink_rows);
    heap_free(lane->decoders);
    heap_free(lane->chunks);
    heap_free(lane->chunks_len);
    watermark_tally_clear(&lane->tally);
    heap_free(lane->partition_numbers);
    quarantine_free(lane->quarantine);
    connection_close(lane->connection);
    arena_clear(&lane->arena);
    lane->job = NULL;
}

// ---- Threads
// -------------------------------------------------------------------------------------
static void *lane_main(void *argument)
{
    struct lane *lane = argument;
    struct job *job = lane->job;
    uint64_t seen = 0;
    for (;;) {
        pthread_mutex_lock(&job->lane_mutex);
        while (job->lane_round == seen && !job->lanes_stop)
            pthread_cond_wait(&job->lane_go, &job->lane_mutex);
        seen = job->lane_round;
        bool stop = job->lanes_stop;
        pthread_mutex_unlock(&job->lane_mutex);
        if (stop)
            return NULL;
        lane->failed = !job->lane_work(lane, job->trigger_source, &lane->error);
        pthread_mutex_lock(&job->lane_mutex);
        if (++job->lanes_done == job->lanes_len)
            pthread_cond_signal(&job->lane_done);
        pthread_mutex_unlock(&job->lane_mutex);
    }
}

bool lanes_start(struct job *job, struct error *err)
{
    pthread_mutex_init(&job->lane_mutex, NULL);
    pthread_cond_init(&job->lane_go, NULL);
    pthread_cond_init(&job->lane_done, NULL);
    barrier_init(&job->settle, job->lanes_len);
    job->lanes = heap_array(job->lanes_len, sizeof(*job->lanes));
    for (size_t l = 0; l < job->lanes_len; l++)
        if (!lane_open(&job->lanes[l], job, l, err))
            return false;
    if (!lane_open(&job->closer, job, job->lanes_len, err))
        return false;
    if (job->lanes_len == 1)
        return true; // a single lane runs on the job thread
    for (size_t l = 0; l < job->lanes_len; l++) {
        int failed = pthread_create(&job->lanes[l].thread, NULL, lane_main, &job->lanes[l]);
        ASSERT(failed == 0);
        pthread_setname_np(job->lanes[l].thread, "lane");
    }
    job->lanes_started = true;
    return true;
}

void lanes_stop(struct job *job)
{
    if (job->lanes_started) {
        pthread_mutex_lock(&job->lane_mutex);
        job->lanes_stop = true;
        pthread_cond_broadcast(&job->lane_go);
        pthread_mutex_unlock(&job->lane_mutex);
        for (size_t l = 0; l < job->lanes_len; l++)
            pthread_join(job->lanes[l].thread, NULL);
        job->lanes_started = false;
    }
    for (size_t l = 0; job->lanes != NULL && l < job->lanes_len; l++)
        lane_close(&job->lanes[l]);
    lane_close(&job->closer);
    heap_free(job->lanes);
    job->lanes = NULL;
}

// Contiguous ranges: order inside a range is kept, and lane l's rows all come before lane l+1's.
static void deal_out(struct job *job, struct job_source *source)
{
    size_t rows = source->batch->rows, at = 0;
    for (size_t l = 0; l < job->lanes_len; l++) {
        struct lane *lane = &job->lanes[l];
        size_t share = (rows - at) / (job->lanes_len - l);
        if (rows < 2 * ROWS_PER_VECTOR) // too few to be worth two lanes
            share = l == 0 ? rows : 0;
        lane->row_from = at;
        lane->row_to = at += share;
    }
}

static void choose_shares(struct job *job)
{
    for (size_t r = 0; r < job->plan->relations_len; r++) {
        struct job_relation *state = &job->relations[r];
        int64_t groups = 0;
        for (size_t l = 0; l < state->folds_len; l++)
            groups += fold_groups(state->folds[l]);
        state->is_shared = job->lanes_len > 1 && groups > SHARED_GROUPS_MIN;
    }
}

bool lanes_do(struct job *job, bool (*work)(struct lane *, struct job_source *, struct error *),
              struct job_source *source, struct error *err)
{
    job->lane_work = work;
    job->trigger_source = source;
    if (!job->lanes_started) {
        struct lane *lane = &job->lanes[0];
        lane->failed = !work(lane, source, &lane->error);
    } else {
        pthread_mutex_lock(&job->lane_mutex);
        job->lanes_done = 0;
        job->lane_round++;
        pthread_cond_broadcast(&job->lane_go);
        while (job->lanes_done < job->lanes_len)
            pthread_cond_wait(&job->lane_done, &job->lane_mutex);
        pthread_mutex_unlock(&job->lane_mutex);
    }
    for (size_t l = 0; l < job->lanes_len; l++) {
        if (!job->lanes[l].failed)
            continue;
        *err = job->lanes[l].error;
        return false;
    }
    return true;
}

bool lanes_run(struct job *job, struct job_source *source, struct error *err)
{
    deal_out(job, source);
    choose_shares(job);
    return lanes_do(job, lane_run, source, err);
}
