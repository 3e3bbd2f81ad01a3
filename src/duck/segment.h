// SPDX-License-Identifier: MIT
// A segment: immutable rows in exactly as many bytes as they need. One encoding for state in
// memory, for the journal and for rows waiting to be delivered, so nothing is converted between
// them.
//
// Layout (little endian): u32 magic, u32 version, u64 rows, u32 columns, then each column:
// u8 type kind, u8 has_nulls, [bitmap of ceil(rows/8) bytes, bit set = value present], zero bytes
// up to a multiple of 16 from the segment's start, payload by kind:
//   fixed cells: rows * cell_bytes, those of NULLs zero;
//   strings: rows * u32 end offsets, then the bytes;
//   LIST/MAP: rows * u64 end offsets into the child, then the child as a column;
//   STRUCT: its fields as columns, NULL where the struct is;
//   TYPE_OTHER/ENUM: refused (cast to VARCHAR before).
// End offsets instead of lengths: any range of rows is found without a walk over those before it.
// Equal rows give equal bytes, whatever chunk and selection they came from.
// The reader never trusts lengths: a damaged segment gives an error, never a crash.
#ifndef FIRESTEEL_SEGMENT_H
#define FIRESTEEL_SEGMENT_H

#include "base/buf.h"
#include "base/error.h"
#include "duck/chunk.h"

struct segment {
    int64_t rows;
    size_t columns_len;
    const struct column *columns; // borrowed from whoever knows the relation
    char *bytes;                  // 16-byte aligned
    size_t len;
    bool owned; // bytes freed by segment_free
};

// Encodes the selected rows, appending to `out` (which must hold nothing else, or be padded to 16).
void segment_encode(struct buf *out, const struct rows *rows, const struct column *columns,
                    size_t columns_len);
struct segment *segment_new(const struct rows *rows, const struct column *columns,
                            size_t columns_len);
// From stored bytes. copies = true: the segment owns a copy; else bytes must outlive it and be
// 16-byte aligned. Validates everything against `columns`.
struct segment *segment_open(struct str bytes, bool copies, const struct column *columns,
                             size_t columns_len, struct error *err);
void segment_free(struct segment *segment);
// Resets `chunk` (chunk_new with the same types) and fills it with rows from..from+count (count <=
// 2048). Strings point into the segment: it must outlive the use of the chunk.
void segment_read(const struct segment *segment, int64_t from, size_t count, struct chunk *chunk);
size_t segment_bytes(const struct segment *segment);

#endif
