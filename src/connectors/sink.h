// SPDX-License-Identifier: MIT
// What a sink must do. Sinks with the same group_key form one delivery group: one connection, one
// transaction. The engine delivers a group's epochs in order from one worker thread, and repeats a
// delivery after a crash or an error: the same epoch with the same rows. It counts as done when
// deliver returns true.
#ifndef FIRESTEEL_SINK_H
#define FIRESTEEL_SINK_H

#include "base/clock.h"
#include "base/option.h"
#include "connectors/source.h"
#include "duck/segment.h"

struct sink_context {
    struct str pipeline;   // name
    struct str name;       // of the sink
    struct str checkpoint; // uuid, 36 characters
    uint64_t generation;
    enum execution execution;
    const struct clock *clock;
    const struct column *columns; // of the rows delivered
    size_t columns_len;
    const struct str *keys; // GROUP BY key columns: upsert key under EMIT CHANGES; else none
    size_t keys_len;
    bool emits_changes;                // rows are upserts
    const struct option_value *values; // all options as given, for names that no table can list
    size_t values_len;
    struct database *database;
};

struct delivery {
    uint64_t epoch;                        // names this delivery; deterministic on repeats
    uint64_t previous_epoch;               // of the last delivery with rows in this group, 0: none
    const struct segment *const *segments; // rows of ONE sink, in order
    size_t segments_len;
    int64_t rows;
    bool is_end; // last delivery of a batch or drained run
};

// What waits in the journal for an accumulating sink (files).
struct pending {
    int64_t rows;
    int64_t bytes;
    int64_t age_us; // of the oldest row, wall clock
    bool is_end;    // job ends (drain, batch, graceful stop is NOT an end)
    bool is_closed; // rows come from closed windows
};

enum promise { PROMISE_EXACTLY_ONCE, PROMISE_AT_LEAST_ONCE };

struct sink;
struct sink_type {
    const char *name;
    const char *summary;
    const struct option *options;
    size_t options_len, options_size;
    enum promise promise;
    bool takes_changes; // can apply upserts (else EMIT CHANGES is refused)
    // Options that are expressions over the sink's rows, ends with NULL; NULL: none has. What they
    // give comes with the rows: for `key` as a column `_key` behind the others.
    const char *const *row_options;
    struct sink *(*open)(const void *options, const struct sink_context *context,
                         struct error *err);
    // Text that names connection and target system; sinks with equal text share a group.
    void (*group_key)(const struct sink *sink, struct buf *out);
    // The newest epoch that this sink remembers having got from this checkpoint; 0: none or no
    // memory. A sink that holds another checkpoint's progress refuses (EXIT_REFUSED).
    bool (*recover)(struct sink *sink, uint64_t *epoch, struct error *err);
    // NULL: deliver every epoch at once. Else: is it time to make a file of what waits?
    bool (*should_deliver)(const struct sink *sink, const struct pending *pending);
    // A group of several sinks gets one call per sink and epoch, then `commit` (NULL: nothing to
    // do). The segments of all these calls live until commit has returned.
    bool (*deliver)(struct sink *sink, const struct delivery *delivery, struct error *err);
    bool (*commit)(struct sink *const *sinks, size_t sinks_len, uint64_t epoch, struct error *err);
    // Batch: everything was delivered; switch staged output over (replace, _SUCCESS). NULL:
    // nothing.
    bool (*finish)(struct sink *sink, struct error *err);
    // `state adopt`: what this sink remembers of another checkpoint, or of a later run, is made
    // this checkpoint's; *before says whose it was. NULL: recover refuses nothing that this cures.
    bool (*adopt)(struct sink *sink, struct buf *before, struct error *err);
    void (*close)(struct sink *sink);
};

#endif
