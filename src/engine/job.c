// SPDX-License-Identifier: MIT
// The loop: take a batch, run its trigger, commit when it is time, and see to the end. One thread;
// reading and delivering happen beside it. What is not committed when the process ends is done
// again.
#include "engine/job.h"
#include "base/log.h"
#include "engine/committer.h"
#include "engine/job_state.h"

#define STOP_WAIT_US (20 * US_PER_SECOND)
// In a catch-up a frame is written before its interval ends when it has become this large.
#define COMMIT_BYTES_MAX (4 << 20)
#define COMMIT_ROWS_MAX 500000

void job_request_stop(struct job *job)
{
    atomic_fetch_add(&job->stop_requested, 1);
}

static bool commit(struct job *job, bool is_end, struct error *err)
{
    job->committed_rows_once = job->committed_rows_once || outbox_has_rows(job->outbox);
    if (!epoch_commit(job, is_end, err))
        return false;
    job->wants_commit = false;
    job->last_commit_us = clock_monotonic_us();
    measures_take(job);
    job->committed_rows = job->rows_total;
    return true;
}

// And what it decided has been handed to the sinks.
static bool commit_and_wait(struct job *job, bool is_end, struct error *err)
{
    return commit(job, is_end, err) && committer_settle(job->committer, true, err);
}

// The first rows that go out are committed at once, so that a user sees something; after that each
// commit_interval.
static bool commit_if_due(struct job *job, struct error *err)
{
    int64_t since_us = clock_monotonic_us() - job->last_commit_us;
    bool is_time = since_us >= job->plan->settings.commit_interval_us;
    bool is_large = outbox_fresh_bytes(job->outbox) > COMMIT_BYTES_MAX ||
                    job->rows_total - job->committed_rows > COMMIT_ROWS_MAX;
    bool is_first = !job->committed_rows_once && outbox_has_rows(job->outbox);
    if (!is_first && !is_large && !job->wants_commit &&
        !(is_time && (job->has_uncommitted || outbox_is_due(job->outbox))))
        return true;
    return commit(job, false, err);
}

static int64_t emit_every_us(const struct plan *plan)
{
    int64_t every_us = -1;
    for (size_t s = 0; s < plan->sinks_len; s++)
        if (plan->sinks[s].is_enabled && plan->sinks[s].emit == EMIT_CHANGES &&
            (every_us < 0 || plan->sinks[s].emit_every_us < every_us))
            every_us = plan->sinks[s].emit_every_us;
    return every_us;
}

static bool emit_if_due(struct job *job, struct error *err)
{
    int64_t every_us = emit_every_us(job->plan), now_us = clock_now_us(job->clock);
    if (every_us < 0 || now_us - job->emit_us < every_us)
        return true;
    job->emit_us = now_us;
    bool ok = windows_emit_changes(job, err);
    job_count_lane(job, &job->closer);
    return ok;
}

static bool all_ended(const struct job *job)
{
    for (size_t s = 0; s < job->plan->sources_len; s++)
        if (job->sources[s].source != NULL && !job->sources[s].is_end)
            return false;
    return true;
}

static void set_state(struct job *job, bool took_rows)
{
    if (outbox_is_degraded(job->outbox, NULL) || readers_degraded(job))
        job->state = JOB_DEGRADED;
    else
        job->state = took_rows ? JOB_RUNNING : JOB_IDLE;
}

// How long to wait for input: until the next commit is due, at most 50 ms (stop requests, timers).
static int64_t wait_us(const struct job *job)
{
    int64_t left_us =
        job->last_commit_us + job->plan->settings.commit_interval_us - clock_monotonic_us();
    if (!job->has_uncommitted)
        left_us = 50 * US_PER_MS;
    return left_us < 1000 ? 1000 : left_us > 50 * US_PER_MS ? 50 * US_PER_MS : left_us;
}

static bool turn(struct job *job, struct error *err)
{
    bool is_full = outbox_bytes(job->outbox) > job->plan->settings.outbox_limit_bytes;
    int64_t begin_us = clock_monotonic_us();
    struct batch_slot *slot = is_full ? NULL : readers_take(job, wait_us(job));
    stage_add(&job->measures, STAGE_COLLECT, begin_us);
    bool ok = true;
    if (is_full)
        clock_sleep_us(US_PER_MS);
    if (slot == &job->bell) {
        committer_heard(job->committer);
        slot = NULL;
    }
    if (!committer_settle(job->committer, false, err)) {
        if (slot != NULL)
            readers_give_back(job, slot);
        return false;
    }
    set_state(job, slot != NULL);
    if (slot != NULL) {
        ok = trigger_run(job, slot->source, slot->batch, err);
        slot->source->is_end = slot->source->is_end || slot->is_last;
        readers_give_back(job, slot);
    } else {
        ok = trigger_time(job, err);
    }
    ok = ok && emit_if_due(job, err);
    if (!ok || readers_failed(job, err) || outbox_failed(job->outbox, err))
        return false;
    // A batch run shows nothing before its end.
    return job->options.execution == EXECUTION_BATCH ? batch_commit_if_large(job, err)
                                                     : commit_if_due(job, err);
}

// Rows of a long batch run go to the staging area as they come, so memory stays bounded.
bool batch_commit_if_large(struct job *job, struct error *err)
{
    bool is_large = outbox_bytes(job->outbox) > job->plan->settings.outbox_limit_bytes / 4;
    return !is_large || !outbox_has_rows(job->outbox) || commit(job, false, err);
}

static bool end_of_input(struct job *job, struct error *err)
{
    bool is_batch = job->options.execution == EXECUTION_BATCH;
    if (is_batch || job->options.drain)
        job->drained = true;
    if (!trigger_time(job, err) || (job->plan->is_table_mode && !batch_tables_finish(job, err)))
        return false;
    if (job->drained && !windows_emit_changes(job, err))
        return false;
    if (!commit_and_wait(job, true, err) || !outbox_wait(job->outbox, -1, err))
        return false;
    if (is_batch && !outbox_finish(job->outbox, err))
        return false;
    return commit_and_wait(job, true, err); // the delivered marks
}

static bool graceful_stop(struct job *job, struct error *err)
{
    job->state = JOB_STOPPING;
    log_info("stopping: finishing the epoch");
    job->stop_requested =
        0; // the stop frame itself may wait for a full disk; a second signal ends it
    if (!commit_and_wait(job, false, err))
        return false;
    struct error wait = {0};
    if (!outbox_wait(job->outbox, STOP_WAIT_US, &wait))
        log_warn("stopped before everything was delivered; the checkpoint keeps it: %s", wait.text);
    else if (!commit_and_wait(job, false, err))
        return false;
    job->state = JOB_DONE;
    return true;
}

bool job_run(struct job *job, struct error *err)
{
    bool follows = job->options.execution == EXECUTION_STREAM;
    if (follows) // the words that health checks of the Spark jobs look for
        log_info("Streaming queries started successfully");
    while (!job->stop_requested) {
        if (!turn(job, err)) {
            job->state = JOB_FAILED;
            return false;
        }
        if (!follows && all_ended(job) && queue_count(job->filled) == 0) {
            bool ok = end_of_input(job, err);
            job->state = ok ? JOB_DONE : JOB_FAILED;
            return ok;
        }
    }
    if (job->options.execution == EXECUTION_BATCH)
        return error_set(err, ERROR_FATAL,
                         "stopped before the end of the input; a batch run that was "
                         "stopped leaves the old output as it was");
    return graceful_stop(job, err);
}

// ---- One thing at a time, for tests
// --------------------------------------------------------------
bool job_step(struct job *job, int64_t *rows, struct error *err)
{
    int64_t before = job->rows_total;
    for (size_t s = 0; s < job->plan->sources_len; s++) {
        struct job_source *source = &job->sources[s];
        if (source->source == NULL)
            continue;
        struct batch *batch = batch_new();
        enum read_state state = READ_IDLE;
        bool ok = source_read_now(source, batch, 1 << 20, &state, err) &&
                  trigger_run(job, source, batch, err);
        batch_free(batch);
        if (!ok)
            return false;
        source->is_end = state == READ_END;
    }
    *rows = job->rows_total - before;
    return emit_if_due(job, err);
}

bool job_advance_time(struct job *job, int64_t event_time_us, struct error *err)
{
    for (size_t s = 0; s < job->plan->sources_len; s++) {
        struct job_source *source = &job->sources[s];
        if (source->watermark != NULL)
            watermark_raise(source->watermark,
                            event_time_us == TIME_MAX_US
                                ? TIME_MAX_US
                                : event_time_us - source->plan->watermark_delay_us);
    }
    return trigger_time(job, err);
}

bool job_commit(struct job *job, struct error *err)
{
    return commit(job, true, err) && outbox_wait(job->outbox, -1, err);
}
