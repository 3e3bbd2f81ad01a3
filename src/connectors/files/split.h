// SPDX-License-Identifier: MIT
// Rows of one delivery taken apart by the values of the partition columns, in arrival order.
#ifndef FIRESTEEL_SPLIT_H
#define FIRESTEEL_SPLIT_H

#include "connectors/sink.h"

struct split_part {
    struct str folder; // "a=1/b=x"; empty without partition columns
    int64_t rows;
    const struct segment *const *segments; // all columns, also the partition columns
    size_t segments_len;
};

struct split_options {
    const struct column *columns;
    size_t columns_len;
    const int *partition_columns; // indexes
    size_t partition_columns_len;
    int64_t parts_max; // more is an error
    size_t open_max;   // parts held in memory at once
};

// Calls `put` for each part, parts in order of their first row. The part and its segments are
// valid during the call.
typedef bool (*split_write)(void *context, const struct split_part *part, struct error *err);
MUST_USE bool split_rows(const struct delivery *delivery, const struct split_options *options,
                         split_write put, void *context, struct error *err);

// Reads rows of segments in order, chunk by chunk; used by every writer.
struct segment_cursor {
    const struct segment *const *segments;
    size_t segments_len, item;
    int64_t row;  // within segments[item]
    int64_t left; // rows still to give
    struct chunk *chunk;
};
// NULL when `left` is 0. The chunk is valid until the next call.
struct chunk *segment_cursor_next(struct segment_cursor *cursor);

#endif
