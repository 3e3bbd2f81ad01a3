// SPDX-License-Identifier: MIT
// A row of a sink as a Kafka record: value, key, partition and headers, from the row's columns. The
// last columns are those of the options key, headers and partition (sink.h, row_options); they are
// no part of the value.
#ifndef FIRESTEEL_RECORD_H
#define FIRESTEEL_RECORD_H

#include "base/buf.h"
#include "base/error.h"
#include "duck/chunk.h"

enum record_format { RECORD_JSON, RECORD_RAW };

struct record_shape {
    enum record_format format;
    const struct column *columns;
    size_t columns_len;
    size_t value_len;            // columns 0..value_len-1 are the value's
    int key, headers, partition; // columns, -1: none
    int *upsert_keys;            // columns of the key as a JSON object
    size_t upsert_keys_len;
};

#define RECORD_HEADERS_MAX 64
struct record_header {
    struct str name, value; // value.ptr NULL: a header without value
};
struct record { // points into bufs of its own: valid until the next record_encode
    struct str value;
    struct str key;    // ptr NULL: none
    int32_t partition; // -1: as the partitioner says
    struct record_header headers[RECORD_HEADERS_MAX];
    size_t headers_len;
    struct buf text;
};

// Finds the option columns by name and checks their types. has_*: the option was given.
MUST_USE bool record_shape_init(struct record_shape *shape, bool has_key, bool has_headers,
                                bool has_partition, struct error *err);
// ERROR_DATA names the column that cannot be written.
MUST_USE bool record_encode(const struct record_shape *shape, const struct chunk *chunk, size_t row,
                            struct record *record, struct error *err);
// The column that takes most bytes of the value, for a record that is too large.
struct str record_widest(const struct record_shape *shape, const struct chunk *chunk, size_t row,
                         size_t *bytes);
void record_clear(struct record *record);

#endif
