// SPDX-License-Identifier: MIT
// Rows of Parquet files as chunks of the declared columns, read through DuckDB.
#ifndef FIRESTEEL_PARQUET_SOURCE_H
#define FIRESTEEL_PARQUET_SOURCE_H

#include "connectors/source.h"

struct parquet_reader;
// `context` outlives the reader.
struct parquet_reader *parquet_reader_new(const struct source_context *context, struct error *err);
void parquet_reader_free(struct parquet_reader *reader); // NULL is allowed
// Adds chunks from row `row` on, at most about rows_max rows. *next_row: where to go on. *is_end:
// the file has no more rows.
MUST_USE bool parquet_read(struct parquet_reader *reader, const char *place, struct batch *batch,
                           int64_t row, size_t rows_max, int64_t *next_row, bool *is_end,
                           struct error *err);

#endif
