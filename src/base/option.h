// SPDX-License-Identifier: MIT
// Options as tables: one row per option drives parsing, "unknown option, valid ones are ..",
// `firesteel connectors NAME`, the documentation and redaction of secrets. A connector declares a
// plain struct and a table of offsets into it; option_fill writes the struct.
#ifndef FIRESTEEL_OPTION_H
#define FIRESTEEL_OPTION_H

#include "base/arena.h"
#include "base/error.h"

enum option_kind {
    OPTION_TEXT,     // struct str
    OPTION_SECRET,   // struct secret: no print function takes it
    OPTION_BOOL,     // bool: true/false/on/off/1/0
    OPTION_INT,      // int64_t
    OPTION_DOUBLE,   // double
    OPTION_DURATION, // int64_t microseconds: '10 minutes', INTERVAL '1 s'
    OPTION_SIZE,     // int64_t bytes: '64MB', '1 GiB', 1024
    OPTION_WORD,     // int: index into words
};

// Has a type of its own so that a printing function cannot take it by mistake.
struct secret {
    struct str hidden;
};

struct option {
    const char *name;
    enum option_kind kind;
    const char *fallback;     // text of the default, as a user would write it; NULL: required
    const char *help;         // one line
    size_t offset;            // of the member
    const char *const *words; // OPTION_WORD: zero-terminated list
};

// One `name = value` of a WITH clause or SET, already interpolated and evaluated to text.
struct option_value {
    struct str name;
    struct str value;
    size_t place;   // offset into the user's text, for messages; SIZE_MAX: from the command line
    bool is_secret; // came out of a secret option or variable
};

// Fills `target` with defaults, then with the values that the table knows. Values whose name is not
// in the table are left alone (option_find_unknown tells them). Strings are copied to `arena`.
// Fails with ERROR_USER naming option, value and what is allowed; *bad is the index of the value
// (or SIZE_MAX for a missing required option).
MUST_USE bool option_fill(const struct option *table, size_t table_len,
                          const struct option_value *values, size_t values_len, void *target,
                          struct arena *arena, size_t *bad, struct error *err);
const struct option *option_find(const struct option *table, size_t table_len, struct str name);
MUST_USE bool size_parse(struct str text, int64_t *bytes);
MUST_USE bool bool_parse(struct str text, bool *value);
// Nearest name within 1/3 of its length, or NULL: for did-you-mean.
const char *nearest_name(struct str wanted, const char *const *names, size_t count);

#endif
