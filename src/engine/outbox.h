// SPDX-License-Identifier: MIT
// Rows on their way out. Rows of an epoch are pending until the sink's roll rule says so (or at
// once); then they become a delivery named by the epoch that decided it. The decision is in that
// epoch's frame, so after a crash the same rows are delivered under the same name. One worker
// thread a delivery group delivers in order and retries for ever with back-off.
#ifndef FIRESTEEL_OUTBOX_H
#define FIRESTEEL_OUTBOX_H

#include "base/clock.h"
#include "pipeline/plan.h"

struct outbox; // heap object
struct segment_list;
struct measures;

struct outbox_options {
    const struct clock *clock;
    enum execution execution;
    struct str uuid; // of the checkpoint
    uint64_t generation;
    bool is_synchronous; // tests: deliver inside outbox_release, fail instead of retrying
    struct database *database;
    struct measures *measures; // NULL: nobody asks how long deliveries take
};
struct outbox *outbox_open(const struct plan *plan, const struct outbox_options *options,
                           struct error *err);
void outbox_close(struct outbox *outbox); // stops workers; undelivered rows stay in the journal

// Rows of the running epoch for a sink; the segments become the outbox's.
void outbox_add(struct outbox *outbox, size_t sink, struct segment_list *rows);
// Decides what is to be delivered at the end of this epoch and writes new rows, decisions and
// delivered marks into the frame. `is_closed` rows come from windows. Then, once the frame is
// durable: outbox_release hands the deliveries to the workers.
void outbox_encode_epoch(struct outbox *outbox, uint64_t epoch, bool is_end, struct buf *frame);
MUST_USE bool outbox_release(struct outbox *outbox, struct error *err);
bool outbox_has_rows(const struct outbox *outbox); // rows added since the last frame
void outbox_encode_base(struct outbox *outbox, struct buf *base);
MUST_USE bool outbox_load(struct outbox *outbox, struct reader *reader, uint64_t epoch,
                          bool is_base, struct error *err);
// After recovery: compares each sink's own memory with the newest epoch, then starts delivering.
MUST_USE bool outbox_start(struct outbox *outbox, uint64_t epoch, struct error *err);
// Waits until everything decided is delivered. ERROR_RETRY when timeout_us is over.
MUST_USE bool outbox_wait(struct outbox *outbox, int64_t timeout_us, struct error *err);
MUST_USE bool outbox_finish(struct outbox *outbox, struct error *err); // batch: switch over
bool outbox_failed(struct outbox *outbox, struct error *err); // a worker met an error for the job
bool outbox_is_degraded(struct outbox *outbox, struct buf *reason);
int64_t outbox_fresh_bytes(const struct outbox *outbox); // rows since the last frame
// Waits until undelivered rows are below the limit again. Fails when a delivery failed for good.
MUST_USE bool outbox_make_room(struct outbox *outbox, struct error *err);
int64_t outbox_bytes(const struct outbox *outbox); // undelivered
// For the ledger: rows added and delivered since the last call, and rows waiting, as of the last
// record encoded (so that ledger and delivered marks of one frame agree).
struct outbox_counts {
    int64_t added, delivered, waiting;
};
struct outbox_counts outbox_counts(struct outbox *outbox, size_t sink);
bool outbox_is_due(const struct outbox *outbox); // pending rows that a sink wants by now

#endif
