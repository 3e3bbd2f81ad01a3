// SPDX-License-Identifier: MIT
// Where a server is and how to log in: options host, port .. and a url in any of the forms that
// people have at hand (JDBC, libpq URI, libpq conninfo), as keywords for libpq.
#ifndef FIRESTEEL_POSTGRES_ADDRESS_H
#define FIRESTEEL_POSTGRES_ADDRESS_H

#include "base/buf.h"
#include "base/option.h"

struct postgres_options {
    struct secret url; // may hold a password
    struct str host;
    int64_t port; // 0: not given
    struct str database, user;
    struct secret password;
    struct str sslmode, sslrootcert;
};

// Rows for the option tables of source and sink, whose structs have a member `address`.
#define POSTGRES_ADDRESS_OPTIONS(type)                                                             \
    {"url",                                                                                        \
     OPTION_SECRET,                                                                                \
     "",                                                                                           \
     "jdbc:postgresql://host:port/database?sslmode=.., postgresql://.., or host=.. dbname=..",     \
     offsetof(type, address.url),                                                                  \
     NULL},                                                                                        \
        {"host", OPTION_TEXT, "", "server; several: 'a,b'", offsetof(type, address.host), NULL},   \
        {"port", OPTION_INT, "0", "default 5432", offsetof(type, address.port), NULL},             \
        {"database", OPTION_TEXT, "", "default: as the user", offsetof(type, address.database),    \
         NULL},                                                                                    \
        {"user", OPTION_TEXT, "", "who logs in", offsetof(type, address.user), NULL},              \
        {"password", OPTION_SECRET, "", "or ~/.pgpass", offsetof(type, address.password), NULL},   \
        {"sslmode",                                                                                \
         OPTION_TEXT,                                                                              \
         "",                                                                                       \
         "disable, prefer, require, verify-ca or verify-full",                                     \
         offsetof(type, address.sslmode),                                                          \
         NULL},                                                                                    \
    {                                                                                              \
        "sslrootcert", OPTION_TEXT, "", "file with the authorities that are trusted",              \
            offsetof(type, address.sslrootcert), NULL                                              \
    }

#define POSTGRES_KEYWORDS_MAX 40
struct postgres_address {
    const char *keywords[POSTGRES_KEYWORDS_MAX + 1]; // for PQconnectStartParams; NULL at the end
    const char *values[POSTGRES_KEYWORDS_MAX + 1];
    size_t len;
    const char *host, *port, *database, *user; // resolved; never NULL
};

// Everything lives in `arena`. `application` is what the server shows for this connection unless
// the url names another. Options win over the same in the url.
MUST_USE bool postgres_address_make(const struct postgres_options *options, const char *application,
                                    struct arena *arena, struct postgres_address *address,
                                    struct error *err);
const char *postgres_address_get(const struct postgres_address *address, const char *keyword);
void postgres_address_print(const struct postgres_address *address, struct buf *out); // no secrets

#endif
