// SPDX-License-Identifier: MIT
// DEDUP(rel, key [, key ..] [, within => INTERVAL] [, keep => 'first' | 'last']). Keys are plain
// columns, because the set hashes what the decoder wrote; an expression becomes a column of a view
// before. `within` defaults to the longest watermark delay of the sources above: that is how long a
// copy may still arrive without being late.
#include "pipeline/select.h"

#include <string.h>

// NOLINTNEXTLINE(misc-no-recursion): relations are in topological order
static int64_t longest_delay(const struct plan *plan, int relation)
{
    const struct relation *node = &plan->relations[relation];
    if (node->kind == RELATION_SOURCE) {
        const struct plan_source *source = &plan->sources[node->source];
        return source->watermark_column >= 0 ? source->watermark_delay_us : 0;
    }
    int64_t delay = 0;
    for (size_t i = 0; i < COUNT_OF(node->inputs); i++) {
        if (node->inputs[i] < 0)
            continue;
        int64_t other = longest_delay(plan, node->inputs[i]);
        delay = other > delay ? other : delay;
    }
    return delay;
}

static bool read_keep(const struct select *select, json_t *argument, bool *keep_last)
{
    struct str word = tree_text(json_object_get(argument, "value"), "value");
    size_t place = tree_first_place(argument);
    *keep_last = str_equal_nocase(word, STR("last"));
    if (!*keep_last && !str_equal_nocase(word, STR("first")))
        return select_refuse(select, "E0227", place, "write keep => 'first' or keep => 'last'",
                             "keep must be 'first' or 'last'");
    if (*keep_last) // in batch, this refusal makes the pipeline run on tables
        return select_refuse(select, "E0228", place, "SET execution = 'batch', or keep => 'first'",
                             "keep => 'last' needs to see the end of the input");
    return true;
}

static bool read_key(const struct select *select, json_t *argument, const struct relation *input,
                     int *key)
{
    AUTO(tree_release) json_t *plain = json_deep_copy(argument);
    json_t *names = json_object_get(plain, "column_names");
    if (json_array_size(names) == 2 &&
        str_equal_nocase(str_of(json_string_value(json_array_get(names, 0))), input->name))
        json_array_remove(names, 0);
    *key = tree_column_index(plain, input->columns, input->columns_len);
    if (*key >= 0)
        return true;
    if (!tree_is(plain, "COLUMN_REF") || json_array_size(names) != 1)
        return select_refuse(
            select, "E0227", tree_first_place(argument),
            "make it a column first: name TYPE AS (expression) in the source, or a "
            "view that selects it",
            "a key of DEDUP must be a plain column");
    struct str name = str_of(json_string_value(json_array_get(names, 0)));
    return select_refuse(
        select, "E0202", tree_first_place(argument), NULL, "no column %.*s in %.*s%s",
        STR_ARGS(name), STR_ARGS(input->name),
        column_nearest(select->builder->arena, input->columns, input->columns_len, name));
}

static bool read_arguments(const struct select *select, json_t *function,
                           const struct relation *input, struct relation *out)
{
    size_t len = tree_len(function, "children");
    out->dedup_keys = ARENA_ARRAY(select->builder->arena, int, len);
    for (size_t i = 1; i < len; i++) {
        json_t *argument = tree_at(function, "children", i);
        struct str alias = tree_text(argument, "alias");
        bool is_read;
        if (str_is(alias, "within"))
            is_read = select_interval(select, argument, "within", &out->within_us);
        else if (str_is(alias, "keep"))
            is_read = read_keep(select, argument, &out->keep_last);
        else if (alias.len > 0)
            is_read = select_refuse(select, "E0227", tree_first_place(argument),
                                    "it takes within => INTERVAL and keep => 'first'",
                                    "DEDUP has no option %.*s", STR_ARGS(alias));
        else
            is_read = read_key(select, argument, input, &out->dedup_keys[out->dedup_keys_len++]);
        if (!is_read)
            return false;
    }
    return true;
}

int dedup_build(struct select *select, json_t *function, int input_index, struct str name,
                size_t place)
{
    const struct plan *plan = select->builder->plan;
    const struct relation *input = &plan->relations[input_index];
    struct relation relation = relation_new(name, RELATION_DEDUP, place);
    relation.inputs[0] = input_index;
    relation.columns = input->columns;
    relation.columns_len = input->columns_len;
    relation.time_column = input->time_column;
    relation.within_us = -1;
    if (input->is_closed) {
        select_refuse(select, "E0219", tree_place(function),
                      "the rows of closed windows are unique by their GROUP BY key already",
                      "DEDUP over closed windows is not supported");
        return -1;
    }
    if (!read_arguments(select, function, input, &relation))
        return -1;
    if (relation.dedup_keys_len == 0) {
        select_refuse(select, "E0227", tree_place(function),
                      "name the columns that make a row unique: DEDUP(events, event_id)",
                      "DEDUP needs at least one key");
        return -1;
    }
    if (relation.time_column < 0 && select->builder->execution != EXECUTION_BATCH) {
        select_refuse(
            select, "E0226", tree_place(function),
            "give the source WATERMARK FOR its event time, and keep that column in the views",
            "DEDUP over %.*s would keep its keys for ever: it has no watermark",
            STR_ARGS(input->name));
        return -1;
    }
    if (relation.within_us < 0)
        relation.within_us = longest_delay(plan, input_index);
    return relation_add(select->builder, &relation);
}
