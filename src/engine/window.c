// SPDX-License-Identifier: MIT
// Windows and their panes. Rows are folded into panes (slices of gcd(size, slide)); a window is
// closed once, when the watermark reaches its end: its panes, over all lanes, are merged, finished,
// and handed on. A pane goes when the last window that needs it has closed. `closed_until_us` is
// the watermark of the last round: every window ending at or before it has been given out, in this
// run or an earlier one, so no window is given out twice.
#include "engine/job_state.h"
#include <stdio.h>
#include <stdlib.h>

#define CLOSE_BYTES_MAX (4 << 20) // rows of closed windows in one frame

// ---- Opening
// -------------------------------------------------------------------------------------
static int64_t greatest_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static bool open_kept(struct job *job, size_t index, const char *schema, struct error *err)
{
    const struct relation *relation = &job->plan->relations[index];
    struct job_relation *state = &job->relations[index];
    size_t len = relation->group_inputs_len;
    state->kept_columns_len = len + 1;
    state->kept_columns = ARENA_ARRAY(&job->arena, struct column, len + 1);
    memcpy(state->kept_columns, relation->group_inputs, len * sizeof(struct column));
    state->kept_columns[len] = (struct column){STR("_sequence"), type_simple(TYPE_BIGINT)};
    // What group_sql reads: the window's bounds in front.
    struct column *columns = ARENA_ARRAY(&job->arena, struct column, len + 3);
    columns[0] = (struct column){STR("window_start"), type_simple(TYPE_TIMESTAMP)};
    columns[1] = (struct column){STR("window_end"), type_simple(TYPE_TIMESTAMP)};
    memcpy(columns + 2, state->kept_columns, (len + 1) * sizeof(struct column));
    char name[64];
    snprintf(name, sizeof(name), "_kept%zu", index);
    state->kept_scan = scan_new(state->connection, name, columns, len + 3, false, err);
    if (state->kept_scan == NULL)
        return false;
    char sql[160];
    snprintf(sql, sizeof(sql), "CREATE VIEW %s._kept AS SELECT * FROM %s()", schema, name);
    if (!connection_execute(state->connection, sql, err))
        return false;
    const char *text = arena_cstr(&job->arena, relation->group_sql);
    state->group_statement = statement_prepare(state->connection, text, err);
    return state->group_statement != NULL;
}

static bool open_final(struct job *job, size_t index, const char *schema, struct error *err)
{
    const struct relation *relation = &job->plan->relations[index];
    struct job_relation *state = &job->relations[index];
    char name[64], sql[160];
    snprintf(name, sizeof(name), "_groups%zu", index);
    state->groups_scan = scan_new(state->connection, name, relation->group_columns,
                                  relation->group_columns_len, false, err);
    if (state->groups_scan == NULL)
        return false;
    snprintf(sql, sizeof(sql), "CREATE VIEW %s._groups AS SELECT * FROM %s()", schema, name);
    if (!connection_execute(state->connection, sql, err))
        return false;
    const char *text = arena_cstr(&job->arena, relation->final_sql);
    state->final_statement = statement_prepare(state->connection, text, err);
    return state->final_statement != NULL;
}

static bool open_relation(struct job *job, size_t index, struct error *err)
{
    const struct relation *relation = &job->plan->relations[index];
    struct job_relation *state = &job->relations[index];
    state->pane_us = greatest_divisor(relation->window_size_us, relation->window_slide_us);
    state->closed_until_us = TIME_MIN_US;
    if (!relation->keeps_rows) {
        state->folds_len = job->lanes_len;
        state->folds = heap_array(state->folds_len, sizeof(*state->folds));
        for (size_t l = 0; l < state->folds_len; l++)
            state->folds[l] = fold_new(relation, state->pane_us);
    }
    if (!relation->keeps_rows && relation->final_direct != NULL)
        return true;
    state->connection = connection_open(job->database, err);
    char schema[32], sql[128];
    snprintf(schema, sizeof(schema), "_close%zu", index);
    snprintf(sql, sizeof(sql), "CREATE SCHEMA %s; SET search_path = '%s,main'", schema, schema);
    if (state->connection == NULL || !connection_execute(state->connection, sql, err))
        return false;
    bool ok = (!relation->keeps_rows || open_kept(job, index, schema, err)) &&
              (relation->final_direct != NULL || open_final(job, index, schema, err));
    return ok || error_wrap(err, "%.*s", STR_ARGS(relation->name));
}

bool windows_open(struct job *job, struct error *err)
{
    for (size_t r = 0; r < job->plan->relations_len; r++)
        if (job->plan->relations[r].kind == RELATION_GROUPS && !open_relation(job, r, err))
            return false;
    return true;
}

void windows_close(struct job *job)
{
    for (size_t r = 0; r < job->plan->relations_len; r++) {
        struct job_relation *state = &job->relations[r];
        for (size_t l = 0; l < state->folds_len; l++)
            fold_free(state->folds[l]);
        heap_free(state->folds);
        for (size_t k = 0; k < state->kept_len; k++)
            segment_list_clear(&state->kept[k].segments);
        heap_free(state->kept);
        heap_free(state->changed);
        chunk_free(state->result_chunk);
        buf_clear(&state->dropped);
        statement_free(state->group_statement);
        statement_free(state->final_statement);
        scan_free(state->groups_scan);
        scan_free(state->kept_scan);
        connection_close(state->connection);
    }
}

// ---- Panes
// ---------------------------------------------------------------------------------------
void kept_add(struct job_relation *state, int64_t start_us, struct segment *segment)
{
    size_t at = state->kept_len;
    while (at > 0 && state->kept[at - 1].start_us > start_us)
        at--;
    if (at == 0 || state->kept[at - 1].start_us != start_us) {
        if (state->kept_len == state->kept_capacity) {
            state->kept_capacity = state->kept_capacity > 0 ? state->kept_capacity * 2 : 16;
            state->kept = heap_resize(state->kept, state->kept_capacity * sizeof(*state->kept));
        }
        memmove(state->kept + at + 1, state->kept + at,
                (state->kept_len - at) * sizeof(*state->kept));
        state->kept[at] = (struct kept_pane){.start_us = start_us};
        state->kept_len++;
        at++;
    }
    struct kept_pane *pane = &state->kept[at - 1];
    pane->rows += segment->rows;
    segment_list_add(&pane->segments, segment);
}

void kept_drop(struct job_relation *state, int64_t start_us)
{
    for (size_t k = 0; k < state->kept_len; k++) {
        if (state->kept[k].start_us != start_us)
            continue;
        segment_list_clear(&state->kept[k].segments);
        state->kept_len--;
        memmove(state->kept + k, state->kept + k + 1, (state->kept_len - k) * sizeof(*state->kept));
        return;
    }
}

static int compare_times(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

// Start times of all live panes, ascending, each once.
static size_t pane_starts(const struct job_relation *state, struct arena *arena, int64_t **out)
{
    size_t len = state->kept_len, kept = 0;
    for (size_t l = 0; l < state->folds_len; l++)
        len += fold_panes_len(state->folds[l]);
    int64_t *starts = ARENA_ARRAY(arena, int64_t, len + 1);
    len = 0;
    for (size_t k = 0; k < state->kept_len; k++)
        starts[len++] = state->kept[k].start_us;
    for (size_t l = 0; l < state->folds_len; l++)
        for (size_t p = 0; p < fold_panes_len(state->folds[l]); p++)
            starts[len++] = pane_start_us(fold_pane(state->folds[l], p));
    qsort(starts, len, sizeof(*starts), compare_times);
    for (size_t i = 0; i < len; i++)
        if (i == 0 || starts[i] != starts[i - 1])
            starts[kept++] = starts[i];
    *out = starts;
    return kept;
}

static int64_t floor_to(int64_t time_us, int64_t step_us, int64_t shift_us)
{
    int64_t from_shift = time_us - shift_us;
    return (from_shift / step_us - (from_shift % step_us < 0)) * step_us + shift_us;
}

// First and last window that hold the pane.
static int64_t last_window(const struct relation *relation, int64_t pane_us)
{
    return floor_to(pane_us, relation->window_slide_us, relation->window_shift_us);
}

static int64_t first_window(const struct relation *relation, int64_t pane_us)
{
    return floor_to(pane_us - relation->window_size_us, relation->window_slide_us,
                    relation->window_shift_us) +
           relation->window_slide_us;
}

// ---- Results
// ------------------------------------------------------------------------------------- Chunks of
// group_columns, from merged panes or from the kept rows of a window.
struct group_results {
    const struct relation *relation;
    struct job_relation *state;
    struct pane **panes; // no group in two of them
    size_t panes_len, at;
    int64_t start_us, end_us;
    size_t cursor;
    struct chunk *chunk;
    // keeps_rows: position in the kept rows
    size_t kept, segment;
    int64_t row;
    struct chunk *kept_chunk, *kept_view;
};

static bool next_kept(void *context, struct chunk **out, struct error *err)
{
    struct group_results *results = context;
    struct job_relation *state = results->state;
    (void)err;
    *out = NULL;
    while (results->kept < state->kept_len) {
        const struct kept_pane *pane = &state->kept[results->kept];
        bool inside = pane->start_us >= results->start_us && pane->start_us < results->end_us;
        if (!inside || results->segment == pane->segments.len) {
            results->kept++;
            results->segment = 0;
            results->row = 0;
            continue;
        }
        const struct segment *segment = pane->segments.list[results->segment];
        int64_t left = segment->rows - results->row;
        if (left == 0) {
            results->segment++;
            results->row = 0;
            continue;
        }
        size_t count = left < ROWS_PER_VECTOR ? (size_t)left : ROWS_PER_VECTOR;
        segment_read(segment, results->row, count, results->kept_chunk);
        results->row += (int64_t)count;
        memcpy(results->kept_view->columns + 2, results->kept_chunk->columns,
               results->kept_chunk->columns_len * sizeof(struct vector));
        results->kept_view->rows = count;
        *out = results->kept_view;
        return true;
    }
    return true;
}

// Runs the user's aggregates over the window's kept rows; the result chunks are kept by the closer.
static bool kept_results(struct job *job, size_t index, struct group_results *results,
                         struct rows *rows, struct error *err)
{
    struct job_relation *state = &job->relations[index];
    size_t len = state->kept_columns_len;
    const struct type **types = ARENA_ARRAY(&job->closer.arena, const struct type *, len);
    for (size_t c = 0; c < len; c++)
        types[c] = state->kept_columns[c].type;
    const struct type *bounds_types[2] = {type_simple(TYPE_TIMESTAMP), type_simple(TYPE_TIMESTAMP)};
    struct chunk *bounds = chunk_new(bounds_types, 2);
    for (size_t i = 0; i < ROWS_PER_VECTOR; i++) {
        ((int64_t *)bounds->columns[0].data)[i] = results->start_us;
        ((int64_t *)bounds->columns[1].data)[i] = results->end_us;
    }
    struct chunk view = {.columns_len = len + 2};
    view.columns = ARENA_ARRAY(&job->closer.arena, struct vector, len + 2);
    memcpy(view.columns, bounds->columns, 2 * sizeof(struct vector));
    results->kept_chunk = chunk_new(types, len);
    results->kept_view = &view;
    scan_set_callback(state->kept_scan, next_kept, results);
    bool ok = lane_take_result(&job->closer, &job->closer.relations[index], state->group_statement,
                               NULL, false, rows, err);
    chunk_free(results->kept_chunk);
    chunk_free(bounds);
    return ok;
}

static bool next_group(void *context, struct chunk **out, struct error *err)
{
    struct group_results *results = context;
    (void)err;
    *out = NULL;
    while (results->at < results->panes_len) {
        if (pane_result(results->panes[results->at], results->relation, results->start_us,
                        results->end_us, &results->cursor, results->chunk)) {
            *out = results->chunk;
            return true;
        }
        results->at++;
        results->cursor = 0;
    }
    return true;
}

// What all lanes hold of the window, merged unless the lanes' groups are disjoint anyway (true).
static bool window_panes(struct job *job, size_t index, struct group_results *results)
{
    const struct job_relation *state = &job->relations[index];
    size_t len = 0, capacity = 0;
    for (size_t l = 0; l < state->folds_len; l++)
        capacity += fold_panes_len(state->folds[l]);
    struct pane **panes = ARENA_ARRAY(&job->window_arena, struct pane *, capacity + 1);
    bool is_disjoint = true;
    for (size_t l = 0; l < state->folds_len; l++) {
        for (size_t p = 0; p < fold_panes_len(state->folds[l]); p++) {
            struct pane *pane = fold_pane(state->folds[l], p);
            if (pane_start_us(pane) < results->start_us || pane_start_us(pane) >= results->end_us ||
                pane_groups(pane) == 0)
                continue;
            is_disjoint = is_disjoint && pane_shares(pane) == job->lanes_len &&
                          pane_start_us(pane) == results->start_us;
            panes[len++] = pane;
        }
    }
    if (len > 1 && !is_disjoint) { // results point into the merged pane: it lives until closer_end
        struct pane *merged = pane_merge(results->relation, panes, len);
        closer_keep_pane(job, merged);
        panes[0] = merged;
        len = 1;
    }
    results->panes = panes;
    results->panes_len = len;
    return len > 1 && is_disjoint;
}

static void direct_rows(struct job *job, const struct relation *relation, const struct rows *groups,
                        struct rows *out)
{
    for (size_t p = 0; p < groups->parts_len; p++) {
        struct rows_part *part = rows_add(out);
        *part = groups->parts[p];
        part->chunk = chunk_pick(part->chunk, relation->final_direct, relation->columns_len,
                                 &job->closer.arena);
    }
}

// Rows of a window that need no statement go on vector by vector: no window is copied as a whole.
// An OVER needs its window whole.
static bool may_stream(const struct job *job, size_t index)
{
    for (size_t r = index + 1; r < job->plan->relations_len; r++)
        if (job->plan->relations[r].kind == RELATION_OVER &&
            job->plan->relations[r].inputs[0] == (int)index)
            return false;
    return true;
}

static bool stream_rows(struct job *job, size_t index, struct group_results *results,
                        bool only_changes, struct error *err)
{
    const struct relation *relation = results->relation;
    struct job_relation *state = &job->relations[index];
    struct lane_relation *own = &job->closer.relations[index];
    bool streams = may_stream(job, index), ok = true;
    struct rows groups = {0};
    while (ok) {
        struct chunk *chunk = NULL;
        results->chunk = streams ? state->result_chunk : closer_chunk(job, index);
        if (!streams)
            lane_keep_chunk(own, results->chunk);
        if (!next_group(results, &chunk, err) || chunk == NULL)
            break;
        rows_clear(&groups);
        struct rows_part *part = rows_add(&groups);
        part->chunk = chunk;
        part->count = chunk->rows;
        part->first_sequence = 0;
        direct_rows(job, relation, &groups, &own->rows);
        if (!streams)
            continue;
        ok = only_changes ? closed_push_changes(job, index, err) : closed_push(job, index, err);
        lane_end_trigger(&job->closer);
    }
    rows_free(&groups);
    return ok;
}

// Final rows of one window, appended to the closer's rows of the relation.
static bool window_results(struct job *job, size_t index, int64_t start_us, bool only_changes,
                           struct error *err)
{
    const struct relation *relation = &job->plan->relations[index];
    struct job_relation *state = &job->relations[index];
    struct lane_relation *own = &job->closer.relations[index];
    struct group_results results = {.relation = relation,
                                    .state = state,
                                    .start_us = start_us,
                                    .end_us = start_us + relation->window_size_us};
    if (relation->keeps_rows) {
        struct rows groups = {0};
        bool ok = kept_results(job, index, &results, &groups, err);
        if (ok && relation->final_direct != NULL) {
            direct_rows(job, relation, &groups, &own->rows);
        } else if (ok) {
            scan_set_rows(state->groups_scan, &groups);
            ok = lane_take_result(&job->closer, own, state->final_statement, NULL, false,
                                  &own->rows, err);
        }
        rows_free(&groups);
        return ok;
    }
    bool is_disjoint = window_panes(job, index, &results);
    if (results.panes_len == 0)
        return true;
    if (is_disjoint && !only_changes && lanes_may_close(job, index))
        return lanes_close_window(job, index, start_us, results.panes, results.panes_len, err);
    if (state->result_chunk == NULL)
        state->result_chunk = closer_chunk(job, index);
    if (relation->final_direct != NULL)
        return stream_rows(job, index, &results, only_changes, err);
    results.chunk = state->result_chunk;
    scan_set_callback(state->groups_scan, next_group, &results);
    return lane_take_result(&job->closer, own, state->final_statement, NULL, false, &own->rows,
                            err);
}

// ---- Closing
// -------------------------------------------------------------------------------------
static void drop_pane(struct job *job, size_t index, int64_t start_us)
{
    struct job_relation *state = &job->relations[index];
    int64_t rows = 0;
    for (size_t l = 0; l < state->folds_len; l++) {
        for (size_t p = 0; p < fold_panes_len(state->folds[l]); p++) {
            const struct pane *pane = fold_pane(state->folds[l], p);
            if (pane_start_us(pane) == start_us) // after a restart a fold may hold several
                rows += pane_input_rows(pane);
        }
        fold_drop_pane(state->folds[l], start_us);
    }
    for (size_t k = 0; k < state->kept_len; k++)
        if (state->kept[k].start_us == start_us)
            rows += state->kept[k].rows;
    kept_drop(state, start_us);
    buf_add_i64(&state->dropped, start_us);
    job_count_closed(job, index, rows);
}

static bool give_out(struct job *job, size_t index, struct error *err)
{
    bool ok = rows_count(&job->closer.relations[index].rows) == 0 || closed_push(job, index, err);
    closer_end(job);
    return ok;
}

static int64_t max_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

// A drain gave out what there was, and no more: the next run goes on after the last of these
// windows. Rows that come for them later are late, so the watermark stands at that end.
static void after_drain(struct job *job, struct job_relation *state, int64_t last_end_us)
{
    state->closed_until_us = last_end_us;
    if (state->source < 0 || job->sources[state->source].watermark == NULL ||
        last_end_us == TIME_MIN_US)
        return;
    struct job_source *source = &job->sources[state->source];
    watermark_raise(source->watermark, last_end_us);
    source->watermark_us = watermark_us(source->watermark);
    job->has_uncommitted = true;
}

// A catch-up closes many windows at once: what they give leaves in portions, so that delivery works
// beside the closing and memory stays bounded. The frame says up to which end windows were given
// out.
static bool commit_window(struct job *job, struct job_relation *state, int64_t end_us,
                          struct error *err)
{
    if (job->options.is_test || outbox_fresh_bytes(job->outbox) < CLOSE_BYTES_MAX)
        return true;
    int64_t closed_until_us = state->closed_until_us;
    state->closed_until_us = end_us;
    job_count_lane(job, &job->closer);
    quarantine_move(job->quarantine, job->closer.quarantine);
    bool ok = epoch_commit(job, false, err) && outbox_make_room(job->outbox, err);
    state->closed_until_us = closed_until_us;
    return ok;
}

static bool close_relation(struct job *job, size_t index, int64_t watermark_us, struct error *err)
{
    const struct relation *relation = &job->plan->relations[index];
    struct job_relation *state = &job->relations[index];
    struct arena arena = {0};
    int64_t *starts;
    size_t len = pane_starts(state, &arena, &starts);
    bool ok = true;
    int64_t next = INT64_MIN; // windows before it were given out in this round
    int64_t last_end_us = state->closed_until_us;
    for (size_t i = 0; ok && i < len; i++) {
        int64_t from = first_window(relation, starts[i]), to = last_window(relation, starts[i]);
        last_end_us = max_of(last_end_us, to + relation->window_size_us);
        for (int64_t window = from > next ? from : next; ok && window <= to;
             window += relation->window_slide_us) {
            int64_t end = window + relation->window_size_us;
            if (end > watermark_us)
                break;
            next = window + relation->window_slide_us;
            if (end > state->closed_until_us)
                ok = window_results(job, index, window, false, err) && give_out(job, index, err) &&
                     commit_window(job, state, end, err);
        }
        if (ok && to + relation->window_size_us <= watermark_us)
            drop_pane(job, index, starts[i]);
    }
    if (ok && watermark_us != TIME_MAX_US)
        state->closed_until_us = watermark_us;
    else if (ok)
        after_drain(job, state, last_end_us);
    arena_clear(&arena);
    return ok;
}

bool windows_advance(struct job *job, struct error *err)
{
    for (size_t r = 0; r < job->plan->relations_len; r++) {
        const struct relation *relation = &job->plan->relations[r];
        if (relation->kind != RELATION_GROUPS)
            continue;
        int64_t watermark = relation_watermark_us(job, r);
        if (watermark > job->relations[r].closed_until_us &&
            !close_relation(job, r, watermark, err))
            return false;
    }
    return closed_advance(job, err);
}

// ---- EMIT CHANGES
// --------------------------------------------------------------------------------
static int64_t window_input_rows(const struct job *job, size_t index, int64_t start_us)
{
    const struct job_relation *state = &job->relations[index];
    int64_t end_us = start_us + job->plan->relations[index].window_size_us, rows = 0;
    for (size_t l = 0; l < state->folds_len; l++)
        for (size_t p = 0; p < fold_panes_len(state->folds[l]); p++) {
            struct pane *pane = fold_pane(state->folds[l], p);
            if (pane_start_us(pane) >= start_us && pane_start_us(pane) < end_us)
                rows += pane_input_rows(pane);
        }
    for (size_t k = 0; k < state->kept_len; k++)
        if (state->kept[k].start_us >= start_us && state->kept[k].start_us < end_us)
            rows += state->kept[k].rows;
    return rows;
}

static bool has_changed(struct job_relation *state, int64_t start_us, int64_t rows)
{
    for (size_t c = 0; c < state->changed_len; c++) {
        if (state->changed[c].start_us != start_us)
            continue;
        bool changed = state->changed[c].rows != rows;
        state->changed[c].rows = rows;
        return changed;
    }
    if (state->changed_len == state->changed_capacity) {
        state->changed_capacity = state->changed_capacity > 0 ? state->changed_capacity * 2 : 16;
        state->changed =
            heap_resize(state->changed, state->changed_capacity * sizeof(*state->changed));
    }
    state->changed[state->changed_len++] = (struct changed_window){start_us, rows};
    return true;
}

static void forget_closed(struct job_relation *state, int64_t size_us)
{
    size_t kept = 0;
    for (size_t c = 0; c < state->changed_len; c++)
        if (state->changed[c].start_us + size_us > state->closed_until_us)
            state->changed[kept++] = state->changed[c];
    state->changed_len = kept;
}

static bool emit_relation(struct job *job, size_t index, struct error *err)
{
    const struct relation *relation = &job->plan->relations[index];
    struct job_relation *state = &job->relations[index];
    struct arena arena = {0};
    int64_t *starts;
    size_t len = pane_starts(state, &arena, &starts);
    bool ok = true;
    int64_t next = INT64_MIN;
    forget_closed(state, relation->window_size_us);
    for (size_t i = 0; ok && i < len; i++) {
        int64_t from = first_window(relation, starts[i]), to = last_window(relation, starts[i]);
        for (int64_t window = from > next ? from : next; ok && window <= to;
             window += relation->window_slide_us) {
            next = window + relation->window_slide_us;
            bool is_open = window + relation->window_size_us > state->closed_until_us;
            if (is_open && has_changed(state, window, window_input_rows(job, index, window))) {
                ok = window_results(job, index, window, true, err);
                if (ok && rows_count(&job->closer.relations[index].rows) > 0)
                    ok = closed_push_changes(job, index, err);
                closer_end(job);
            }
        }
    }
    arena_clear(&arena);
    return ok;
}

bool windows_emit_changes(struct job *job, struct error *err)
{
    for (size_t s = 0; s < job->plan->sinks_len; s++) {
        const struct plan_sink *sink = &job->plan->sinks[s];
        if (sink->emit == EMIT_CHANGES && sink->is_enabled && sink->relation >= 0 &&
            job->plan->relations[sink->relation].kind == RELATION_GROUPS &&
            !emit_relation(job, (size_t)sink->relation, err))
            return false;
    }
    return true;
}

int64_t windows_rows(const struct job *job)
{
    int64_t rows = 0;
    for (size_t r = 0; r < job->plan->relations_len; r++) {
        const struct job_relation *state = &job->relations[r];
        for (size_t l = 0; l < state->folds_len; l++)
            rows += fold_groups(state->folds[l]);
        for (size_t k = 0; k < state->kept_len; k++)
            rows += state->kept[k].rows;
    }
    return rows;
}
