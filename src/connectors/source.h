// SPDX-License-Identifier: MIT
// What a source must do. The engine calls it from one thread (the source's reader thread) in the
// order open, list, seek, read .., acknowledge .., close; connectors need no locks and no threads
// of their own. A source is a set of partitions, each a log with growing offsets; the engine owns
// the positions.
#ifndef FIRESTEEL_SOURCE_H
#define FIRESTEEL_SOURCE_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/option.h"
#include "formats/format.h"

enum execution { EXECUTION_STREAM, EXECUTION_ONCE, EXECUTION_BATCH };

// One partition and where it stands. name and mark live as long as the source.
struct partition {
    struct str name; // stable over restarts: file path, "topic/3", "generator/0"
    int64_t offset; // next to read, in the connector's unit (byte for files, offset for Kafka, row)
    int64_t line;   // rows read so far of this partition (files: line number); connector keeps it
    struct str mark; // identity of the content: "size/mtime" of a file, a topic id; may be empty
    bool is_end;     // nothing more to read right now
    bool is_done;    // will never have more (a whole file, the generator's last row)
};

// Rows in arrival order. Either payloads to decode, or (columns = true) ready chunks.
struct batch {
    struct payload *payloads;
    int64_t *
        offsets; // per row: what METADATA 'offset' and quarantine show (files: line number, from 1)
    int64_t *timestamps_us; // per row, or NULL when the source knows none
    struct str *keys;       // per row, or NULL; a row without a key has ptr NULL
    struct str *headers;    // per row as JSON text, or NULL; a row without any has ptr NULL
    size_t rows, rows_capacity;
    size_t bytes;       // payload bytes
    struct arena arena; // holds payload bytes; each payload is followed by 64 readable bytes
    // Sources that read columns (Parquet): chunks with exactly the source's declared FIELD columns.
    struct chunk **chunks;
    size_t chunks_len, chunks_capacity;
    // Positions after this batch, for every partition it touched (and new ones).
    struct batch_position *positions;
    size_t positions_len, positions_capacity;
    int64_t arrival_us; // monotonic time when the first row was to be had
    // The source decided something that must not be decided twice (where `latest` was): commit at
    // once; it reads on from there when acknowledge has these positions. Ignored in batch.
    bool wants_commit;
};
struct batch_position {
    uint32_t partition;
    int64_t offset, line;
    bool is_end, is_done;
    struct str mark; // the content's new identity, lives as long as the source; ptr NULL: as it was
};
struct batch *batch_new(void);
void batch_free(struct batch *batch);
void batch_reset(struct batch *batch);                // keeps the memory
void batch_reserve(struct batch *batch, size_t rows); // all per-row arrays
// Appends one row; arrays a source does not use stay NULL.
void batch_add(struct batch *batch, const char *ptr, size_t len, uint32_t partition,
               int64_t offset);
void batch_position_set(struct batch *batch, uint32_t partition, int64_t offset, int64_t line,
                        bool is_end, bool is_done); // replaces an earlier one of that partition
void batch_position_mark(struct batch *batch, uint32_t partition, struct str mark); // was just set
// From now on (batch_reset included) rows have room for these; a source that calls it fills them.
void batch_want(struct batch *batch, bool timestamps, bool keys, bool headers);

enum read_state {
    READ_ROWS, // the batch holds rows (or only new positions)
    READ_IDLE, // nothing now, try again later
    READ_END,  // the inputs that existed at start are complete (once, batch), or the source has
               // ended
};

struct source_context {
    struct str name; // of the source in the pipeline
    struct str pipeline;
    enum execution execution;
    const struct clock *clock;
    struct str format;            // name of the format, e.g. "json", "parquet"
    const struct column *columns; // the declared FIELD columns, for sources that read columns
    const struct format_column *fields;
    size_t columns_len;
    int64_t commit_interval_us;
    // What somebody reads of METADATA that costs something per row.
    bool wants_timestamps, wants_keys, wants_headers;
    const struct option_value *values; // all options as given, for names that no table can list
    size_t values_len;
    struct database *database; // for sources that read through DuckDB
    const char *folder;        // that relative paths are relative to (working directory)
};

struct source; // the connector's own
struct source_type {
    const char *name;
    const char *summary;
    const struct option *options;
    size_t options_len, options_size;
    bool is_seekable_by_name; // positions of partitions unknown to `list` are an error or ignored
                              // by seek
    // `options` was filled by option_fill and lives as long as the source.
    struct source *(*open)(const void *options, const struct source_context *context,
                           struct error *err);
    // Partitions known now, each with its resolved start offset. May grow later: read() may append
    // partitions; the array stays valid until the next call into the source.
    bool (*list)(struct source *source, const struct partition **partitions, size_t *len,
                 struct error *err);
    // Start where the checkpoint says. Partitions not yet known are created; a mark that no longer
    // fits (file shrank, topic recreated) is ERROR_FATAL with EXIT_REFUSED.
    bool (*seek)(struct source *source, const struct partition *partitions, size_t len,
                 struct error *err);
    // Fills the batch (which is reset) with at most rows_max rows / bytes_max bytes; never blocks
    // longer than ~50 ms. ERROR_RETRY: the engine backs off and calls again.
    bool (*read)(struct source *source, struct batch *batch, size_t rows_max, size_t bytes_max,
                 enum read_state *state, struct error *err);
    // Everything up to these positions is durable: for lag tools, deletions and the like.
    bool (*acknowledge)(struct source *source, const struct partition *partitions, size_t len,
                        struct error *err);
    void (*close)(struct source *source);
    // Optional: where each partition's log ends, as far as it is known without asking anybody, in
    // the unit of offsets; -1: not known. Reader thread, now and then; `len` partitions as listed.
    void (*ends)(const struct source *source, int64_t *ends, size_t len);
    const char *offset_unit; // with `ends`: "records" or "bytes"
};

#endif
