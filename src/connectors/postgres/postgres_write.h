// SPDX-License-Identifier: MIT
// Rows of one sink into its table, inside a transaction that is open: straight COPY to add rows;
// with a key by way of a temporary table, so that no unique index is needed.
#ifndef FIRESTEEL_POSTGRES_WRITE_H
#define FIRESTEEL_POSTGRES_WRITE_H

#include "connectors/postgres/copy_encode.h"
#include "connectors/postgres/postgres_table.h"
#include "connectors/sink.h"

struct table_writer {
    const struct table_wish *wish;
    const struct postgres_table *table;
    struct chunk *chunk; // of the wish's columns
    struct copy_encoder *encoder;
    struct buf bytes;
};

void table_writer_open(struct table_writer *writer, const struct table_wish *wish,
                       const struct postgres_table *table);
void table_writer_clear(struct table_writer *writer);
// On a new connection, outside of a transaction: what writing needs there.
MUST_USE bool table_writer_begin(struct table_writer *writer, struct postgres_link *link,
                                 struct error *err);
// is_again: not the first write of this transaction.
MUST_USE bool table_write(struct table_writer *writer, struct postgres_link *link,
                          const struct delivery *delivery, bool is_again, struct error *err);

#endif
