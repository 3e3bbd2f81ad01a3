// SPDX-License-Identifier: MIT
// A table function over rows that this program holds: how DuckDB statements read chunks and
// segments without a copy. scan_new registers `name()` for the whole database; the lane sets what
// it reads before each execution. One scan is read by one statement at a time; its rows come in
// order.
#ifndef FIRESTEEL_SCAN_H
#define FIRESTEEL_SCAN_H

#include "duck/database.h"
#include "duck/segment.h"

struct scan;
// with_sequence: one more column at the end, `_sequence` BIGINT: the row's number (rows only;
// segments and callbacks count from 0).
struct scan *scan_new(struct connection *connection, const char *name, const struct column *columns,
                      size_t columns_len, bool with_sequence, struct error *err);
void scan_set_rows(struct scan *scan, const struct rows *rows); // borrowed until the statement ends
void scan_set_segments(struct scan *scan, const struct segment *const *segments, size_t len);
// Chunk by chunk from a callback: fills *out with a borrowed chunk, NULL at the end.
typedef bool (*scan_next)(void *context, struct chunk **out, struct error *err);
void scan_set_callback(struct scan *scan, scan_next next, void *context);
void scan_free(
    struct scan *scan); // before the database is closed; the function reads nothing from then on

#endif
