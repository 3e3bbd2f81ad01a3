// SPDX-License-Identifier: MIT
// What happens to rows of closed windows: sinks get them, further views transform them, joins wait
// for the other side, OVER sees them beside its history. All of it runs on the job thread, on the
// closer (a lane that decodes nothing), window by window in order of their ends.
#include "engine/job_state.h"
#include <stdio.h>

// ---- The closer's memory: until closer_end
// --------------------------------------------------------
struct chunk *closer_chunk(struct job *job, size_t index)
{
    const struct relation *relation = &job->plan->relations[index];
    const struct type *types[512];
    ASSERT(relation->group_columns_len <= COUNT_OF(types));
    for (size_t c = 0; c < relation->group_columns_len; c++)
        types[c] = relation->group_columns[c].type;
    return chunk_new(types, relation->group_columns_len);
}

void closer_keep_pane(struct job *job, struct pane *pane)
{
    if (job->closer_panes_len == job->closer_panes_capacity) {
        job->closer_panes_capacity =
            job->closer_panes_capacity > 0 ? job->closer_panes_capacity * 2 : 8;
        job->closer_panes =
            heap_resize(job->closer_panes, job->closer_panes_capacity * sizeof(*job->closer_panes));
    }
    job->closer_panes[job->closer_panes_len++] = pane;
}

void closer_end(struct job *job)
{
    lane_end_trigger(&job->closer);
    for (size_t i = 0; i < job->closer_panes_len; i++)
        pane_free(job->closer_panes[i]);
    job->closer_panes_len = 0;
    arena_reset(&job->window_arena);
}

// ---- Opening
// -------------------------------------------------------------------------------------
static bool open_input(struct job *job, size_t index, size_t side, struct error *err)
{
    const struct relation *relation = &job->plan->relations[index];
    const struct relation *input = &job->plan->relations[relation->inputs[side]];
    struct job_relation *state = &job->relations[index];
    bool is_over = relation->kind == RELATION_OVER;
    size_t len = input->columns_len;
    struct column *columns = ARENA_ARRAY(&job->arena, struct column, len + 1);
    memcpy(columns, input->columns, len * sizeof(*columns));
    columns[len] = (struct column){STR("_new"), type_simple(TYPE_BOOLEAN)};
    char name[64];
    snprintf(name, sizeof(name), "_closed%zu_%zu", index, side);
    state->closed_scan[side] =
        scan_new(state->connection, name, columns, len + (is_over ? 1 : 0), false, err);
    if (state->closed_scan[side] == NULL)
        return false;
    AUTO(buf_clear) struct buf sql = {0};
    buf_print(&sql, "CREATE VIEW _closed%zu.", index);
    buf_add_sql_name(&sql, input->name);
    buf_print(&sql, " AS SELECT * FROM %s()", name);
    return connection_execute(state->connection, buf_cstr(&sql), err);
}

// The rows that later frames may reach back to: the newest n of each partition key.
static bool open_history(struct job *job, size_t index, struct error *err)
{
    const struct relation *relation = &job->plan->relations[index];
    const struct relation *input = &job->plan->relations[relation->inputs[0]];
    struct job_relation *state = &job->relations[index];
    AUTO(buf_clear) struct buf sql = {0};
    struct str time = input->columns[input->window_start_column].name;
    // The scan gives its rows once: everything comes from one pass with OVER.
    buf_add_cstr(&sql, "SELECT * EXCLUDE (_new) FROM ");
    buf_add_sql_name(&sql, input->name);
    buf_add_cstr(&sql, " QUALIFY row_number() OVER (");
    for (size_t p = 0; p < relation->over_partition_len; p++) {
        buf_add_cstr(&sql, p == 0 ? "PARTITION BY " : ", ");
        buf_add_sql_name(&sql, input->columns[relation->over_partition[p]].name);
    }
    buf_add_cstr(&sql, " ORDER BY ");
    buf_add_sql_name(&sql, time);
    buf_print(&sql, " DESC) <= %lld AND ", (long long)relation->over_preceding);
    buf_add_sql_name(&sql, time);
    buf_add_cstr(&sql, " > max(");
    buf_add_sql_name(&sql, time);
    buf_print(&sql, ") OVER () - to_microseconds(%lld) ORDER BY ",
              (long long)job->plan->settings.over_retention_us);
    buf_add_sql_name(&sql, time);
    state->history_statement = statement_prepare(state->connection, buf_cstr(&sql), err);
    return state->history_statement != NULL;
}

static bool open_relation(struct job *job, size_t index, struct error *err)
{
    const struct relation *relation = &job->plan->relations[index];
    struct job_relation *state = &job->relations[index];
    state->connection = connection_open(job->database, err);
    if (state->connection == NULL)
        return false;
    char sql[128];
    snprintf(sql, sizeof(sql), "CREATE SCHEMA _closed%zu; SET search_path = '_closed%zu,main'",
             index, index);
    if (!connection_execute(state->connection, sql, err) || !open_input(job, index, 0, err) ||
        (relation->kind == RELATION_JOIN && !open_input(job, index, 1, err)))
        return false;
    if (relation->kind == RELATION_OVER && !open_history(job, index, err))
        return false;
    state->closed_statement =
        statement_prepare(state->connection, arena_cstr(&job->arena, relation->closed_sql), err);
    return state->closed_statement != NULL;
}

static bool is_closed_operator(const struct relation *relation)
{
    return relation->kind == RELATION_JOIN || relation->kind == RELATION_OVER;
}

bool closed_open(struct job *job, struct error *err)
{
    for (size_t r = 0; r < job->plan->relations_len; r++)
        if (is_closed_operator(&job->plan->relations[r]) && !open_relation(job, r, err))
            return error_wrap(err, "%.*s", STR_ARGS(job->plan->relations[r].name));
    return true;
}

void closed_close(struct job *job)
{
    for (size_t r = 0; r < job->plan->relations_len; r++) {
        struct job_relation *state = &job->relations[r];
        for (size_t side = 0; side < 2; side++) {
            segment_list_clear(&state->waiting[side]);
            scan_free(state->closed_scan[side]);
        }
        statement_free(state->closed_statement);
        statement_free(state->history_statement);
    }
    closer_end(job);
    heap_free(job->closer_panes);
}

// ---- Watermarks
// ----------------------------------------------------------------------------------
int64_t relation_watermark_us(const struct job *job, size_t index)
{
    const struct relation *relation = &job->plan->relations[index];
    if (job->drained)
        return TIME_MAX_US;
    if (relation->kind == RELATION_SOURCE)
        return job->sources[relation->source].watermark_us;
    int64_t watermark = relation_watermark_us(job, (size_t)relation->inputs[0]);
    if (relation->inputs[1] >= 0) {
        int64_t other = relation_watermark_us(job, (size_t)relation->inputs[1]);
        watermark = other < watermark ? other : watermark;
    }
    return watermark;
}

// ---- Giving rows on
// ------------------------------------------------------------------------------
static void give_to_sinks(struct job *job, size_t index, bool only_changes)
{
    const struct rows *rows = &job->closer.relations[index].rows;
    if (rows_count(rows) == 0)
        return;
    for (size_t s = 0; s < job->plan->sinks_len; s++) {
        const struct plan_sink *sink = &job->plan->sinks[s];
        if (sink->relation != (int)index || !sink->is_enabled ||
            (only_changes && sink->emit != EMIT_CHANGES))
            continue;
        struct segment_list list = {0};
        segment_list_add(&list, segment_new(rows, sink->columns, sink->columns_len));
        outbox_add(job->outbox, s, &list);
        heap_free(list.list);
    }
    job->has_uncommitted = true;
}

static void wait_at_join(struct job *job, size_t join, size_t side, const struct rows *rows)
{
    struct job_relation *state = &job->relations[join];
    const struct relation *input = &job->plan->relations[job->plan->relations[join].inputs[side]];
    segment_list_add(&state->waiting[side], segment_new(rows, input->columns, input->columns_len));
    state->waiting_changed = true;
    struct counts *counts = &job->closer.counts[join];
    *(side == 0 ? &counts->rows_in : &counts->second_in) += (int64_t)rows_count(rows);
}

// Pushes what a statement over closed rows gave.
static bool push_result(struct job *job, size_t index, struct statement *statement,
                        struct error *err)
{
    struct lane_relation *own = &job->closer.relations[index];
    struct counts *counts = &job->closer.counts[index];
    rows_clear(&own->rows);
    if (!lane_take_result(&job->closer, own, statement, NULL, false, &own->rows, err))
        return false;
    counts->made += (int64_t)rows_count(&own->rows);
    if (!lane_judge(&job->closer, index, err))
        return false;
    counts->rows_out += (int64_t)rows_count(&own->rows);
    return rows_count(&own->rows) == 0 || closed_push(job, index, err);
}

// Reads segments as chunks with `_new` at the end: history first, then the rows that just closed.
struct over_input {
    const struct segment_list *history;
    const struct rows *rows;
    size_t item;
    int64_t row;
    struct chunk *chunk, *flags[2], *view;
    struct arena *arena;
};

static bool next_over(void *context, struct chunk **out, struct error *err)
{
    struct over_input *input = context;
    size_t len = input->view->columns_len - 1;
    (void)err;
    *out = NULL;
    while (input->item < input->history->len) {
        const struct segment *segment = input->history->list[input->item];
        int64_t left = segment->rows - input->row;
        if (left == 0) {
            input->item++;
            input->row = 0;
            continue;
        }
        size_t count = left < ROWS_PER_VECTOR ? (size_t)left : ROWS_PER_VECTOR;
        segment_read(segment, input->row, count, input->chunk);
        input->row += (int64_t)count;
        memcpy(input->view->columns, input->chunk->columns, len * sizeof(struct vector));
        input->view->columns[len] = input->flags[0]->columns[0];
        input->view->rows = count;
        *out = input->view;
        return true;
    }
    size_t part = input->item - input->history->len;
    if (part >= input->rows->parts_len)
        return true;
    ASSERT(input->rows->parts[part].selection == NULL);
    memcpy(input->view->columns, input->rows->parts[part].chunk->columns,
           len * sizeof(struct vector));
    input->view->columns[len] = input->flags[1]->columns[0];
    input->view->rows = input->rows->parts[part].count;
    input->item++;
    *out = input->view;
    return true;
}

static bool run_over(struct job *job, size_t index, const struct rows *new_rows, struct error *err)
{
    const struct relation *relation = &job->plan->relations[index];
    const struct relation *source = &job->plan->relations[relation->inputs[0]];
    struct job_relation *state = &job->relations[index];
    size_t len = source->columns_len;
    const struct type **types = ARENA_ARRAY(&job->closer.arena, const struct type *, len + 1);
    for (size_t c = 0; c < len; c++)
        types[c] = source->columns[c].type;
    const struct type *flag_type[1] = {type_simple(TYPE_BOOLEAN)};
    struct chunk view = {.columns_len = len + 1};
    view.columns = ARENA_ARRAY(&job->closer.arena, struct vector, len + 1);
    // A copy without selections: the scan lends whole chunks.
    struct segment *flat = segment_new(new_rows, source->columns, len);
    struct segment_list fresh = {0};
    segment_list_add(&fresh, flat);
    struct over_input input = {.history = &state->waiting[0],
                               .rows = &(struct rows){0},
                               .chunk = chunk_new(types, len),
                               .view = &view,
                               .arena = &job->closer.arena};
    struct rows none = {0};
    for (int64_t at = 0; at < flat->rows; at += ROWS_PER_VECTOR) {
        struct rows_part *part = rows_add(&none);
        part->chunk = chunk_new(types, len);
        part->count =
            (size_t)(flat->rows - at < ROWS_PER_VECTOR ? flat->rows - at : ROWS_PER_VECTOR);
        segment_read(flat, at, part->count, part->chunk);
    }
    input.rows = &none;
    for (size_t f = 0; f < 2; f++) {
        input.flags[f] = chunk_new(flag_type, 1);
        memset(input.flags[f]->columns[0].data, (int)f, ROWS_PER_VECTOR);
    }
    scan_set_callback(state->closed_scan[0], next_over, &input);
    job->closer.counts[index].rows_in += flat->rows;
    job->closer.counts[index].passed += flat->rows;
    bool ok = push_result(job, index, state->closed_statement, err);
    if (ok) {
        input.item = 0;
        input.row = 0;
        struct rows history = {0};
        ok = lane_take_result(&job->closer, &job->closer.relations[index], state->history_statement,
                              NULL, false, &history, err);
        if (ok) {
            struct segment *kept = segment_new(&history, source->columns, len);
            segment_list_clear(&state->waiting[0]);
            segment_list_add(&state->waiting[0], kept);
            state->waiting_changed = true;
        }
        rows_free(&history);
    }
    for (size_t p = 0; p < none.parts_len; p++)
        chunk_free(none.parts[p].chunk);
    rows_free(&none);
    chunk_free(input.chunk);
    chunk_free(input.flags[0]);
    chunk_free(input.flags[1]);
    segment_list_clear(&fresh);
    return ok;
}

bool closed_push(struct job *job, size_t index, struct error *err)
{
    const struct plan *plan = job->plan;
    const struct rows *rows = &job->closer.relations[index].rows;
    if (plan->relations[index].kind == RELATION_GROUPS) {
        job->closer.counts[index].made += (int64_t)rows_count(rows);
        if (!lane_judge(&job->closer, index, err))
            return false;
        job->closer.counts[index].rows_out += (int64_t)rows_count(rows);
    }
    give_to_sinks(job, index, false);
    bool ok = true;
    for (size_t r = index + 1; ok && r < plan->relations_len; r++) {
        const struct relation *consumer = &plan->relations[r];
        for (size_t side = 0; ok && side < COUNT_OF(consumer->inputs); side++) {
            if (consumer->inputs[side] != (int)index)
                continue;
            if (consumer->kind == RELATION_JOIN)
                wait_at_join(job, r, side, rows);
            else if (consumer->kind == RELATION_OVER)
                ok = run_over(job, r, rows, err);
            else if (consumer->kind == RELATION_ROWS)
                ok = lane_step(&job->closer, r, err) &&
                     (rows_count(&job->closer.relations[r].rows) == 0 || closed_push(job, r, err));
        }
    }
    return ok;
}

bool closed_push_changes(struct job *job, size_t index, struct error *err)
{
    if (!lane_judge(&job->closer, index, err))
        return false;
    give_to_sinks(job, index, true);
    return true;
}

// ---- Joins
// --------------------------------------------------------------------------------------- Takes the
// rows whose window has ended by `watermark_us` out of `waiting`.
static void split_ready(const struct relation *input, struct segment_list *waiting,
                        int64_t watermark_us, struct segment_list *ready)
{
    size_t len = input->columns_len;
    const struct type **types = heap_array(len + 1, sizeof(*types));
    for (size_t c = 0; c < len; c++)
        types[c] = input->columns[c].type;
    struct segment_list rest = {0};
    struct chunk *chunk = chunk_new(types, len);
    uint16_t chosen[2][ROWS_PER_VECTOR];
    for (size_t s = 0; s < waiting->len; s++) {
        const struct segment *segment = waiting->list[s];
        for (int64_t at = 0; at < segment->rows; at += ROWS_PER_VECTOR) {
            int64_t left = segment->rows - at;
            size_t count = left < ROWS_PER_VECTOR ? (size_t)left : ROWS_PER_VECTOR;
            size_t counts[2] = {0, 0};
            segment_read(segment, at, count, chunk);
            const int64_t *ends = chunk->columns[input->window_end_column].data;
            for (size_t i = 0; i < count; i++) {
                int side = ends[i] <= watermark_us;
                chosen[side][counts[side]++] = (uint16_t)i;
            }
            for (int side = 0; side < 2; side++) {
                if (counts[side] == 0)
                    continue;
                struct rows_part part = {
                    .chunk = chunk, .selection = chosen[side], .count = counts[side]};
                struct rows rows = {.parts = &part, .parts_len = 1};
                segment_list_add(side ? ready : &rest, segment_new(&rows, input->columns, len));
            }
        }
    }
    chunk_free(chunk);
    heap_free(types);
    segment_list_clear(waiting);
    *waiting = rest;
}

static bool run_join(struct job *job, size_t index, struct error *err)
{
    const struct relation *relation = &job->plan->relations[index];
    struct job_relation *state = &job->relations[index];
    int64_t watermark = relation_watermark_us(job, index);
    struct segment_list ready[2] = {{0}, {0}};
    for (size_t side = 0; side < 2; side++) {
        split_ready(&job->plan->relations[relation->inputs[side]], &state->waiting[side], watermark,
                    &ready[side]);
        scan_set_segments(state->closed_scan[side], (const struct segment *const *)ready[side].list,
                          ready[side].len);
    }
    int64_t left = segment_list_rows(&ready[0]), right = segment_list_rows(&ready[1]);
    bool ok = true;
    if (left + right > 0) {
        job->closer.counts[index].passed += left;
        job->closer.counts[index].second_passed += right;
        state->waiting_changed = true;
        ok = push_result(job, index, state->closed_statement, err);
    }
    closer_end(job);
    segment_list_clear(&ready[0]);
    segment_list_clear(&ready[1]);
    return ok;
}

bool closed_advance(struct job *job, struct error *err)
{
    for (size_t r = 0; r < job->plan->relations_len; r++) {
        const struct job_relation *state = &job->relations[r];
        if (job->plan->relations[r].kind == RELATION_JOIN &&
            (state->waiting[0].len > 0 || state->waiting[1].len > 0) && !run_join(job, r, err))
            return false;
    }
    return true;
}
