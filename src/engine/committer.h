// SPDX-License-Identifier: MIT
// Makes epochs durable on a thread of its own, so that lanes go on while the disk is busy. One
// epoch is under way at a time: what it says is complete and fixed when it is handed over. What
// follows from a durable epoch (deliveries, acknowledgements) is done by the job thread when it
// settles it.
#ifndef FIRESTEEL_COMMITTER_H
#define FIRESTEEL_COMMITTER_H

#include "engine/job_state.h"

struct commit_order {
    uint64_t epoch;
    struct buf frame;         // kept, since it is large and comes each second
    struct segment *bad_rows; // for the quarantine's file; NULL: none
    int64_t arrival_us;       // monotonic arrival of its oldest batch; 0: none
};

struct committer; // heap object, of one job
struct committer *committer_new(struct job *job);
void committer_free(struct committer *committer); // finishes what is under way
// To be filled; only when nothing is under way.
struct commit_order *committer_order(struct committer *committer);
// Hands the order over. waits: returns when it is durable and settled.
MUST_USE bool committer_run(struct committer *committer, bool waits, struct error *err);
// Settles a finished epoch, if there is one. waits: also one that is still under way. Fails with
// what went wrong in making it durable.
MUST_USE bool committer_settle(struct committer *committer, bool waits, struct error *err);
// The job thread took job->bell from the queue of filled batches.
void committer_heard(struct committer *committer);

#endif
