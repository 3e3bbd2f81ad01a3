// SPDX-License-Identifier: MIT
// Chunks as the bytes of COPY .. WITH (FORMAT binary): a head of 19 bytes, then for each row an
// int16 number of fields and for each field an int32 length (-1: NULL) and its bytes, all big
// endian; an int16 -1 at the end.
#ifndef FIRESTEEL_COPY_ENCODE_H
#define FIRESTEEL_COPY_ENCODE_H

#include "connectors/postgres/copy_column.h"
#include "duck/chunk.h"

struct copy_problem {
    size_t row, column; // row of the chunk
    const char *reason; // static text
};

struct copy_encoder; // its scratch memory; one a sink
struct copy_encoder *copy_encoder_new(void);
void copy_encoder_free(struct copy_encoder *encoder);

void copy_begin(struct buf *out);
// Appends all rows of the chunk, whose columns are as `columns` say. ordinal >= 0: one more bigint
// field per row, counting up from it. False: a value that the server's type cannot hold, and
// nothing was appended.
MUST_USE bool copy_encode(struct copy_encoder *encoder, const struct copy_column *columns,
                          size_t columns_len, const struct chunk *chunk, int64_t ordinal,
                          struct buf *out, struct copy_problem *problem);
void copy_end(struct buf *out);

#endif
