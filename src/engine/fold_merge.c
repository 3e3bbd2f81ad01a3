// SPDX-License-Identifier: MIT
// Panes that become one: those of several lanes when a window closes, those of a HOP window, and
// the groups touched since the last emission. The result has a layout of its own, so that it may
// outlive the folds it came from.
#include "engine/fold_layout.h"

enum { MERGE_ROUND = 64 };

struct pane *pane_merge_new(const struct relation *relation, struct pane *const *panes, size_t len)
{
    struct layout *layout = heap_new(sizeof(*layout));
    bool is_supported = layout_init(layout, relation);
    ASSERT(is_supported);
    struct pane *merged = pane_new(layout, len == 0 ? 0 : panes[0]->start_us, 0);
    merged->layout_owned = layout;
    for (size_t i = 0; i < len; i++) {
        ASSERT(panes[i]->layout->fingerprint == layout->fingerprint);
        if (panes[i]->start_us < merged->start_us)
            merged->start_us = panes[i]->start_us;
        merged->input_rows += panes[i]->input_rows;
    }
    return merged;
}

static const uint64_t *group_key(const char *group)
{
    return (const void *)group;
}

// Groups of `pane` into `merged`; only_known: those that `merged` has already. rows: NULL, or room
// for the row of each group there.
static void groups_merge(struct pane *merged, const struct pane *pane, bool only_known,
                         uint32_t *rows)
{
    for (uint32_t from = 0; from < pane->groups; from += MERGE_ROUND) {
        uint32_t to = pane->groups - from < MERGE_ROUND ? pane->groups : from + MERGE_ROUND;
        if (!only_known)
            pane_reserve(merged, to - from);
        if (merged->index == NULL)
            return;
        for (uint32_t row = from; row < to; row++)
            __builtin_prefetch(
                &merged->index[(uint32_t)group_key(pane_row(pane, row))[0] & merged->index_mask]);
        for (uint32_t row = from; row < to; row++) {
            uint64_t entry =
                merged->index[(uint32_t)group_key(pane_row(pane, row))[0] & merged->index_mask];
            for (uint32_t at = 0; entry != 0 && at < merged->layout->row_bytes; at += 64)
                __builtin_prefetch(pane_row(merged, (uint32_t)entry - 1) + at, 1);
        }
        for (uint32_t row = from; row < to; row++) {
            const char *other = pane_row(pane, row);
            uint32_t number = GROUP_NONE;
            char *group = only_known ? pane_find(merged, group_key(other), &number)
                                     : pane_group(merged, group_key(other), &number);
            if (group != NULL)
                group_merge(merged, group, other);
            if (rows != NULL)
                rows[row] = number;
        }
    }
}

static void pane_merge_in(struct pane *merged, const struct pane *pane, bool only_known)
{
    if (merged->layout->tables_len == 0) {
        groups_merge(merged, pane, only_known, NULL);
        return;
    }
    uint32_t *rows = heap_array((size_t)pane->groups + 1, sizeof(*rows));
    memset(rows, 0xff, ((size_t)pane->groups + 1) * sizeof(*rows)); // GROUP_NONE
    groups_merge(merged, pane, only_known, rows);
    values_merge(merged, pane, rows);
    heap_free(rows);
}

struct pane *pane_merge(const struct relation *relation, struct pane *const *panes, size_t len)
{
    struct pane *merged = pane_merge_new(relation, panes, len);
    size_t most = 0;
    for (size_t i = 0; i < len; i++)
        most = panes[i]->groups > most ? panes[i]->groups : most;
    pane_reserve(merged, most);
    struct running *running = len > 0 ? panes[0]->layout->running : NULL;
    for (size_t i = 0; i < len; i++) {
        if (running != NULL)
            groups_merge(merged, panes[i], false, NULL);
        else
            pane_merge_in(merged, panes[i], false);
    }
    if (running != NULL)
        running_window(running, relation, merged, panes, len);
    return merged;
}

static void keys_take(struct pane *merged, const struct pane *keys)
{
    pane_reserve(merged, keys->groups);
    for (uint32_t row = 0; row < keys->groups; row++) {
        uint32_t unused;
        pane_group(merged, group_key(pane_row(keys, row)), &unused);
    }
}

struct pane *pane_merge_keys(const struct relation *relation, const struct pane *keys,
                             struct pane *const *panes, size_t len)
{
    struct pane *merged = pane_merge_new(relation, panes, len);
    keys_take(merged, keys);
    for (size_t i = 0; i < len; i++)
        pane_merge_in(merged, panes[i], true);
    return merged;
}

// ---- Touched groups

static void pane_track(struct pane *pane)
{
    pane->tracks_touched = true;
    for (uint32_t row = 0; row < pane->groups; row++)
        pane_mark_touched(pane, pane_row(pane, row), row);
}

static void touched_keys(struct pane *keys, struct pane *pane)
{
    pane_reserve(keys, pane->touched_len);
    for (size_t i = 0; i < pane->touched_len; i++) {
        uint32_t unused;
        char *group = pane_row(pane, pane->touched[i]);
        *group_bits(pane->layout, group, 0) &= ~GROUP_TOUCHED;
        pane_group(keys, group_key(group), &unused);
    }
    pane->touched_len = 0;
}

// The panes [from, to) have one start. NULL: nothing was touched.
static struct pane *touched_take(struct fold *fold, size_t from, size_t to)
{
    size_t touched = 0;
    for (size_t i = from; i < to; i++)
        touched += fold->panes[i]->touched_len;
    if (touched == 0)
        return NULL;
    struct pane *merged = pane_merge_new(fold->relation, fold->panes + from, to - from);
    for (size_t i = from; i < to; i++)
        touched_keys(merged, fold->panes[i]);
    for (size_t i = from; i < to; i++)
        pane_merge_in(merged, fold->panes[i], true);
    return merged;
}

void fold_take_touched(struct fold *fold, struct pane ***panes, size_t *len)
{
    if (!fold->tracks_touched) {
        fold->tracks_touched = true;
        for (size_t i = 0; i < fold->panes_len; i++)
            pane_track(fold->panes[i]);
    }
    *panes = heap_array(fold->panes_len + 1, sizeof(struct pane *));
    *len = 0;
    for (size_t from = 0, to; from < fold->panes_len; from = to) {
        to = from + 1;
        while (to < fold->panes_len && fold->panes[to]->start_us == fold->panes[from]->start_us)
            to++;
        struct pane *touched = touched_take(fold, from, to);
        if (touched != NULL)
            (*panes)[(*len)++] = touched;
    }
}
