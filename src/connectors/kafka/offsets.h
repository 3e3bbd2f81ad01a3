// SPDX-License-Identifier: MIT
// Where a partition that nobody has read yet begins: option starting_offsets.
#ifndef FIRESTEEL_OFFSETS_H
#define FIRESTEEL_OFFSETS_H

#include "base/arena.h"
#include "base/error.h"

enum offsets_kind { OFFSETS_EARLIEST, OFFSETS_LATEST, OFFSETS_TIMESTAMP, OFFSETS_LISTED };
#define OFFSET_EARLIEST INT64_C(-2) // in a list, as Spark writes them
#define OFFSET_LATEST INT64_C(-1)

struct listed_offset {
    struct str topic;
    int32_t partition;
    int64_t offset; // or OFFSET_EARLIEST, OFFSET_LATEST
};
struct offsets {
    enum offsets_kind kind;
    int64_t timestamp_ms;
    struct listed_offset *listed;
    size_t listed_len;
};

// 'earliest', 'latest', a time (ISO-8601, or milliseconds since 1970), or Spark's
// {"topic":{"0":23,"1":-2}} with -2 earliest, -1 latest. ERROR_USER says what is wrong with it.
MUST_USE bool offsets_parse(struct str text, struct arena *arena, struct offsets *offsets,
                            struct error *err);
// What the list says of a partition; OFFSET_EARLIEST when it does not name it.
int64_t offsets_of(const struct offsets *offsets, struct str topic, int32_t partition);

#endif
