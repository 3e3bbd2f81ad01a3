// SPDX-License-Identifier: MIT
// A connection that comes and goes: opened when needed, closed after any failure, so that the next
// try begins from nothing. What the server says becomes an error of the kind that tells who must
// act.
#ifndef FIRESTEEL_POSTGRES_LINK_H
#define FIRESTEEL_POSTGRES_LINK_H

#include "connectors/postgres/postgres_address.h"

#include <libpq-fe.h>

struct postgres_link {
    const struct postgres_address *address;
    PGconn *connection; // NULL: closed
};

// Nothing to do when it is open and outside of a transaction; *is_new (or NULL) tells. The session
// has UTC, UTF-8, durable commits, and waits at most 10 s for a lock. Never longer than ~15 s.
MUST_USE bool postgres_link_open(struct postgres_link *link, bool *is_new, struct error *err);
void postgres_link_close(struct postgres_link *link);
// Runs one or more statements; the last result, for PQclear. NULL: *err.
PGresult *postgres_query(struct postgres_link *link, const char *sql, struct error *err);
MUST_USE bool postgres_execute(struct postgres_link *link, const char *sql, struct error *err);
// One statement with text parameters $1..; NULL values are NULL.
PGresult *postgres_query_values(struct postgres_link *link, const char *sql,
                                const char *const *values, size_t values_len, struct error *err);
// Fills *err from a result that failed (or NULL: the connection itself). Returns false. The
// server's DETAIL and the place that it names (a COPY line) are part of the text.
bool postgres_fail(struct postgres_link *link, const PGresult *result, struct error *err);
enum error_kind postgres_kind(const char *sqlstate); // "" is a connection that went away
void postgres_result_clear(PGresult **result);       // for AUTO

#endif
