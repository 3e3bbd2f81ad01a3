// SPDX-License-Identifier: MIT
// The table that a sink writes: found, made when wished, and checked column by column before the
// first row, so that a mistake is one message at start and not a failed delivery at night.
#ifndef FIRESTEEL_POSTGRES_TABLE_H
#define FIRESTEEL_POSTGRES_TABLE_H

#include "connectors/postgres/copy_column.h"
#include "connectors/postgres/postgres_link.h"

struct table_wish {
    struct str sink; // name, for messages
    struct str schema, table;
    const struct column *columns; // that will be written
    size_t columns_len;
    const struct str *keys; // to update by; none: rows are only added
    size_t keys_len;
    bool may_create; // --create-tables
    struct str ddl;  // the user's; empty: made from the columns
};

struct postgres_table {
    struct str name;             // quoted, with schema when given: for statements
    struct copy_column *columns; // parallel to the wish; names as the server spells them
    size_t *keys;                // indexes into columns
    bool keys_can_be_null;       // some key column of the table allows NULL
};

// Once a start; everything lives in `arena`.
MUST_USE bool postgres_table_open(struct postgres_link *link, const struct table_wish *wish,
                                  struct arena *arena, struct postgres_table *table,
                                  struct error *err);
// After a new connection: the columns again, since the table may have changed meanwhile.
MUST_USE bool postgres_table_check(struct postgres_link *link, const struct table_wish *wish,
                                   struct arena *arena, struct postgres_table *table,
                                   struct error *err);
// CREATE TABLE for these columns (and an index over the keys).
void postgres_table_ddl(const struct table_wish *wish, struct str name, struct buf *out);

#endif
