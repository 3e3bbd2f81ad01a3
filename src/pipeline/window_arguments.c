// SPDX-License-Identifier: MIT
// TUMBLE(rel, time, size [, shift =>]) and HOP(rel, time, slide, size [, shift =>]).
#include "pipeline/select.h"

#include <string.h>

#define PANES_MAX 1000

static int64_t greatest_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static bool read_time(const struct select *select, json_t *argument, const struct column *columns,
                      size_t len, int *column)
{
    size_t place = tree_first_place(argument);
    *column = tree_column_index(argument, columns, len);
    if (*column < 0 && tree_is(argument, "COLUMN_REF") && tree_len(argument, "column_names") == 1) {
        struct str name = str_of(json_string_value(tree_at(argument, "column_names", 0)));
        return select_refuse(select, "E0202", place, NULL, "no column %.*s to take the time from%s",
                             STR_ARGS(name),
                             column_nearest(select->builder->arena, columns, len, name));
    }
    if (*column < 0)
        return select_refuse(select, "E0225", place, "select it as a column of a view before",
                             "the time of a window must be a plain column");
    const struct type *type = columns[*column].type;
    return type->kind == TYPE_TIMESTAMP ||
           select_refuse(select, "E0225", place, "declare it as TIMESTAMP in the source",
                         "the time of a window must be a TIMESTAMP, and %.*s is %s",
                         STR_ARGS(columns[*column].name), type->sql);
}

static bool check_lengths(const struct select *select, json_t *function,
                          const struct window_arguments *window)
{
    size_t place = tree_place(function);
    if (window->size_us <= 0 || window->slide_us <= 0)
        return select_refuse(select, "E0221", place, NULL, "a window's length must be above zero");
    if (window->size_us < window->slide_us)
        return select_refuse(
            select, "E0222", place,
            "HOP takes the slide before the size: HOP(rel, time, slide, size)",
            "the size of HOP is shorter than its slide: rows would be in no window");
    int64_t pane_us = greatest_divisor(window->size_us, window->slide_us);
    if (window->size_us / pane_us > PANES_MAX)
        return select_refuse(select, "E0224", place,
                             "choose a slide that divides the size into fewer parts",
                             "a window would consist of %lld panes, and at most %d are possible",
                             (long long)(window->size_us / pane_us), PANES_MAX);
    return true;
}

bool window_arguments_read(const struct select *select, json_t *function,
                           const struct column *columns, size_t len, struct window_arguments *out)
{
    *out = (struct window_arguments){.time_column = -1};
    bool is_hop = str_is(tree_function(function), "hop");
    const char *form = is_hop ? "HOP(rel, time, slide, size)" : "TUMBLE(rel, time, size)";
    json_t *lengths[2] = {NULL, NULL};
    size_t lengths_len = 0;
    for (size_t i = 1; i < tree_len(function, "children"); i++) {
        json_t *argument = tree_at(function, "children", i);
        struct str alias = tree_text(argument, "alias");
        if (i == 1) {
            if (!read_time(select, argument, columns, len, &out->time_column))
                return false;
        } else if (str_is(alias, "shift")) {
            if (!select_interval(select, argument, "shift", &out->shift_us))
                return false;
        } else if (alias.len > 0 || lengths_len == (is_hop ? 2 : 1)) {
            return select_refuse(select, "E0220", tree_first_place(argument), form,
                                 "unexpected argument of %s", is_hop ? "HOP" : "TUMBLE");
        } else {
            lengths[lengths_len++] = argument;
        }
    }
    if (lengths_len != (is_hop ? 2 : 1))
        return select_refuse(select, "E0220", tree_place(function), form,
                             "%s has too few arguments", is_hop ? "HOP" : "TUMBLE");
    if (!select_interval(select, lengths[0], is_hop ? "the slide" : "the size", &out->slide_us) ||
        (is_hop && !select_interval(select, lengths[1], "the size", &out->size_us)))
        return false;
    if (!is_hop)
        out->size_us = out->slide_us;
    return check_lengths(select, function, out);
}
