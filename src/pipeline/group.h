// SPDX-License-Identifier: MIT
// A windowed aggregate while it is being made: shared by group.c (keys, final step) and
// group_inputs.c (inputs, folds). Internal to the view builder.
#ifndef FIRESTEEL_GROUP_H
#define FIRESTEEL_GROUP_H

#include "pipeline/select.h"

struct group_maker {
    struct select *select;
    const struct from *from;
    struct window_arguments window;
    struct column *columns; // of the input, then window_start, window_end
    size_t columns_len;
    json_t *keys;  // array: expressions of the input's columns
    json_t *calls; // array: each aggregate once
    struct relation relation;
    bool failed;
};

// Fills group_inputs*, aggregates or group_sql, and group_columns. `query` is resolved and its FROM
// offers the window bounds.
bool group_inputs_make(struct group_maker *maker, json_t *query, const struct relation *input);
// An empty table for binding (_groups, _kept).
bool group_publish(struct group_maker *maker, const char *name, const struct column *columns,
                   size_t len);

#endif
