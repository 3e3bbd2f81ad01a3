// SPDX-License-Identifier: MIT
// The delivering half of the outbox: a thread a group, oldest delivery first, for ever. RETRY backs
// off and tries the same delivery again; any other error is left for the job thread, which stops
// the job (its rows stay in the journal and go out after the cause is cured).
#include "base/failpoint.h"
#include "base/log.h"
#include "engine/measures.h"
#include "engine/outbox_state.h"

#define BACKOFF_FIRST_US (100 * US_PER_MS)
#define BACKOFF_MAX_US (5 * US_PER_SECOND)

void outbox_delivery_free(struct outbox *outbox, struct outbox_delivery *delivery)
{
    for (size_t s = 0; s < outbox->sinks_len; s++)
        segment_list_clear(&delivery->rows[s]);
    heap_free(delivery->rows);
    heap_free(delivery);
}

static bool deliver_sink(struct outbox_sink *sink, const struct outbox_delivery *delivery,
                         const struct segment_list *rows, struct error *err)
{
    struct delivery call = {
        .epoch = delivery->epoch,
        .previous_epoch = delivery->previous_epoch,
        .segments = (const struct segment *const *)rows->list,
        .segments_len = rows->len,
        .rows = segment_list_rows(rows),
        .is_end = delivery->is_end,
    };
    return sink->plan->type->deliver(sink->sink, &call, err) ||
           error_wrap(err, "sink %.*s", STR_ARGS(sink->plan->name));
}

static bool deliver_all(struct outbox_group *group, struct outbox_delivery *delivery,
                        struct error *err)
{
    FAILPOINT("outbox.before_deliver");
    struct outbox *outbox = group->outbox;
    struct sink **members = heap_array(outbox->sinks_len + 1, sizeof(*members));
    size_t members_len = 0;
    const struct sink_type *type = NULL;
    bool ok = true;
    for (size_t s = 0; ok && s < outbox->sinks_len; s++) {
        struct outbox_sink *sink = &outbox->sinks[s];
        if (sink->sink == NULL || sink->group != group->index)
            continue;
        type = sink->plan->type;
        members[members_len++] = sink->sink;
        if (delivery->rows[s].len > 0)
            ok = deliver_sink(sink, delivery, &delivery->rows[s], err);
    }
    if (ok && type != NULL && type->commit != NULL)
        ok = type->commit(members, members_len, delivery->epoch, err);
    heap_free(members);
    if (!ok)
        return false;
    FAILPOINT("outbox.delivered");
    return true;
}

bool outbox_deliver(struct outbox_group *group, struct outbox_delivery *delivery, struct error *err)
{
    struct measures *measures = group->outbox->options.measures;
    int64_t begin_us = clock_monotonic_us();
    bool ok = deliver_all(group, delivery, err);
    if (measures != NULL)
        stage_add(measures, STAGE_DELIVER, begin_us);
    return ok;
}

void outbox_settle(struct outbox_group *group)
{
    struct outbox *outbox = group->outbox;
    struct outbox_delivery *delivery = group->first;
    for (size_t s = 0; s < outbox->sinks_len; s++) {
        int64_t rows = segment_list_rows(&delivery->rows[s]);
        outbox->sinks[s].rows_delivered += rows;
        if (rows > 0)
            metric_add(outbox->sinks[s].rows_metric, rows);
    }
    group->delivered = delivery->epoch;
    group->first = delivery->next;
    if (group->first == NULL)
        group->last = NULL;
    outbox->bytes -= delivery->bytes;
    outbox_delivery_free(outbox, delivery);
}

// Waits on the condition so that a stop ends the pause at once. Mutex held.
static void pause_for(struct outbox *outbox, int64_t duration_us)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    int64_t ns = until.tv_nsec + duration_us % US_PER_SECOND * 1000;
    until.tv_sec += (time_t)(duration_us / US_PER_SECOND + ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    pthread_cond_timedwait(&outbox->changed, &outbox->mutex, &until);
}

static void handle_failure(struct outbox_group *group, const struct error *error,
                           int64_t *backoff_us)
{
    if (error->kind != ERROR_RETRY) {
        group->error = *error;
        group->has_failed = true;
        return;
    }
    if (!group->is_degraded)
        log_warn("cannot deliver, trying again: %s", error->text);
    group->error = *error;
    group->is_degraded = true;
    pause_for(group->outbox, *backoff_us);
    *backoff_us = *backoff_us * 2 > BACKOFF_MAX_US ? BACKOFF_MAX_US : *backoff_us * 2;
}

static void *worker_main(void *argument)
{
    struct outbox_group *group = argument;
    struct outbox *outbox = group->outbox;
    int64_t backoff_us = BACKOFF_FIRST_US;
    pthread_mutex_lock(&outbox->mutex);
    for (;;) {
        while (group->first == NULL && !outbox->stop)
            pthread_cond_wait(&outbox->changed, &outbox->mutex);
        if (outbox->stop || group->has_failed)
            break;
        struct outbox_delivery *delivery = group->first;
        pthread_mutex_unlock(&outbox->mutex);
        struct error error = {0};
        bool ok = outbox_deliver(group, delivery, &error);
        pthread_mutex_lock(&outbox->mutex);
        if (!ok) {
            handle_failure(group, &error, &backoff_us);
            pthread_cond_broadcast(&outbox->changed);
            continue;
        }
        backoff_us = BACKOFF_FIRST_US;
        group->is_degraded = false;
        outbox_settle(group);
        pthread_cond_broadcast(&outbox->changed);
    }
    pthread_mutex_unlock(&outbox->mutex);
    return NULL;
}

void outbox_workers_start(struct outbox *outbox)
{
    for (size_t g = 0; g < outbox->groups_len; g++) {
        struct outbox_group *group = &outbox->groups[g];
        group->has_thread = pthread_create(&group->thread, NULL, worker_main, group) == 0;
        ASSERT(group->has_thread);
        pthread_setname_np(group->thread, "deliver");
    }
}

void outbox_workers_stop(struct outbox *outbox)
{
    pthread_mutex_lock(&outbox->mutex);
    outbox->stop = true;
    pthread_cond_broadcast(&outbox->changed);
    pthread_mutex_unlock(&outbox->mutex);
    for (size_t g = 0; g < outbox->groups_len; g++)
        if (outbox->groups[g].has_thread)
            pthread_join(outbox->groups[g].thread, NULL);
}

bool outbox_wait(struct outbox *outbox, int64_t timeout_us, struct error *err)
{
    int64_t until = clock_monotonic_us() + timeout_us;
    bool ok = true;
    pthread_mutex_lock(&outbox->mutex);
    for (size_t g = 0; ok && g < outbox->groups_len; g++) {
        struct outbox_group *group = &outbox->groups[g];
        while (ok && group->first != NULL && !group->has_failed) {
            if (timeout_us >= 0 && clock_monotonic_us() >= until)
                ok = error_set(err, ERROR_RETRY, "rows are still to be delivered: %s",
                               group->error.text);
            else
                pause_for(outbox, 50 * US_PER_MS);
        }
        if (group->has_failed) {
            *err = group->error;
            ok = false;
        }
    }
    pthread_mutex_unlock(&outbox->mutex);
    return ok;
}

bool outbox_make_room(struct outbox *outbox, struct error *err)
{
    bool ok = true;
    pthread_mutex_lock(&outbox->mutex);
    while (ok && outbox->bytes > outbox->plan->settings.outbox_limit_bytes / 4) {
        bool is_waiting = false;
        for (size_t g = 0; g < outbox->groups_len; g++) {
            is_waiting = is_waiting || outbox->groups[g].first != NULL;
            if (outbox->groups[g].has_failed) {
                *err = outbox->groups[g].error;
                ok = false;
            }
        }
        if (!is_waiting)
            break;
        if (ok)
            pause_for(outbox, 10 * US_PER_MS);
    }
    pthread_mutex_unlock(&outbox->mutex);
    return ok;
}

bool outbox_failed(struct outbox *outbox, struct error *err)
{
    bool failed = false;
    pthread_mutex_lock(&outbox->mutex);
    for (size_t g = 0; g < outbox->groups_len && !failed; g++) {
        failed = outbox->groups[g].has_failed;
        if (failed)
            *err = outbox->groups[g].error;
    }
    pthread_mutex_unlock(&outbox->mutex);
    return failed;
}

bool outbox_is_degraded(struct outbox *outbox, struct buf *reason)
{
    bool degraded = false;
    pthread_mutex_lock(&outbox->mutex);
    for (size_t g = 0; g < outbox->groups_len && !degraded; g++) {
        degraded = outbox->groups[g].is_degraded;
        if (degraded && reason != NULL)
            buf_add_cstr(reason, outbox->groups[g].error.text);
    }
    pthread_mutex_unlock(&outbox->mutex);
    return degraded;
}
