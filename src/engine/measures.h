// SPDX-License-Identifier: MIT
// How long the stages take and how much state there is. Written once a trigger or a commit, never a
// row; read by the service face at any time, so everything is a relaxed atomic.
#ifndef FIRESTEEL_MEASURES_H
#define FIRESTEEL_MEASURES_H

#include "base/clock.h"
#include <stdatomic.h>

struct job;

enum stage {
    STAGE_COLLECT,   // job thread: waiting for a batch
    STAGE_DECODE,    // lanes, added up: bytes into vectors
    STAGE_JUDGE,     // lanes: constraints of the source
    STAGE_TRANSFORM, // lanes: views, dedup, groups; with the waits for each other
    STAGE_CLOSE,     // job thread: windows that the watermark passed
    STAGE_FRAME,     // job thread: making the frame; committer: until it is durable
    STAGE_DELIVER,   // workers of the outbox, added up
    STAGES
};
extern const char *const stage_names[STAGES];

struct measures {
    _Atomic int64_t stage_us[STAGES]; // since the start of the process
    _Atomic int64_t commit_us;        // wall clock of the newest commit; 0: none in this run
    _Atomic int64_t frame_us;         // how long its frame took
    _Atomic int64_t state_rows;
};

static inline void stage_add(struct measures *measures, enum stage stage, int64_t begin_us)
{
    atomic_fetch_add_explicit(&measures->stage_us[stage], clock_monotonic_us() - begin_us,
                              memory_order_relaxed);
}

// A commit that began at begin_us (monotonic) is durable at now_us (wall clock).
static inline void measures_committed(struct measures *measures, int64_t begin_us, int64_t now_us)
{
    stage_add(measures, STAGE_FRAME, begin_us);
    atomic_store_explicit(&measures->frame_us, clock_monotonic_us() - begin_us,
                          memory_order_relaxed);
    atomic_store_explicit(&measures->commit_us, now_us, memory_order_relaxed);
}

// Job thread, after each commit: the state of every operator.
void measures_take(struct job *job);

#endif
