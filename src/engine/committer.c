// SPDX-License-Identifier: MIT
// Order of the durable steps: new keys, then the frame that counts them (from here the epoch is
// decided), then the quarantine's file, then files of forgotten keys go. A crash between any two is
// repaired at the next start. Key files and the journal belong to this thread while an order is
// under way; the job thread waits for it before it touches either.
#include "engine/committer.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "engine/latency.h"
#include "engine/remote.h"
#include <stdio.h>

#define FULL_DISK_PAUSE_US (200 * US_PER_MS)

struct committer {
    struct job *job;
    struct commit_order order;
    pthread_t thread;
    bool has_thread; // tests and batch runs work on the job thread
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    enum { IDLE, UNDER_WAY, DONE } state; // guarded by the mutex
    bool stop;
    _Atomic bool is_done, is_bell_out;
    struct error error;
    bool failed;
};

// ---- Durable steps

// A full disk is waited out; a stop request ends the waiting (the epoch is then redone at restart).
static bool may_wait(struct job *job, const struct error *error, bool *warned)
{
    if (error->kind != ERROR_RETRY || job->stop_requested || job->options.is_test)
        return false;
    if (!*warned)
        log_warn("cannot write the checkpoint, trying again: %s", error->text);
    *warned = true;
    job->state = JOB_DEGRADED;
    clock_sleep_us(FULL_DISK_PAUSE_US);
    return true;
}

static bool write_keys(struct job *job, uint64_t epoch, struct error *err)
{
    bool warned = false;
    for (size_t r = 0; r < job->plan->relations_len; r++) {
        struct job_relation *state = &job->relations[r];
        while (
            state->key_files != NULL &&
            !((job->remote == NULL || remote_put_keys(job->remote, state->key_files, epoch, err)) &&
              key_files_write(state->key_files, err))) {
            if (!may_wait(job, err, &warned))
                return error_wrap(err, "checkpoint");
            error_clear(err);
        }
    }
    return true;
}

static bool write_frame(struct job *job, const struct commit_order *order, struct error *err)
{
    bool warned = false;
    while (!journal_append(job->journal, order->epoch, buf_str(&order->frame), err)) {
        if (!may_wait(job, err, &warned))
            return false;
        error_clear(err);
    }
    while (job->remote != NULL &&
           !remote_put_frame(job->remote, order->epoch, buf_str(&order->frame), err)) {
        if (!may_wait(job, err, &warned))
            return false;
        error_clear(err);
    }
    return true;
}

bool job_write_quarantine(struct job *job, uint64_t epoch, const struct segment *bad_rows,
                          struct error *err)
{
    bool warned = false;
    if (!quarantine_write(job->quarantine_writer, job->quarantine_folder, job->uuid, epoch,
                          bad_rows, err))
        return false;
    char file[QUARANTINE_NAME_MAX], name[sizeof(file) + 16];
    quarantine_file_name(job->uuid, epoch, file);
    snprintf(name, sizeof(name), "quarantine/%s", file);
    while (job->remote != NULL && job->quarantine_is_remote &&
           !remote_put_file(job->remote, name, err)) {
        if (!may_wait(job, err, &warned))
            return false;
        error_clear(err);
    }
    return true;
}

static bool forget_keys(struct job *job, struct error *err)
{
    for (size_t r = 0; r < job->plan->relations_len; r++) {
        struct job_relation *state = &job->relations[r];
        struct error ignored = {0}; // what stays there is not read any more
        if (state->key_files != NULL && job->remote != NULL &&
            !remote_forget_keys(job->remote, state->key_files, &ignored))
            log_warn("%s", ignored.text);
        if (state->key_files != NULL && !key_files_forget(state->key_files, err))
            return error_wrap(err, "checkpoint");
    }
    return true;
}

static bool make_durable(struct job *job, struct commit_order *order, struct error *err)
{
    int64_t begin_us = clock_monotonic_us();
    if (job->journal != NULL && !write_keys(job, order->epoch, err))
        return false;
    FAILPOINT("epoch.keys_appended");
    bool ok = job->journal == NULL || write_frame(job, order, err);
    if (ok && order->bad_rows != NULL)
        ok = job_write_quarantine(job, order->epoch, order->bad_rows, err);
    segment_free(order->bad_rows);
    order->bad_rows = NULL;
    measures_committed(&job->measures, begin_us, clock_now_us(job->clock));
    return ok && (job->journal == NULL || forget_keys(job, err));
}

// ---- The thread

static void ring(struct committer *committer)
{
    struct queue *filled = committer->job->filled;
    if (filled != NULL && !atomic_exchange(&committer->is_bell_out, true))
        queue_put(filled, &committer->job->bell);
}

static void *committer_main(void *argument)
{
    struct committer *committer = argument;
    pthread_mutex_lock(&committer->mutex);
    for (;;) {
        while (committer->state != UNDER_WAY && !committer->stop)
            pthread_cond_wait(&committer->changed, &committer->mutex);
        if (committer->state != UNDER_WAY)
            break;
        pthread_mutex_unlock(&committer->mutex);
        bool ok = make_durable(committer->job, &committer->order, &committer->error);
        pthread_mutex_lock(&committer->mutex);
        committer->failed = !ok;
        committer->state = DONE;
        committer->is_done = true;
        pthread_cond_broadcast(&committer->changed);
        pthread_mutex_unlock(&committer->mutex);
        ring(committer);
        pthread_mutex_lock(&committer->mutex);
    }
    pthread_mutex_unlock(&committer->mutex);
    return NULL;
}

struct committer *committer_new(struct job *job)
{
    struct committer *committer = heap_new(sizeof(*committer));
    committer->job = job;
    pthread_mutex_init(&committer->mutex, NULL);
    pthread_cond_init(&committer->changed, NULL);
    if (job->options.is_test || job->journal == NULL)
        return committer;
    committer->has_thread =
        pthread_create(&committer->thread, NULL, committer_main, committer) == 0;
    ASSERT(committer->has_thread);
    pthread_setname_np(committer->thread, "commit");
    return committer;
}

void committer_free(struct committer *committer)
{
    if (committer == NULL)
        return;
    if (committer->has_thread) {
        pthread_mutex_lock(&committer->mutex);
        committer->stop = true;
        pthread_cond_broadcast(&committer->changed);
        pthread_mutex_unlock(&committer->mutex);
        pthread_join(committer->thread, NULL);
    }
    segment_free(committer->order.bad_rows);
    buf_clear(&committer->order.frame);
    pthread_mutex_destroy(&committer->mutex);
    pthread_cond_destroy(&committer->changed);
    heap_free(committer);
}

// ---- The job thread's side

struct commit_order *committer_order(struct committer *committer)
{
    ASSERT(committer->state == IDLE);
    return &committer->order;
}

// The epoch is decided: its rows go out, its inputs are done with.
static bool follow_up(struct committer *committer, struct error *err)
{
    struct job *job = committer->job;
    FAILPOINT("epoch.decided");
    if (committer->order.arrival_us > 0)
        latency_add(job->latency, clock_monotonic_us() - committer->order.arrival_us);
    if (!outbox_release(job->outbox, err))
        return false;
    for (size_t s = 0; s < job->plan->sources_len; s++)
        source_acknowledge(&job->sources[s]);
    FAILPOINT("epoch.acknowledged");
    return true;
}

bool committer_run(struct committer *committer, bool waits, struct error *err)
{
    if (!committer->has_thread)
        return make_durable(committer->job, &committer->order, err) && follow_up(committer, err);
    pthread_mutex_lock(&committer->mutex);
    committer->state = UNDER_WAY;
    committer->is_done = false;
    pthread_cond_broadcast(&committer->changed);
    pthread_mutex_unlock(&committer->mutex);
    return !waits || committer_settle(committer, true, err);
}

bool committer_settle(struct committer *committer, bool waits, struct error *err)
{
    if (!committer->has_thread || (!waits && !committer->is_done))
        return true;
    pthread_mutex_lock(&committer->mutex);
    while (committer->state == UNDER_WAY)
        pthread_cond_wait(&committer->changed, &committer->mutex);
    bool settles = committer->state == DONE;
    committer->state = IDLE;
    committer->is_done = false;
    pthread_mutex_unlock(&committer->mutex);
    if (!settles)
        return true;
    if (committer->failed) {
        *err = committer->error;
        return false;
    }
    return follow_up(committer, err);
}

void committer_heard(struct committer *committer)
{
    committer->is_bell_out = false;
}
