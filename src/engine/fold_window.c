// SPDX-License-Identifier: MIT
// The running window of a HOP: its counted values follow from slide to slide, instead of being
// merged anew from all panes. What has come since is added, what leaves is taken out, so an entry
// of a pane is touched twice in its life however many windows hold it. It is a cache: lost on a
// stop, and taken anew from the panes, since everything in it is the sum of `taken` of the panes it
// knows.
//
// A pane may still grow while the window has it (a row late for one window is not late for the
// next): such entries wait in a list of their own. Other aggregates cannot be taken out again and
// are merged pane by pane; that is a few hundred bytes a group.
#include "engine/fold_layout.h"

struct running {
    struct pane *whole;  // groups (keys and numbers of values) and value tables only
    struct pane **panes; // whose values are in it
    size_t panes_len, panes_capacity;
    uint64_t round;
};

struct running *running_new(void)
{
    return heap_new(sizeof(struct running));
}

void running_free(struct running *running)
{
    if (running == NULL)
        return;
    pane_free(running->whole);
    heap_free(running->panes);
    heap_free(running);
}

size_t running_bytes(const struct running *running)
{
    if (running == NULL)
        return 0;
    return sizeof(*running) + running->panes_capacity * sizeof(struct pane *) +
           (running->whole != NULL ? pane_bytes(running->whole) : 0);
}

// ---- Taking and giving back

// Rows of the whole for all groups of the pane.
static void rows_follow(struct running *running, struct pane *pane)
{
    struct pane *whole = running->whole;
    if (pane->groups > pane->whole_rows_capacity) {
        pane->whole_rows_capacity = pane->groups + pane->groups / 2;
        pane->whole_rows =
            heap_resize(pane->whole_rows, pane->whole_rows_capacity * sizeof(*pane->whole_rows));
    }
    pane_reserve(whole, pane->groups - pane->whole_rows_len);
    for (uint32_t row = pane->whole_rows_len; row < pane->groups; row++)
        pane_group(whole, (const uint64_t *)(const void *)pane_row(pane, row),
                   &pane->whole_rows[row]);
    pane->whole_rows_len = pane->groups;
}

static void take_waiting(struct running *running, struct pane *pane, size_t t)
{
    struct value_table *table = &pane->values[t];
    struct value_change changes[FOLD_BLOCK];
    size_t len = 0;
    for (size_t i = 0; i < table->waiting.len; i++) {
        struct counted *entry = &table->entries[table->waiting.items[i]];
        changes[len++] = (struct value_change){entry->value, entry->count - entry->taken,
                                               pane->whole_rows[entry->group]};
        entry->taken = entry->count;
        entry->flags &= ~(uint32_t)COUNTED_WAITS;
        if (len == FOLD_BLOCK || i + 1 == table->waiting.len) {
            values_change(running->whole, t, changes, len, false);
            len = 0;
        }
    }
    table->waiting.len = 0;
}

static void take_new(struct running *running, struct pane *pane, size_t t)
{
    struct value_table *table = &pane->values[t];
    struct value_change changes[FOLD_BLOCK];
    size_t len = 0;
    for (uint32_t i = table->seen; i < table->len; i++) {
        struct counted *entry = &table->entries[i];
        changes[len++] =
            (struct value_change){entry->value, entry->count, pane->whole_rows[entry->group]};
        entry->taken = entry->count;
        if (len == FOLD_BLOCK || i + 1 == table->len) {
            values_change(running->whole, t, changes, len, false);
            len = 0;
        }
    }
    table->seen = table->len;
}

static void pane_take(struct running *running, struct pane *pane)
{
    if (pane->taken_by != running) {
        running_give_back(pane);
        if (running->panes_len == running->panes_capacity) {
            running->panes_capacity = running->panes_capacity > 0 ? running->panes_capacity * 2 : 8;
            running->panes =
                heap_resize(running->panes, running->panes_capacity * sizeof(struct pane *));
        }
        running->panes[running->panes_len++] = pane;
        pane->taken_by = running;
    }
    rows_follow(running, pane);
    for (size_t t = 0; t < pane->layout->tables_len; t++) {
        take_waiting(running, pane, t);
        take_new(running, pane, t);
    }
}

static void pane_forget(struct pane *pane)
{
    for (size_t t = 0; t < pane->layout->tables_len; t++) {
        struct value_table *table = &pane->values[t];
        for (size_t i = 0; i < table->waiting.len; i++)
            table->entries[table->waiting.items[i]].flags &= ~(uint32_t)COUNTED_WAITS;
        table->waiting.len = 0;
        table->seen = 0;
    }
    pane->whole_rows_len = 0;
    pane->taken_by = NULL;
}

void running_give_back(struct pane *pane)
{
    struct running *running = pane->taken_by;
    if (running == NULL)
        return;
    struct value_change changes[FOLD_BLOCK];
    for (size_t t = 0; t < pane->layout->tables_len; t++) {
        const struct value_table *table = &pane->values[t];
        size_t len = 0;
        for (uint32_t i = 0; i < table->seen; i++) {
            const struct counted *entry = &table->entries[i];
            changes[len++] =
                (struct value_change){entry->value, entry->taken, pane->whole_rows[entry->group]};
            if (len == FOLD_BLOCK || i + 1 == table->seen) {
                values_change(running->whole, t, changes, len, true);
                len = 0;
            }
        }
    }
    pane_forget(pane);
    for (size_t i = 0; i < running->panes_len; i++)
        if (running->panes[i] == pane) {
            running->panes[i] = running->panes[--running->panes_len];
            break;
        }
}

// ---- A window

// Values that are gone leave their entries: when they are most of the table, it is made anew.
static bool is_worn(const struct running *running)
{
    size_t len = 0, live = 0;
    for (size_t t = 0; t < running->whole->layout->tables_len; t++) {
        len += running->whole->values[t].len;
        live += running->whole->values[t].live;
    }
    return len > 4096 && len > 3 * live;
}

static void running_reset(struct running *running, const struct relation *relation)
{
    for (size_t i = 0; i < running->panes_len; i++)
        pane_forget(running->panes[i]);
    running->panes_len = 0;
    pane_free(running->whole);
    running->whole = pane_merge_new(relation, NULL, 0);
}

// Counted values of the window's groups, whose other states are merged already.
static void values_publish(struct pane *merged, const struct pane *whole)
{
    const struct layout *layout = merged->layout;
    uint32_t *rows = heap_array((size_t)whole->groups + 1, sizeof(*rows));
    memset(rows, 0xff, ((size_t)whole->groups + 1) * sizeof(*rows)); // GROUP_NONE
    for (uint32_t row = 0; row < merged->groups; row++) {
        char *group = pane_row(merged, row);
        uint32_t number;
        const char *other = pane_find(whole, (const uint64_t *)(const void *)group, &number);
        ASSERT(other != NULL);
        rows[number] = row;
        for (size_t t = 0; t < layout->tables_len; t++) {
            uint32_t at = layout->tables[t]->n_at;
            CELL(int64_t, group, at) = CELL_CONST(int64_t, other, at);
        }
    }
    for (size_t i = 0; i < layout->results_len; i++)
        if (layout->results[i].limit > 0)
            tops_build(merged, i, whole, rows);
    heap_free(rows);
}

void running_window(struct running *running, const struct relation *relation, struct pane *merged,
                    struct pane *const *panes, size_t len)
{
    running->round++;
    for (size_t i = 0; i < len; i++)
        panes[i]->window_round = running->round;
    for (size_t i = running->panes_len; i > 0; i--)
        if (running->panes[i - 1]->window_round != running->round)
            running_give_back(running->panes[i - 1]);
    if (running->whole == NULL || is_worn(running))
        running_reset(running, relation);
    for (size_t i = 0; i < len; i++)
        pane_take(running, panes[i]);
    values_publish(merged, running->whole);
}
