// SPDX-License-Identifier: MIT
// The outbox's own structures, shared by outbox.c (rows and decisions) and outbox_worker.c
// (delivery).
#ifndef FIRESTEEL_OUTBOX_STATE_H
#define FIRESTEEL_OUTBOX_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/metric.h"
#include "engine/job_state.h"

struct outbox_sink {
    const struct plan_sink *plan;
    struct sink *sink;
    void *options;
    size_t group;
    bool is_closed;            // fed by closed windows
    struct segment_list fresh; // rows since the last frame
    struct segment_list pending;
    int64_t pending_rows, pending_bytes, pending_since_us;
    int64_t rows_added, rows_delivered; // since the last snapshot; mutex
    struct outbox_counts snapshot;
    struct metric *rows_metric;
};

struct outbox_delivery {
    struct outbox_delivery *next;
    uint64_t epoch, previous_epoch;
    bool is_end;
    int64_t bytes;
    struct segment_list *rows; // parallel to the outbox's sinks; empty for others' groups
};

struct outbox_group {
    struct outbox *outbox;
    size_t index;
    struct buf key;
    pthread_t thread;
    bool has_thread;
    struct outbox_delivery *first, *last; // released, oldest first
    struct outbox_delivery *decided;      // waits for its frame
    uint64_t last_decided;
    _Atomic uint64_t delivered;
    bool is_degraded;
    struct error error; // newest RETRY error, or the one that ends the job
    bool has_failed;
};

struct outbox {
    const struct plan *plan;
    struct outbox_options options;
    struct arena arena;
    struct outbox_sink *sinks; // parallel to plan->sinks
    size_t sinks_len;
    struct outbox_group *groups;
    size_t groups_len;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stop;
    _Atomic int64_t bytes;
};

MUST_USE bool outbox_deliver(struct outbox_group *group, struct outbox_delivery *delivery,
                             struct error *err);
// The group's oldest delivery is done: counts, forgets it. Mutex held.
void outbox_settle(struct outbox_group *group);
void outbox_workers_start(struct outbox *outbox);
void outbox_workers_stop(struct outbox *outbox);
void outbox_delivery_free(struct outbox *outbox, struct outbox_delivery *delivery);

#endif
