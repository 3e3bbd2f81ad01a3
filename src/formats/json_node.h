// SPDX-License-Identifier: MIT
// What to take out of a record, as a tree: objects with the keys somebody wants, and leaves that
// know the vector they fill. Built once by format_json.open; the per-lane memory of the decoder
// (predicted keys, list sizes) hangs off the nodes.
#ifndef FIRESTEEL_JSON_NODE_H
#define FIRESTEEL_JSON_NODE_H

#include "formats/fault.h"
#include "formats/format.h"

enum node_kind {
    NODE_OBJECT,  // keys lead to nodes; with a vector it is a STRUCT column, without a path
    NODE_INTEGER, // TINYINT..UBIGINT
    NODE_DOUBLE,
    NODE_TEXT,      // VARCHAR, BLOB
    NODE_TIMESTAMP, // from text
    NODE_SCALAR,    // the other simple types
    NODE_LIST,
    NODE_MAP,
    NODE_MANY, // one value for several columns
};

#define KEY_BYTES 32   // longest predicted run of separator, key and colon
#define SKIP_LEVELS 4  // unwanted objects in unwanted objects with prediction
#define SKIPPED_MAX 64 // of them per decoder: what the input can make us remember is bounded
#define KEY_SLOTS 64   // keys predicted per object

// What came at this place of the object last time: the raw bytes from the end of the value before
// to the start of the value, and the field that they name. One compare replaces reading the key.
struct key_slot {
    char bytes[KEY_BYTES];
    uint32_t mask; // bit i: byte i counts
    uint32_t len;
    struct json_field *field;  // NULL: nobody wants it
    struct json_node *skipped; // then, when it was an object: its own predicted keys
};

struct json_field {
    struct str name;
    struct json_node *node;
    uint64_t generation;  // of the object instance that set it last: finds duplicates and gaps
    uint32_t first, last; // numbers of the nodes below, to forget problems of an overwritten value
};

struct json_node {
    enum node_kind kind;
    enum type_kind type_kind;
    uint32_t number; // in preorder
    uint32_t cell_bytes;
    int64_t min, max; // NODE_INTEGER
    struct vector *vector;
    const struct type *type;
    enum time_unit time_unit;

    struct json_field *fields; // NODE_OBJECT
    size_t fields_len;
    struct key_slot *slots; // KEY_SLOTS of them
    unsigned skip_level;    // unwanted objects around and including this one

    struct json_node **many; // NODE_MANY
    size_t many_len;

    struct json_node *child; // LIST: the element; MAP: the value
    size_t list_size, list_capacity, list_row_size;

    size_t target; // column of the chunk, for roots of columns
    bool is_column;
    struct str label;                // "location.latitude", for reasons
    struct str reasons[FAULT_COUNT]; // made when first needed
};

struct json_tree {
    struct json_node *root;
    struct json_node **columns; // by format_column
    size_t columns_len;
    struct json_node **lists; // LIST and MAP nodes
    size_t lists_len;
    uint32_t nodes_len;
};

// Fails with ERROR_USER when a column's type cannot come from JSON. All memory is `arena`'s.
MUST_USE bool json_tree_init(struct json_tree *tree, const struct format_column *columns,
                             size_t columns_len, struct arena *arena, struct error *err);
// A node for an unwanted object inside `parent`: it has slots and no fields.
struct json_node *json_node_new_skipped(const struct json_node *parent, struct arena *arena);
// Points the nodes at the chunk's vectors and empties the lists.
void json_tree_bind(struct json_tree *tree, struct chunk *chunk);
// NULL for whatever the node fills, at `row`.
void json_node_set_null(struct json_node *node, size_t row);

static inline void vector_set_present(struct vector *vector, size_t row)
{
    if (UNLIKELY(vector->validity != NULL))
        vector->validity[row >> 6] |= UINT64_C(1) << (row & 63);
}

#endif
