// SPDX-License-Identifier: MIT
// One trigger on one lane: decode, judge, then each open relation in plan order. All lanes take the
// same steps in the same order, because they meet at the barriers around a dedup: hashes of all
// lanes must be there before keys are settled, and all verdicts before rows go on. Each lane
// settles its own share of the hash space over the rows of ALL lanes in row order, so the first
// copy wins whatever lane it is in, and no lock is taken.
#include "engine/job_state.h"

// ---- Event time and lateness
// --------------------------------------------------------------------- A partition's largest event
// time counts for rows that passed the constraints.
static void observe_times(struct lane *lane, struct job_source *source)
{
    const struct relation *relation = &lane->job->plan->relations[source->plan->relation];
    const struct rows *rows = &lane->relations[source->plan->relation].rows;
    const struct batch *batch = source->batch;
    if (relation->time_column < 0 || source->watermark == NULL || source->partitions_len == 0)
        return;
    if (lane->partition_numbers == NULL)
        lane->partition_numbers = heap_array(ROWS_PER_VECTOR, sizeof(uint32_t));
    for (size_t p = 0; p < rows->parts_len; p++) {
        const struct rows_part *part = &rows->parts[p];
        uint32_t first = 0;
        bool is_mixed = false;
        if (batch->chunks_len == 0) {
            const struct payload *payloads =
                batch->payloads + (part->first_sequence - lane->job->sequence);
            first = payloads[0].partition;
            for (size_t i = 0; i < part->chunk->rows; i++) {
                is_mixed |= payloads[i].partition != first;
                lane->partition_numbers[i] = source->watermark_numbers[payloads[i].partition];
            }
        }
        watermark_tally_add(&lane->tally, part, &part->chunk->columns[relation->time_column],
                            is_mixed ? lane->partition_numbers : NULL,
                            source->watermark_numbers[first], NULL, source->watermark_limit_us);
    }
}

// Flags late rows of a window relation, and rows without a time: they belong to no window. Returns
// whether anything was flagged. out: 1 late, 2 no time.
static bool flag_late(const struct relation *relation, const struct rows_part *part,
                      const struct vector *times, int64_t watermark_us, uint8_t *flags)
{
    bool any = false;
    int64_t slide = relation->window_slide_us, shift = relation->window_shift_us;
    const int64_t *values = times->data;
    // The last window of time t starts at floor((t - shift) / slide) * slide + shift and ends a
    // size later. It has closed when that end <= watermark, that is when its start <= limit.
    int64_t limit = watermark_us == TIME_MIN_US   ? TIME_MIN_US
                    : watermark_us == TIME_MAX_US ? TIME_MAX_US
                                                  : watermark_us - relation->window_size_us;
    // t is late when floor((t - shift) / slide) * slide + shift <= limit, i.e. t < first_open.
    int64_t first_open = limit;
    if (limit != TIME_MIN_US && limit != TIME_MAX_US) {
        int64_t from_shift = limit - shift;
        int64_t quotient = from_shift / slide - (from_shift % slide < 0);
        first_open = (quotient + 1) * slide + shift;
    }
    for (size_t i = 0; i < part->count; i++) {
        size_t row = rows_part_row(part, i);
        uint8_t flag = 0;
        if (vector_is_null(times, row))
            flag = 2;
        else if (values[row] < first_open)
            flag = 1;
        flags[i] = flag;
        any |= flag != 0;
    }
    return any;
}

// ---- DEDUP
// ---------------------------------------------------------------------------------------
struct dedup_part {
    struct hash128 *hashes;
    int64_t *times_us;
    uint8_t *skip; // 1 late, 2 no time
    uint8_t *duplicate;
};

static struct dedup_part *dedup_prepare(struct lane *lane, size_t index)
{
    const struct relation *relation = &lane->job->plan->relations[index];
    const struct job_relation *state = &lane->job->relations[index];
    const struct rows *rows = &lane->relations[index].rows;
    int64_t watermark = lane->job->sources[state->source].watermark_us;
    struct dedup_part *parts = ARENA_ARRAY(&lane->arena, struct dedup_part, rows->parts_len);
    for (size_t p = 0; p < rows->parts_len; p++) {
        const struct rows_part *part = &rows->parts[p];
        size_t count = part->count;
        parts[p].hashes = ARENA_ARRAY(&lane->arena, struct hash128, count);
        parts[p].times_us = ARENA_ARRAY(&lane->arena, int64_t, count);
        parts[p].skip = ARENA_ARRAY(&lane->arena, uint8_t, count);
        parts[p].duplicate = ARENA_ARRAY(&lane->arena, uint8_t, count);
        if (relation->time_column >= 0) {
            const struct vector *vector = &part->chunk->columns[relation->time_column];
            const int64_t *times = vector->data;
            bool is_bounded = lane->job->options.execution != EXECUTION_BATCH;
            for (size_t i = 0; i < count; i++) {
                size_t row = rows_part_row(part, i);
                bool has_time = !vector_is_null(vector, row);
                parts[p].times_us[i] = has_time ? times[row] : 0;
                if (is_bounded && watermark != TIME_MIN_US && has_time &&
                    times[row] <= watermark - relation->within_us)
                    parts[p].skip[i] = 1;
            }
        }
        dedup_hash(part, relation->dedup_keys, relation->dedup_keys_len, parts[p].hashes);
    }
    return parts;
}

// A row whose time is NULL claims its key like any other: slice 0 would be forgotten at once, so it
// is remembered from the watermark on.
static void dedup_settle_all(struct lane *lane, size_t index)
{
    struct job *job = lane->job;
    for (size_t l = 0; l < job->lanes_len; l++) {
        struct lane *other = &job->lanes[l];
        const struct rows *rows = &other->relations[index].rows;
        struct dedup_part *parts = other->relations[index].dedup_parts;
        for (size_t p = 0; p < rows->parts_len; p++)
            dedup_settle(job->relations[index].dedup, parts[p].hashes, parts[p].times_us,
                         parts[p].skip, rows->parts[p].count, (unsigned)lane->index,
                         (unsigned)job->lanes_len, parts[p].duplicate);
    }
}

static void dedup_finish(struct lane *lane, size_t index)
{
    struct rows *rows = &lane->relations[index].rows;
    struct counts *counts = &lane->counts[index];
    for (size_t p = 0; p < rows->parts_len; p++) {
        struct rows_part *part = &rows->parts[p];
        const struct dedup_part *dedup = &lane->relations[index].dedup_parts[p];
        uint16_t *selection = ARENA_ARRAY(&lane->arena, uint16_t, part->count);
        size_t kept = 0;
        int64_t late = 0, duplicates = 0;
        for (size_t i = 0; i < part->count; i++) {
            selection[kept] = (uint16_t)rows_part_row(part, i);
            late += dedup->skip[i] != 0;
            duplicates += dedup->skip[i] == 0 && dedup->duplicate[i] != 0;
            kept += dedup->skip[i] == 0 && dedup->duplicate[i] == 0;
        }
        if (late > 0)
            lane_late(lane, index, &(struct rows){.parts = part, .parts_len = 1}, 0, dedup->skip,
                      part->count);
        counts->late += late;
        counts->duplicate += duplicates;
        part->selection = selection;
        part->count = kept;
    }
}

static void rows_copy(struct rows *to, const struct rows *from)
{
    rows_clear(to);
    for (size_t p = 0; p < from->parts_len; p++)
        *rows_add(to) = from->parts[p];
}

static bool step_dedup(struct lane *lane, size_t index)
{
    struct lane_relation *relation = &lane->relations[index];
    size_t input = (size_t)lane->job->plan->relations[index].inputs[0];
    rows_copy(&relation->rows, &lane->relations[input].rows);
    lane->counts[index].rows_in += (int64_t)rows_count(&relation->rows);
    relation->dedup_parts = dedup_prepare(lane, index);
    barrier_wait(&lane->job->settle);
    dedup_settle_all(lane, index);
    barrier_wait(&lane->job->settle);
    dedup_finish(lane, index);
    return true;
}

// ---- ROWS
// ----------------------------------------------------------------------------------------
static int64_t *all_sequences(struct lane *lane, const struct rows *rows)
{
    int64_t *sequences = ARENA_ARRAY(&lane->arena, int64_t, rows_count(rows) + 1);
    size_t at = 0;
    for (size_t p = 0; p < rows->parts_len; p++)
        for (size_t i = 0; i < rows->parts[p].count; i++)
            sequences[at++] =
                rows_part_sequence(&rows->parts[p], rows_part_row(&rows->parts[p], i));
    return sequences;
}

static bool step_rows(struct lane *lane, size_t index, struct error *err)
{
    const struct relation *relation = &lane->job->plan->relations[index];
    struct lane_relation *own = &lane->relations[index];
    struct lane_relation *input = &lane->relations[relation->inputs[0]];
    struct rows filtered = {0};
    rows_copy(&filtered, &input->rows);
    lane->counts[index].rows_in += (int64_t)rows_count(&filtered);
    bool ok = !relation->has_filter || lane_filter(lane, index, &relation->filter, &filtered, err);
    size_t left = rows_count(&filtered);
    if (ok && left > 0 && relation->direct != NULL) {
        for (size_t p = 0; p < filtered.parts_len; p++) {
            struct rows_part *part = rows_add(&own->rows);
            *part = filtered.parts[p];
            part->chunk =
                chunk_pick(part->chunk, relation->direct, relation->columns_len, &lane->arena);
        }
    } else if (ok && left > 0) {
        scan_set_rows(input->scan, &filtered);
        int64_t *sequences = relation->changes_rows ? NULL : all_sequences(lane, &filtered);
        ok = lane_take_result(lane, own, own->project, sequences, relation->changes_rows,
                              &own->rows, err);
        if (ok && !relation->changes_rows)
            ASSERT(rows_count(&own->rows) == left);
    }
    if (relation->changes_rows) { // else what passes is counted after the constraints
        lane->counts[index].passed += (int64_t)left;
        lane->counts[index].made += (int64_t)rows_count(&own->rows);
    }
    rows_free(&filtered);
    return ok;
}

// ---- GROUPS
// --------------------------------------------------------------------------------------
static int64_t pane_start(const struct relation *relation, int64_t pane_us, int64_t time_us)
{
    int64_t from_shift = time_us - relation->window_shift_us;
    int64_t quotient = from_shift / pane_us - (from_shift % pane_us < 0);
    return quotient * pane_us + relation->window_shift_us;
}

// Aggregates that need all rows: the pane's rows as one segment for each pane of the part.
static void keep_rows(struct lane *lane, size_t index, const struct rows_part *part,
                      const struct chunk *inputs, const uint8_t *flags)
{
    const struct relation *relation = &lane->job->plan->relations[index];
    struct job_relation *state = &lane->job->relations[index];
    size_t len = relation->group_inputs_len;
    const struct type *types[1] = {type_simple(TYPE_BIGINT)};
    struct chunk *numbers = chunk_new(types, 1);
    for (size_t i = 0; i < part->count; i++)
        ((int64_t *)numbers->columns[0].data)[rows_part_row(part, i)] =
            rows_part_sequence(part, rows_part_row(part, i));
    struct chunk joined = {.rows = inputs->rows, .columns_len = len + 1};
    joined.columns = ARENA_ARRAY(&lane->arena, struct vector, len + 1);
    memcpy(joined.columns, inputs->columns, len * sizeof(struct vector));
    joined.columns[len] = numbers->columns[0];
    uint8_t *done = ARENA_ARRAY(&lane->arena, uint8_t, part->count);
    const int64_t *times = inputs->columns[0].data;
    uint16_t *selection = ARENA_ARRAY(&lane->arena, uint16_t, part->count);
    for (size_t first = 0; first < part->count; first++) {
        if (done[first] || flags[first])
            continue;
        int64_t start = pane_start(relation, state->pane_us, times[rows_part_row(part, first)]);
        struct rows_part own = {.chunk = &joined, .selection = selection};
        for (size_t i = first; i < part->count; i++) {
            size_t row = rows_part_row(part, i);
            if (done[i] || flags[i] || pane_start(relation, state->pane_us, times[row]) != start)
                continue;
            selection[own.count++] = (uint16_t)row;
            done[i] = 1;
        }
        struct rows rows = {.parts = &own, .parts_len = 1};
        struct kept_segment kept = {.start_us = start,
                                    .segment = segment_new(&rows, state->kept_columns, len + 1)};
        lane_keep(lane, index, kept);
    }
    chunk_free(numbers);
}

struct group_part {
    struct rows_part part;
    const struct vector **columns; // group inputs
    const uint8_t *skip;           // late rows; NULL: none
};

static void add_group_part(struct lane *lane, size_t index, const struct rows_part *part,
                           const struct chunk *inputs, const uint8_t *skip)
{
    struct lane_relation *own = &lane->relations[index];
    size_t len = lane->job->plan->relations[index].group_inputs_len;
    if (own->group_parts_len == own->group_parts_capacity) {
        own->group_parts_capacity =
            own->group_parts_capacity > 0 ? own->group_parts_capacity * 2 : 16;
        own->group_parts =
            heap_resize(own->group_parts, own->group_parts_capacity * sizeof(*own->group_parts));
    }
    const struct vector **columns = ARENA_ARRAY(&lane->arena, const struct vector *, len);
    for (size_t c = 0; c < len; c++)
        columns[c] = &inputs->columns[c];
    own->group_parts[own->group_parts_len++] =
        (struct group_part){.part = *part, .columns = columns, .skip = skip};
}

// Few groups: each lane folds its own rows, whatever their keys (perfect balance, merged at close).
// Many groups: each lane folds its share of the keys over all lanes' rows, so that no group is held
// twice: half the memory, half the journal, nothing to merge.
static void fold_all(struct lane *lane, size_t index)
{
    struct job *job = lane->job;
    struct job_relation *state = &job->relations[index];
    if (job->plan->relations[index].keeps_rows)
        return;
    struct fold *fold = state->folds[lane->index];
    size_t from = state->is_shared ? 0 : lane->index;
    size_t to = state->is_shared ? job->lanes_len : lane->index + 1;
    if (state->is_shared)
        barrier_wait(&job->settle);
    for (size_t l = from; l < to; l++) {
        const struct lane_relation *other = &job->lanes[l].relations[index];
        for (size_t p = 0; p < other->group_parts_len; p++) {
            const struct group_part *group = &other->group_parts[p];
            if (state->is_shared)
                fold_add_share(fold, &group->part, group->columns, group->skip,
                               (uint32_t)lane->index, (uint32_t)job->lanes_len);
            else
                fold_add(fold, &group->part, group->columns, group->skip);
        }
    }
}

// `rows` holds the input relation's columns; the part's rows are rows first.. of it.
static void group_part(struct lane *lane, size_t index, struct rows_part *part,
                       const struct chunk *inputs, const struct rows *rows, size_t first)
{
    const struct relation *relation = &lane->job->plan->relations[index];
    const struct job_relation *state = &lane->job->relations[index];
    struct counts *counts = &lane->counts[index];
    uint8_t *flags = ARENA_ARRAY(&lane->arena, uint8_t, part->count);
    int64_t watermark =
        state->source >= 0 ? lane->job->sources[state->source].watermark_us : TIME_MIN_US;
    bool any = flag_late(relation, part, &inputs->columns[0], watermark, flags);
    if (any) {
        for (size_t i = 0; i < part->count; i++) {
            counts->late += flags[i] == 1;
            counts->filtered += flags[i] == 2;
        }
        lane_late(lane, index, rows, first, flags, part->count);
    }
    if (relation->keeps_rows)
        keep_rows(lane, index, part, inputs, flags);
    else
        add_group_part(lane, index, part, inputs, any ? flags : NULL);
}

static bool step_groups(struct lane *lane, size_t index, struct error *err)
{
    const struct relation *relation = &lane->job->plan->relations[index];
    struct lane_relation *own = &lane->relations[index];
    struct lane_relation *input = &lane->relations[relation->inputs[0]];
    struct rows filtered = {0}, inputs = {0};
    rows_copy(&filtered, &input->rows);
    lane->counts[index].rows_in += (int64_t)rows_count(&filtered);
    bool ok = !relation->has_filter || lane_filter(lane, index, &relation->filter, &filtered, err);
    if (ok && relation->group_direct == NULL && rows_count(&filtered) > 0) {
        scan_set_rows(input->scan, &filtered);
        ok = lane_take_result(lane, own, own->project, all_sequences(lane, &filtered), false,
                              &inputs, err);
    }
    size_t first = 0;
    if (ok && relation->group_direct != NULL) {
        for (size_t p = 0; p < filtered.parts_len; p++) {
            struct rows_part *part = &filtered.parts[p];
            struct chunk *picked = chunk_pick(part->chunk, relation->group_direct,
                                              relation->group_inputs_len, &lane->arena);
            group_part(lane, index, part, picked, &filtered, first);
            first += part->count;
        }
    } else if (ok) {
        for (size_t p = 0; p < inputs.parts_len; p++) {
            group_part(lane, index, &inputs.parts[p], inputs.parts[p].chunk, &filtered, first);
            first += inputs.parts[p].count;
        }
    }
    fold_all(lane, index);
    rows_free(&filtered);
    rows_free(&inputs);
    return ok;
}

// ---- The trigger
// ---------------------------------------------------------------------------------
bool lane_step(struct lane *lane, size_t index, struct error *err)
{
    bool ok = false;
    rows_clear(&lane->relations[index].rows);
    switch (lane->job->plan->relations[index].kind) {
    case RELATION_ROWS:
        ok = step_rows(lane, index, err);
        break;
    case RELATION_DEDUP:
        ok = step_dedup(lane, index);
        break;
    case RELATION_GROUPS:
        ok = step_groups(lane, index, err);
        break;
    case RELATION_SOURCE:
    case RELATION_JOIN:
    case RELATION_OVER:
        ASSERT(!"not a step of a lane");
    }
    const struct relation *relation = &lane->job->plan->relations[index];
    if (ok && relation->kind != RELATION_GROUPS) {
        ok = lane_judge(lane, index, err);
        int64_t left = (int64_t)rows_count(&lane->relations[index].rows);
        lane->counts[index].rows_out += left;
        if (!relation->changes_rows)
            lane->counts[index].passed += left;
    }
    return ok;
}

bool lane_give_to_sinks(struct lane *lane, size_t index, struct error *err)
{
    const struct plan *plan = lane->job->plan;
    const struct rows *rows = &lane->relations[index].rows;
    (void)err;
    if (rows_count(rows) == 0)
        return true;
    for (size_t s = 0; s < plan->sinks_len; s++)
        if (plan->sinks[s].relation == (int)index && plan->sinks[s].is_enabled)
            segment_list_add(&lane->sink_rows[s],
                             segment_new(rows, plan->sinks[s].columns, plan->sinks[s].columns_len));
    return true;
}

bool lane_run(struct lane *lane, struct job_source *source, struct error *err)
{
    size_t first = (size_t)source->plan->relation;
    struct counts *counts = &lane->counts[first];
    int64_t begin_us = clock_monotonic_us();
    bool ok = lane_decode(lane, source, err);
    stage_add(&lane->job->measures, STAGE_DECODE, begin_us);
    begin_us = clock_monotonic_us();
    ok = ok && lane_judge(lane, first, err);
    stage_add(&lane->job->measures, STAGE_JUDGE, begin_us);
    begin_us = clock_monotonic_us();
    if (ok) {
        counts->passed += (int64_t)rows_count(&lane->relations[first].rows);
        counts->rows_out += (int64_t)rows_count(&lane->relations[first].rows);
        observe_times(lane, source);
        ok = lane_give_to_sinks(lane, first, err);
    }
    // A lane that failed still meets the others at each barrier.
    for (size_t i = 0; i < source->order_len; i++) {
        size_t index = source->order[i];
        if (!ok && lane->job->plan->relations[index].kind == RELATION_DEDUP) {
            rows_clear(&lane->relations[index].rows);
            barrier_wait(&lane->job->settle);
            barrier_wait(&lane->job->settle);
        }
        if (!ok && lane->job->relations[index].is_shared)
            barrier_wait(&lane->job->settle);
        ok = ok && lane_step(lane, index, err) && lane_give_to_sinks(lane, index, err);
    }
    stage_add(&lane->job->measures, STAGE_TRANSFORM, begin_us);
    return ok;
}

void lane_end_trigger(struct lane *lane)
{
    if (lane->relations == NULL)
        return; // the job could not be opened
    for (size_t r = 0; r < lane->job->plan->relations_len; r++) {
        struct lane_relation *relation = &lane->relations[r];
        rows_clear(&relation->rows);
        for (size_t i = 0; i < relation->taken_len; i++)
            chunk_free(relation->taken[i]);
        relation->taken_len = 0;
        relation->group_parts_len = 0;
    }
    arena_reset(&lane->arena);
}
