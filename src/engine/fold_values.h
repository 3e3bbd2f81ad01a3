// SPDX-License-Identifier: MIT
// Counted values: how often each value came in each group, for count(DISTINCT), top_k and the like.
// A table a step and pane: rows of (group, value, count) behind an index like that of the groups.
// They merge, go to the checkpoint and come back as the groups do, and, unlike all other states,
// they can be taken out again: that is what lets a running window follow a HOP (fold_window.c).
// Why: docs/decisions/006-counted-values.md. Internal to fold*.c and aggregate*.c.
#ifndef FIRESTEEL_FOLD_VALUES_H
#define FIRESTEEL_FOLD_VALUES_H

#include "base/buf.h"
#include "duck/chunk.h"

struct pane;
struct step;
struct round;
struct result;

enum { COUNTED_DIRTY = 1, COUNTED_WAITS = 2 };

struct counted {
    uint64_t value[2]; // text cell, widened number, or cell of 16 bytes
    uint64_t count;
    uint64_t taken; // of `count`, what the running window holds; valid below values_table.seen
    uint32_t group; // row of the pane
    uint32_t flags;
};

struct number_list {
    uint32_t *items;
    size_t len, capacity;
};

struct value_table {
    struct counted *entries;
    uint32_t len, capacity;
    uint32_t live;   // entries with count > 0; fewer than len only in a running window
    uint64_t *index; // hash << 32 | entry + 1; 0: free
    uint32_t index_mask;
    struct number_list changed; // entries with COUNTED_DIRTY: the next frame writes them
    uint32_t seen;              // entries below were taken by the running window ..
    struct number_list waiting; // .. these of them have grown since (COUNTED_WAITS)
};

// The most frequent values of each group, for one result of top_k.
struct tops {
    uint32_t limit;
    uint32_t *lens;  // a group
    uint64_t *cells; // group * limit * 3: value, count
};

void number_list_add(struct number_list *list, uint32_t number);
void values_clear(struct value_table *table);
size_t values_bytes(const struct value_table *table);

// The rows of one round.
void values_update(const struct step *step, const struct round *round);
// count more of a value; the group's number of distinct values follows.
void values_add(struct pane *pane, size_t table, uint32_t group, const uint64_t value[2],
                uint64_t count);
// `rows[g]`: the target's row of group g of `from`; GROUP_NONE: not wanted.
#define GROUP_NONE UINT32_MAX
void values_merge(struct pane *pane, const struct pane *from, const uint32_t *rows);
// Applies entries[i] for i in numbers (NULL: 0..len): added or taken out by `amounts`.
struct value_change {
    const uint64_t *value;
    uint64_t amount;
    uint32_t group;
};
void values_change(struct pane *pane, size_t table, const struct value_change *changes, size_t len,
                   bool is_less);

// Result of top_k for all groups of `pane`, from a table of it or (rows != NULL) of another pane.
void tops_build(struct pane *pane, size_t result, const struct pane *from, const uint32_t *rows);
void tops_clear(struct pane *pane);
void tops_result(const struct pane *pane, size_t result, uint32_t from, uint32_t count,
                 struct vector *vector);

// Checkpoint: entries of the groups numbered by `ordinals` (row -> number in this piece).
void values_encode(struct pane *pane, bool all, const uint32_t *ordinals, struct buf *out);
bool values_decode(struct pane *pane, const uint32_t *rows, uint32_t rows_len,
                   struct reader *reader);

#endif
