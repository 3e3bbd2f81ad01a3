// SPDX-License-Identifier: MIT
// One batch through everything: lanes, then what they left behind is gathered in lane order, then
// positions and watermark move, then windows close. Rows are judged by the watermark as it was
// before the trigger.
#include "engine/job_state.h"
#include "engine/replay.h"

void job_now(struct job *job)
{
    job->now_us = clock_now_us(job->clock);
}

// Sinks get rows in lane order, which is row order.
void lane_gather(struct job *job, struct lane *lane)
{
    for (size_t s = 0; s < job->plan->sinks_len; s++) {
        if (lane->sink_rows[s].len == 0)
            continue;
        outbox_add(job->outbox, s, &lane->sink_rows[s]);
    }
    for (size_t i = 0; i < lane->kept_len; i++)
        kept_add(&job->relations[lane->kept[i].relation], lane->kept[i].start_us,
                 lane->kept[i].segment);
    lane->kept_len = 0;
    quarantine_move(job->quarantine, lane->quarantine);
    job_count_lane(job, lane);
}

static void move_positions(struct job_source *source, const struct batch *batch)
{
    for (size_t i = 0; i < batch->positions_len; i++) {
        const struct batch_position *position = &batch->positions[i];
        if (position->partition == REPLAY_PARTITION) {
            replay_move(source, position);
            continue;
        }
        ASSERT(position->partition < source->partitions_len);
        struct partition *partition = &source->partitions[position->partition];
        partition->offset = position->offset;
        partition->line = position->line;
        partition->is_end = position->is_end;
        partition->is_done = position->is_done;
        if (position->mark.ptr != NULL) {
            pthread_mutex_lock(&source->job->partitions_mutex);
            partition->mark = arena_str(&source->job->arena, position->mark);
            pthread_mutex_unlock(&source->job->partitions_mutex);
        }
        source->position_changed[position->partition] = true;
        if (source->watermark != NULL)
            watermark_position(source->watermark, source->watermark_numbers[position->partition],
                               position->is_end, position->is_done);
    }
}

static int64_t batch_rows(const struct batch *batch)
{
    int64_t rows = (int64_t)batch->rows;
    for (size_t i = 0; i < batch->chunks_len; i++)
        rows += (int64_t)batch->chunks[i]->rows;
    return rows;
}

static void move_watermark(struct job *job, struct job_source *source)
{
    // In batch no row is late: the watermark stands until the end of the input.
    if (source->watermark == NULL || job->drained || job->options.execution == EXECUTION_BATCH)
        return;
    if (job->options.replay) // old rows say nothing about how far the input has come
        return;
    watermark_advance(source->watermark, job->now_us);
    int64_t watermark = watermark_us(source->watermark);
    if (watermark == source->watermark_us)
        return;
    source->watermark_us = watermark;
    job->has_uncommitted = true;
    for (size_t i = 0; i < source->order_len; i++)
        if (job->relations[source->order[i]].dedup != NULL)
            dedup_advance(job->relations[source->order[i]].dedup, watermark);
}

bool trigger_time(struct job *job, struct error *err)
{
    job_now(job);
    for (size_t s = 0; s < job->plan->sources_len; s++)
        if (job->sources[s].source != NULL)
            move_watermark(job, &job->sources[s]);
    int64_t begin_us = clock_monotonic_us();
    bool ok = windows_advance(job, err);
    stage_add(&job->measures, STAGE_CLOSE, begin_us);
    job_count_lane(job, &job->closer);
    quarantine_move(job->quarantine, job->closer.quarantine);
    return ok;
}

bool trigger_run(struct job *job, struct job_source *source, struct batch *batch, struct error *err)
{
    int64_t rows = batch_rows(batch);
    job_now(job);
    source_adopt_partitions(source);
    source->batch = batch;
    if (source->watermark != NULL)
        source->watermark_limit_us = watermark_limit_us(source->watermark, job->now_us);
    bool ok = rows == 0 || lanes_run(job, source, err);
    for (size_t l = 0; ok && rows > 0 && l < job->lanes_len; l++) {
        struct lane *lane = &job->lanes[l];
        lane_gather(job, lane);
        if (job->options.replay)
            watermark_tally_clear(&lane->tally);
        else if (source->watermark != NULL)
            watermark_observe(source->watermark, &lane->tally, job->now_us);
    }
    if (ok && rows > 0 && job->plan->is_table_mode)
        ok = batch_tables_take(job, source, err);
    for (size_t l = 0; rows > 0 && l < job->lanes_len; l++)
        lane_end_trigger(&job->lanes[l]);
    source->batch = NULL;
    if (!ok)
        return false;
    move_positions(source, batch);
    job->sequence += rows;
    job->rows_total += rows;
    source->rows_total += rows;
    source->bytes_total += (int64_t)batch->bytes;
    job->has_uncommitted = job->has_uncommitted || rows > 0 || batch->positions_len > 0;
    job->wants_commit = job->wants_commit || batch->wants_commit;
    if (rows > 0 && job->arrival_us == 0)
        job->arrival_us = batch->arrival_us;
    return trigger_time(job, err);
}
