// SPDX-License-Identifier: MIT
// How far event time has come in one source: the smallest of its partitions' newest event times,
// less the allowed delay. It never goes back, restarts included. The exact rules stand in the head
// of watermark.c. One owner (the job's thread); lanes fill tallies of their own, added here.
#ifndef FIRESTEEL_WATERMARK_H
#define FIRESTEEL_WATERMARK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "duck/chunk.h"

struct watermark_options {
    int64_t delay_us;
    int64_t idle_timeout_us; // -1: partitions never become idle by waiting
    int64_t future_skew_us;  // -1: none; event times beyond now + skew do not move the watermark
    bool is_once;            // a partition at its end is idle at once
};

struct watermark; // heap object
struct watermark *watermark_new(struct watermark_options options);
void watermark_free(struct watermark *watermark);

// The partition's number, added when new. Numbers are the caller's to map (a source's partition i).
// Names are copied. now_us: wall clock; waiting for rows begins here.
size_t watermark_partition(struct watermark *watermark, struct str name, int64_t now_us);
size_t watermark_partitions_len(const struct watermark *watermark);

// What a lane saw of one source in a trigger, by partition number.
struct watermark_tally {
    int64_t *max_us; // per partition; TIME_MIN_US: nothing
    int64_t *rows;
    size_t len, capacity;
    int64_t future_rows; // beyond limit_us
};
void watermark_tally_clear(struct watermark_tally *tally);
// Largest time that may move the watermark when the wall clock says now_us: take it once a trigger,
// so that all lanes judge alike.
int64_t watermark_limit_us(const struct watermark *watermark, int64_t now_us);
// Adds the selected rows of the time column (TIMESTAMP; NULLs count as rows only). partitions:
// number for each chunk row, or NULL: all rows are of partition `partition`. skip[i] != 0 (i-th
// selected row; may be NULL): the row takes no part. Only rows that passed the constraints belong
// here.
void watermark_tally_add(struct watermark_tally *tally, const struct rows_part *part,
                         const struct vector *times, const uint32_t *partitions, uint32_t partition,
                         const uint8_t *skip, int64_t limit_us);
// Adds the lane's tally and empties it.
void watermark_observe(struct watermark *watermark, struct watermark_tally *tally, int64_t now_us);
// Where reading stands. is_end: nothing more to read just now; is_done: never more.
void watermark_position(struct watermark *watermark, size_t partition, bool is_end, bool is_done);

// After each trigger (and on a timer while nothing comes): moves the watermark. True when it moved.
bool watermark_advance(struct watermark *watermark, int64_t now_us);
// End of time, for batch and drain: every window closes.
void watermark_finish(struct watermark *watermark);
// For tests: as if later rows had come from every partition.
void watermark_raise(struct watermark *watermark, int64_t at_least_us);
int64_t watermark_us(const struct watermark *watermark);          // TIME_MIN_US: not known yet
int64_t watermark_future_rows(const struct watermark *watermark); // counted since the beginning
// Newest event time of a partition, TIME_MIN_US when none: `collect` reads the oldest first.
int64_t watermark_partition_max_us(const struct watermark *watermark, size_t partition);
// A partition that the next advance would leave out.
bool watermark_is_idle(const struct watermark *watermark, size_t partition, int64_t now_us);

// Which partition holds the watermark back (the active one with the oldest newest event), -1: none.
int64_t watermark_holder(const struct watermark *watermark, int64_t now_us);
// The same in one sentence, for the status page.
void watermark_explain(const struct watermark *watermark, int64_t now_us, struct buf *out);

// Checkpoint: maxima, done marks and the watermark. all = false: only partitions that changed since
// the last encode. decode applies such bytes in order; partitions keep their names, not numbers.
void watermark_encode(struct watermark *watermark, bool all, struct buf *out);
MUST_USE bool watermark_decode(struct watermark *watermark, struct str bytes, int64_t now_us,
                               struct error *err);

#endif
