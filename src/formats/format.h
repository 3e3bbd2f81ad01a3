// SPDX-License-Identifier: MIT
// A format turns payload bytes into columns. It never lives inside a connector. Decoders run on
// every lane at once: all that changes hangs off `struct decoder`, one a lane.
#ifndef FIRESTEEL_FORMAT_H
#define FIRESTEEL_FORMAT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "duck/chunk.h"

enum time_unit { TIME_TEXT, TIME_UNIX_S, TIME_UNIX_MS, TIME_UNIX_US };

// A column wanted from the record.
struct format_column {
    struct str name; // for reasons
    const struct type *type;
    const struct str *path; // keys from the record's top: {"metadata","battery_level"}
    size_t path_len;
    enum time_unit time_unit; // for TIMESTAMP from a number
    int target;               // index of the chunk column to fill
};

struct payload {
    const char *ptr; // 64 readable bytes follow ptr+len (padding), so vector loads need no guard
    uint32_t len;
    uint32_t partition; // index into the source's partitions
};

enum verdict {
    VERDICT_OK,
    VERDICT_UNDECODABLE, // reason filled
    VERDICT_REJECTED,    // by a constraint: the engine sets it
};

struct decode_problem {
    size_t row;        // index into payloads
    struct str reason; // short, stable: "empty", "not json", "event_time: not a timestamp"
};

struct decoder;
struct format_type {
    const char *name;
    const char *summary;
    // columns and everything they point to outlive the decoder. `coerce_spark`: a value that does
    // not fit becomes NULL instead of making the row undecodable.
    struct decoder *(*open)(const struct format_column *columns, size_t columns_len,
                            bool coerce_spark, struct str options, struct error *err);
    // Decodes payloads 0..count (count <= 2048) into rows 0.. of `chunk`, which was reset. Row i of
    // the chunk belongs to payload i also when it is undecodable (its columns are then undefined
    // but safe to read: NULL or any value). verdicts[i] is written for each. Strings may point into
    // the payload or into `arena` (unescaped text); both outlive the chunk's use.
    // problems (in row order) live until the next call. Sets chunk->rows = count.
    void (*decode)(struct decoder *decoder, const struct payload *payloads, size_t count,
                   struct chunk *chunk, uint8_t *verdicts, struct arena *arena,
                   const struct decode_problem **problems, size_t *problems_len);
    void (*close)(struct decoder *decoder);
};

extern const struct format_type format_json, format_csv, format_raw;
const struct format_type *format_find(struct str name); // "json", "csv", "raw"; NULL when unknown

// The writing side, for sinks: one row as text. JSON: an object with keys in column order, NULL
// fields as null, times as 2024-01-15T10:30:00.000Z (milliseconds; microseconds when they matter
// are kept: .123456Z), DATE as "2024-01-15", doubles in shortest form that reads back, NaN and
// Infinity as null. CSV: RFC 4180, header by the sink.
void json_encode_row(struct buf *out, const struct chunk *chunk, size_t row,
                     const struct column *columns, size_t columns_len);
void json_encode_value(struct buf *out, const struct vector *vector, size_t row);
void csv_encode_row(struct buf *out, const struct chunk *chunk, size_t row,
                    const struct column *columns, size_t columns_len);
// A value as a person reads it (console table, partition folders): 2024-01-15 10:30:00, NULL as
// `null_text`.
void text_encode_value(struct buf *out, const struct vector *vector, size_t row,
                       const char *null_text);

#endif
