// SPDX-License-Identifier: MIT
// Which of our types may go into (or come out of) which type of PostgreSQL, and in which binary
// form. One table of pairs, so that the check at start, its message and the encoder agree.
#ifndef FIRESTEEL_COPY_COLUMN_H
#define FIRESTEEL_COPY_COLUMN_H

#include "base/buf.h"
#include "duck/type.h"

// Binary forms; types with the same bytes share one.
enum copy_form {
    COPY_NONE,
    COPY_BOOL,
    COPY_INT2,
    COPY_INT4,
    COPY_INT8,
    COPY_FLOAT4,
    COPY_FLOAT8,
    COPY_NUMERIC,
    COPY_TEXT, // text, varchar, json, labels of enums: the bytes
    COPY_JSONB,
    COPY_BYTEA,
    COPY_DATE,
    COPY_TIME,
    COPY_TIMESTAMP, // with and without zone: microseconds since 2000 UTC
    COPY_INTERVAL,
    COPY_UUID,
};

struct copy_column {
    struct str name;
    const struct type *type;
    enum copy_form form;  // of the value; of the elements when is_list
    bool is_list;         // type->kind is TYPE_LIST
    uint32_t element_oid; // of the server's array
};

// A type of the server, domains resolved.
struct server_type {
    uint32_t oid;
    struct str name;      // of pg_type, "citext"
    bool is_enum;         // labels travel as text
    uint32_t element_oid; // 0: no array
    struct str element_name;
    bool element_is_enum;
};

// COPY_NONE: not allowed. For a list, the form of its elements.
enum copy_form copy_form_choose(const struct type *type, const struct server_type *server);
// "smallint, integer, bigint or numeric": what a column of this type may go into; NULL: nothing.
const char *copy_allowed(const struct type *type);
// As CREATE TABLE wants it; false: there is none.
bool copy_server_type(const struct type *type, struct buf *out);
// For reading: the form in which a declared column is asked for. COPY_NONE: not readable.
enum copy_form copy_form_read(const struct type *type);

#endif
