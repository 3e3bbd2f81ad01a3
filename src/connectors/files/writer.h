// SPDX-License-Identifier: MIT
// Writes one whole file from rows of segments, durably, under the name it is told (a hidden one:
// the sink renames it). Parquet goes through DuckDB, everything else through the encoders of
// formats/.
#ifndef FIRESTEEL_WRITER_H
#define FIRESTEEL_WRITER_H

#include "connectors/files/split.h"

enum file_format { FILE_PARQUET, FILE_CSV, FILE_JSON, FILE_LINES };

struct writer_options {
    enum file_format format;
    struct str compression; // parquet: snappy, zstd ..; empty: the format's default
    const struct column *columns;
    size_t columns_len;
    const int *kept; // indexes of the columns that are written (not the partition columns)
    size_t kept_len;
    struct database *database; // parquet
};

struct writer;
// `options` and what it points to outlive the writer.
struct writer *writer_new(const struct writer_options *options, struct error *err);
void writer_free(struct writer *writer); // NULL is allowed
// Takes cursor->left rows. The file is complete and fsynced when this returns true.
MUST_USE bool writer_write(struct writer *writer, const char *path, struct segment_cursor *cursor,
                           struct error *err);
const char *writer_extension(const struct writer_options *options); // ".snappy.parquet", ".json" ..

// parquet_sink.c
struct parquet_writer;
struct parquet_writer *parquet_writer_new(const struct writer_options *options, struct error *err);
void parquet_writer_free(struct parquet_writer *parquet); // NULL is allowed
MUST_USE bool parquet_write(struct parquet_writer *parquet, const char *path,
                            struct segment_cursor *cursor, struct error *err);

#endif
