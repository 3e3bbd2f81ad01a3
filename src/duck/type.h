// SPDX-License-Identifier: MIT
// Column types without DuckDB's header: what formats, fold and segment switch on.
#ifndef FIRESTEEL_TYPE_H
#define FIRESTEEL_TYPE_H

#include "base/arena.h"

enum type_kind {
    TYPE_OTHER, // anything not listed: only DuckDB touches its values
    TYPE_BOOLEAN,
    TYPE_TINYINT,
    TYPE_SMALLINT,
    TYPE_INTEGER,
    TYPE_BIGINT,
    TYPE_UTINYINT,
    TYPE_USMALLINT,
    TYPE_UINTEGER,
    TYPE_UBIGINT,
    TYPE_HUGEINT, // __int128
    TYPE_FLOAT,
    TYPE_DOUBLE,
    TYPE_DECIMAL,     // int16/32/64/128 by width, as DuckDB stores it
    TYPE_VARCHAR,     // struct string_cell
    TYPE_BLOB,        // struct string_cell
    TYPE_DATE,        // int32 days since 1970-01-01
    TYPE_TIME,        // int64 microseconds of the day
    TYPE_TIMESTAMP,   // int64 microseconds UTC
    TYPE_TIMESTAMPTZ, // int64 microseconds UTC
    TYPE_INTERVAL,    // int32 months, int32 days, int64 microseconds
    TYPE_UUID,        // __int128, top bit flipped as DuckDB stores it
    TYPE_ENUM,        // index; DuckDB only
    TYPE_LIST,        // struct list_cell + one child
    TYPE_STRUCT,      // children by field
    TYPE_MAP,         // as LIST of STRUCT(key, value)
};

struct type {
    enum type_kind kind;
    const char *sql;           // as DuckDB spells it: "STRUCT(a INTEGER)"
    uint8_t width, scale;      // DECIMAL
    size_t cell_bytes;         // bytes of one value in the vector's data; 0 for STRUCT
    struct type *child;        // LIST, MAP (the entry STRUCT)
    struct type_field *fields; // STRUCT
    size_t fields_len;
};

struct type_field {
    struct str name;
    struct type *type;
};

bool type_equal(const struct type *a, const struct type *b);
bool type_is_integer(enum type_kind kind); // TINYINT..UBIGINT, not HUGEINT
bool type_is_string(enum type_kind kind);  // VARCHAR, BLOB
int type_field_find(const struct type *type,
                    struct str name); // STRUCT field index (no case), or -1

struct column {
    struct str name;
    const struct type *type;
};

#endif
