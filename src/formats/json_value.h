// SPDX-License-Identifier: MIT
// The decoder's state and the parts of it that do not matter for speed: values of every simple type
// without assumptions, and the bookkeeping of problems. json_decode.c holds the fast way.
#ifndef FIRESTEEL_JSON_VALUE_H
#define FIRESTEEL_JSON_VALUE_H

#include "formats/json_node.h"
#include "formats/json_scan.h"
#include "formats/moment_text.h"

// A value that does not fit; forgotten again when a duplicate key overwrites it.
struct value_problem {
    struct json_node *node;
    enum fault fault;
};

struct json_reader {
    struct json_scan scan;
    struct json_tree tree;
    struct arena *unescaped; // the batch's arena
    bool coerce_spark;
    uint64_t generation; // object instances so far
    struct day_cache days;
    struct value_problem *problems; // of the row; room for each node once
    size_t problems_len;
    size_t skipped_len;  // nodes of unwanted objects
    uint32_t *map_table; // open addressing over a big map's keys: entry number + 1
    size_t map_table_len, map_table_capacity;
    struct arena arena;          // the decoder's own
    struct decode_problem *rows; // of the last decode
};

// Any simple type from any JSON value at `p`; writes a value or NULL, or notes a problem. Returns
// behind the value, NULL when it is no JSON.
const char *json_scalar_read(struct json_reader *reader, struct json_node *node, const char *p,
                             size_t row);
// A double of up to 19 digits without an exponent; NULL when it is anything else.
const char *json_double_long(const char *p, const char *end, double *value);
// The value at `p` does not fit: notes it (or makes it NULL) and skips the value.
const char *json_misfit(struct json_reader *reader, struct json_node *node, const char *p,
                        size_t row, enum fault fault);
// Notes it only.
void json_problem(struct json_reader *reader, struct json_node *node, size_t row, enum fault fault);
void json_problems_forget(struct json_reader *reader, const struct json_field *field);
// Strings: content of a checked string as a view, unescaped into the batch's arena when needed.
struct str json_text(struct json_reader *reader, const char *p, const char *close, bool has_escape);

#endif
