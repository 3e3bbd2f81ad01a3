// SPDX-License-Identifier: MIT
// A lane's panes, in order of time. Most rows hit the pane used last; others find theirs by
// halving.
//
// A fold has an origin, a random number that tells its rows from those of every other fold, in this
// process and in those before it. Panes loaded from a checkpoint keep the origin they were written
// with and are never added to: so the same group may be in several panes of one start, and a frame
// that writes a group again replaces exactly what it wrote before, whichever lane loads it.
#include "base/hash.h"
#include "engine/fold_layout.h"

static uint64_t origin_new(void)
{
    char text[37];
    uuid_new(text);
    return hash64_bytes(text, sizeof(text) - 1);
}

bool fold_supports(const struct relation *relation)
{
    struct layout layout;
    bool supports = layout_init(&layout, relation);
    layout_clear(&layout);
    return supports;
}

struct fold *fold_new(const struct relation *relation, int64_t pane_us)
{
    ASSERT(pane_us > 0);
    struct fold *fold = heap_new(sizeof(*fold));
    fold->relation = relation;
    bool is_supported = layout_init(&fold->layout, relation);
    ASSERT(is_supported);
    fold->pane_us = pane_us;
    fold->origin = origin_new();
    if (fold->layout.tables_len > 0 && relation->window_slide_us < relation->window_size_us)
        fold->layout.running = running_new();
    return fold;
}

void fold_free(struct fold *fold)
{
    if (fold == NULL)
        return;
    for (size_t i = 0; i < fold->panes_len; i++)
        pane_free(fold->panes[i]);
    heap_free(fold->panes);
    running_free(fold->layout.running);
    layout_clear(&fold->layout);
    heap_free(fold);
}

struct pane *fold_pane_at(struct fold *fold, int64_t start_us, uint64_t origin)
{
    size_t from = 0, to = fold->panes_len;
    while (from < to) {
        size_t middle = (from + to) / 2;
        const struct pane *pane = fold->panes[middle];
        if (pane->start_us < start_us || (pane->start_us == start_us && pane->origin < origin))
            from = middle + 1;
        else
            to = middle;
    }
    if (from < fold->panes_len && fold->panes[from]->start_us == start_us &&
        fold->panes[from]->origin == origin)
        return fold->panes[from];
    if (fold->panes_len == fold->panes_capacity) {
        fold->panes_capacity = fold->panes_capacity == 0 ? 16 : fold->panes_capacity * 2;
        fold->panes = heap_resize(fold->panes, fold->panes_capacity * sizeof(struct pane *));
    }
    memmove(&fold->panes[from + 1], &fold->panes[from],
            (fold->panes_len - from) * sizeof(struct pane *));
    struct pane *pane = pane_new(&fold->layout, start_us, origin);
    pane->tracks_touched = fold->tracks_touched;
    fold->panes[from] = pane;
    fold->panes_len++;
    return pane;
}

size_t fold_panes_len(const struct fold *fold)
{
    return fold->panes_len;
}

struct pane *fold_pane(struct fold *fold, size_t index)
{
    ASSERT(index < fold->panes_len);
    return fold->panes[index];
}

void fold_drop_pane(struct fold *fold, int64_t start_us)
{
    size_t kept = 0;
    for (size_t i = 0; i < fold->panes_len; i++) {
        if (fold->panes[i]->start_us == start_us) {
            running_give_back(fold->panes[i]);
            pane_free(fold->panes[i]);
        } else
            fold->panes[kept++] = fold->panes[i];
    }
    fold->panes_len = kept;
    fold->last = NULL;
}

int64_t pane_start_us(const struct pane *pane)
{
    return pane->start_us;
}

int64_t pane_groups(const struct pane *pane)
{
    return pane->groups;
}

int64_t pane_input_rows(const struct pane *pane)
{
    return pane->input_rows;
}

int64_t fold_bytes(const struct fold *fold)
{
    size_t bytes = sizeof(*fold) + fold->panes_capacity * sizeof(struct pane *);
    bytes += running_bytes(fold->layout.running);
    for (size_t i = 0; i < fold->panes_len; i++)
        bytes += pane_bytes(fold->panes[i]);
    return (int64_t)bytes;
}

int64_t fold_groups(const struct fold *fold)
{
    int64_t groups = 0;
    for (size_t i = 0; i < fold->panes_len; i++)
        groups += fold->panes[i]->groups;
    return groups;
}
