// SPDX-License-Identifier: MIT
// Tables of counted values: finding, adding, taking out, merging, and as bytes.
//
// A round is looked up in three passes, as groups are: hash and fetch the index slot, fetch the
// entry, then count. Values are kept in 16 bytes: text as its cell (long text in the pane's arena),
// whole numbers as int64, floats as double with one zero and one NaN, others as they are.
#include "engine/fold_values.h"
#include "engine/fold_layout.h"
#include <math.h>

enum { INDEX_MIN = 64, ENTRIES_MIN = 32 };

void number_list_add(struct number_list *list, uint32_t number)
{
    if (list->len == list->capacity) {
        list->capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        list->items = heap_resize(list->items, list->capacity * sizeof(*list->items));
    }
    list->items[list->len++] = number;
}

void values_clear(struct value_table *table)
{
    heap_free(table->entries);
    heap_free(table->index);
    heap_free(table->changed.items);
    heap_free(table->waiting.items);
    *table = (struct value_table){0};
}

size_t values_bytes(const struct value_table *table)
{
    return table->capacity * sizeof(struct counted) +
           (table->index == NULL ? 0 : ((size_t)table->index_mask + 1) * sizeof(uint64_t)) +
           (table->changed.capacity + table->waiting.capacity) * sizeof(uint32_t);
}

// ---- The index

static uint32_t value_hash(bool is_text, uint32_t group, const uint64_t value[2])
{
    const struct string_cell *cell = (const void *)value;
    uint64_t second = value[1];
    if (is_text && cell->len > sizeof(cell->inlined))
        second = hash_text_long(cell);
    return (uint32_t)hash_mix(value[0] ^ ((uint64_t)group << 32 | group), second);
}

static void table_grow(struct value_table *table, size_t slots)
{
    uint64_t *index = heap_array(slots, sizeof(*index));
    uint32_t mask = (uint32_t)(slots - 1);
    size_t old_slots = table->index == NULL ? 0 : (size_t)table->index_mask + 1;
    for (size_t i = 0; i < old_slots; i++) {
        if (table->index[i] == 0)
            continue;
        uint32_t at = (uint32_t)(table->index[i] >> 32) & mask;
        while (index[at] != 0)
            at = (at + 1) & mask;
        index[at] = table->index[i];
    }
    heap_free(table->index);
    table->index = index;
    table->index_mask = mask;
}

static void table_reserve(struct value_table *table, size_t more)
{
    size_t wanted = table->len + more;
    ASSERT(wanted < INT32_MAX);
    if (wanted > table->capacity) {
        size_t capacity = table->capacity == 0 ? ENTRIES_MIN : (size_t)table->capacity * 2;
        while (capacity < wanted)
            capacity *= 2;
        table->entries = heap_resize(table->entries, capacity * sizeof(*table->entries));
        table->capacity = (uint32_t)capacity;
    }
    size_t slots = table->index == NULL ? 0 : (size_t)table->index_mask + 1;
    if (LIKELY(wanted * 3 <= slots * 2))
        return;
    slots = slots == 0 ? INDEX_MIN : slots;
    while (wanted * 3 > slots * 2)
        slots *= 2;
    table_grow(table, slots);
}

static inline bool value_equal(bool is_text, const uint64_t *a, const uint64_t *b)
{
    if (a[0] == b[0] && a[1] == b[1])
        return true;
    return is_text && string_cell_equal((const void *)a, (const void *)b);
}

// The entry, or a new one with count 0. Room must have been reserved.
static struct counted *table_find(struct value_table *table, bool is_text, uint32_t hash,
                                  uint32_t group, const uint64_t value[2], bool *is_new)
{
    *is_new = false;
    uint32_t at = hash & table->index_mask;
    for (;; at = (at + 1) & table->index_mask) {
        uint64_t slot = table->index[at];
        if (slot == 0)
            break;
        if ((uint32_t)(slot >> 32) != hash)
            continue;
        struct counted *entry = &table->entries[(uint32_t)slot - 1];
        if (LIKELY(entry->group == group && value_equal(is_text, entry->value, value)))
            return entry;
    }
    struct counted *entry = &table->entries[table->len++];
    table->index[at] = (uint64_t)hash << 32 | table->len;
    *entry = (struct counted){.value = {value[0], value[1]}, .group = group};
    *is_new = true;
    return entry;
}

static void own_text(struct pane *pane, struct counted *entry)
{
    struct string_cell *cell = (void *)entry->value;
    if (cell->len <= sizeof(cell->inlined))
        return;
    char *copy = arena_bytes(&pane->texts, cell->len);
    memcpy(copy, cell->pointer.ptr, cell->len);
    cell->pointer.ptr = copy;
}

// A merged pane is not written to the checkpoint, and no running window takes from it.
static inline void entry_mark(struct pane *pane, struct value_table *table, struct counted *entry)
{
    uint32_t number = (uint32_t)(entry - table->entries);
    if (pane->layout_owned != NULL)
        return;
    if ((entry->flags & COUNTED_DIRTY) == 0)
        number_list_add(&table->changed, number);
    if (number < table->seen && (entry->flags & COUNTED_WAITS) == 0) {
        number_list_add(&table->waiting, number);
        entry->flags |= COUNTED_WAITS;
    }
    entry->flags |= COUNTED_DIRTY;
}

static inline void entry_count(struct pane *pane, size_t number, struct counted *entry, bool is_new,
                               uint64_t count)
{
    const struct step *step = pane->layout->tables[number];
    struct value_table *table = &pane->values[number];
    if (is_new && step->value_class == NUMBER_NONE)
        own_text(pane, entry);
    if (entry->count == 0 && count > 0) {
        table->live++;
        CELL(int64_t, pane_row(pane, entry->group), step->n_at)++;
    }
    entry->count += count;
    entry_mark(pane, table, entry);
}

void values_add(struct pane *pane, size_t number, uint32_t group, const uint64_t value[2],
                uint64_t count)
{
    struct value_table *table = &pane->values[number];
    bool is_text = pane->layout->tables[number]->value_class == NUMBER_NONE, is_new;
    table_reserve(table, 1);
    struct counted *entry =
        table_find(table, is_text, value_hash(is_text, group, value), group, value, &is_new);
    entry_count(pane, number, entry, is_new, count);
}

// ---- Rows

struct staged_values {
    size_t len;
    uint16_t at[FOLD_BLOCK]; // of the round
    uint32_t hashes[FOLD_BLOCK];
    uint64_t values[FOLD_BLOCK][2];
};

static void staged_count(const struct step *step, const struct round *round,
                         struct staged_values *staged)
{
    bool is_text = step->value_class == NUMBER_NONE;
    const struct pane *reserved = NULL;
    for (size_t i = 0; i < staged->len; i++) {
        size_t at = staged->at[i];
        struct value_table *table = &round->panes[at]->values[step->table];
        if (round->panes[at] != reserved) {
            table_reserve(table, staged->len);
            reserved = round->panes[at];
        }
        staged->hashes[i] = value_hash(is_text, round->numbers[at], staged->values[i]);
        __builtin_prefetch(&table->index[staged->hashes[i] & table->index_mask]);
    }
    for (size_t i = 0; i < staged->len; i++) {
        const struct value_table *table = &round->panes[staged->at[i]]->values[step->table];
        uint64_t slot = table->index[staged->hashes[i] & table->index_mask];
        if (slot != 0)
            __builtin_prefetch(&table->entries[(uint32_t)slot - 1], 1);
    }
    for (size_t i = 0; i < staged->len; i++) {
        size_t at = staged->at[i];
        struct pane *pane = round->panes[at];
        bool is_new;
        // Panes may take turns within a round: the room for one is not the room for the other.
        table_reserve(&pane->values[step->table], 1);
        struct counted *entry = table_find(&pane->values[step->table], is_text, staged->hashes[i],
                                           round->numbers[at], staged->values[i], &is_new);
        entry_count(pane, step->table, entry, is_new, 1);
    }
    staged->len = 0;
}

static void real_word(const double *number, uint64_t *word)
{
    double value = *number != *number ? __builtin_nan("") : *number + 0.0;
    memcpy(word, &value, sizeof(value));
}

// Up to FOLD_BLOCK values of a vector into 16-byte form. rows NULL: the first ones.
static void values_gather(enum number_class class, const struct vector *vector,
                          const uint16_t *rows, size_t count, uint64_t (*out)[2])
{
    const struct string_cell *cells = vector->data;
    double reals[FOLD_BLOCK];
    int64_t wholes[FOLD_BLOCK];
    __int128 huges[FOLD_BLOCK];
    if (class == NUMBER_NONE) {
        for (size_t i = 0; i < count; i++)
            memcpy(out[i], &cells[rows != NULL ? rows[i] : i], sizeof(*cells));
    } else if (class == NUMBER_WHOLE) {
        gather_whole(vector, rows, count, wholes);
        for (size_t i = 0; i < count; i++) {
            out[i][0] = (uint64_t)wholes[i];
            out[i][1] = 0;
        }
    } else if (class == NUMBER_REAL) {
        gather_real(vector, rows, count, reals);
        for (size_t i = 0; i < count; i++) {
            real_word(&reals[i], &out[i][0]);
            out[i][1] = 0;
        }
    } else {
        gather_huge(vector, rows, count, huges);
        memcpy(out, huges, count * sizeof(*huges));
    }
}

// The elements of the lists of a round.
static void update_lists(const struct step *step, const struct round *round,
                         struct staged_values *staged)
{
    const struct vector *list = round->columns[step->input], *child = &list->children[0];
    size_t bytes = child->type->cell_bytes;
    for (size_t i = 0; i < round->count; i++) {
        struct list_cell cell = ((const struct list_cell *)list->data)[round->rows[i]];
        for (size_t from = 0; from < cell.length;) {
            size_t count = cell.length - from;
            if (staged->len + count > FOLD_BLOCK && staged->len > 0)
                staged_count(step, round, staged);
            count = count < FOLD_BLOCK ? count : FOLD_BLOCK;
            struct vector part = *child;
            part.data = (char *)child->data + (cell.offset + from) * bytes;
            size_t first = staged->len, kept = first;
            values_gather(step->value_class, &part, NULL, count, staged->values + first);
            for (size_t k = 0; k < count; k++) {
                if (vector_is_null(child, cell.offset + from + k))
                    continue;
                memcpy(staged->values[kept], staged->values[first + k], sizeof(staged->values[0]));
                staged->at[kept++] = (uint16_t)i;
            }
            staged->len = kept;
            from += count;
        }
    }
}

void values_update(const struct step *step, const struct round *round)
{
    struct staged_values staged;
    staged.len = 0;
    if (step->is_list) {
        update_lists(step, round, &staged);
    } else {
        values_gather(step->value_class, round->columns[step->input], round->rows, round->count,
                      staged.values);
        for (size_t i = 0; i < round->count; i++)
            staged.at[i] = (uint16_t)i;
        staged.len = round->count;
    }
    if (staged.len > 0)
        staged_count(step, round, &staged);
}

// ---- Many at once

static void change_apply(struct pane *pane, size_t number, uint32_t hash,
                         const struct value_change *change, bool is_less)
{
    const struct step *step = pane->layout->tables[number];
    struct value_table *table = &pane->values[number];
    bool is_new;
    struct counted *entry = table_find(table, step->value_class == NUMBER_NONE, hash, change->group,
                                       change->value, &is_new);
    if (!is_less) {
        entry_count(pane, number, entry, is_new, change->amount);
        return;
    }
    ASSERT(!is_new && entry->count >= change->amount);
    entry->count -= change->amount;
    if (entry->count == 0 && change->amount > 0) {
        table->live--;
        CELL(int64_t, pane_row(pane, entry->group), step->n_at)--;
    }
}

void values_change(struct pane *pane, size_t number, const struct value_change *changes, size_t len,
                   bool is_less)
{
    struct value_table *table = &pane->values[number];
    bool is_text = pane->layout->tables[number]->value_class == NUMBER_NONE;
    uint32_t hashes[FOLD_BLOCK];
    for (size_t from = 0; from < len; from += FOLD_BLOCK) {
        size_t count = len - from < FOLD_BLOCK ? len - from : FOLD_BLOCK;
        table_reserve(table, count);
        for (size_t i = 0; i < count; i++) {
            hashes[i] = value_hash(is_text, changes[from + i].group, changes[from + i].value);
            __builtin_prefetch(&table->index[hashes[i] & table->index_mask]);
        }
        for (size_t i = 0; i < count; i++) {
            uint64_t slot = table->index[hashes[i] & table->index_mask];
            if (slot != 0)
                __builtin_prefetch(&table->entries[(uint32_t)slot - 1], 1);
        }
        for (size_t i = 0; i < count; i++)
            change_apply(pane, number, hashes[i], &changes[from + i], is_less);
    }
}

void values_merge(struct pane *pane, const struct pane *from, const uint32_t *rows)
{
    struct value_change changes[FOLD_BLOCK];
    for (size_t t = 0; t < pane->layout->tables_len; t++) {
        const struct value_table *table = &from->values[t];
        size_t len = 0;
        for (uint32_t i = 0; i < table->len; i++) {
            const struct counted *entry = &table->entries[i];
            if (rows[entry->group] == GROUP_NONE || entry->count == 0)
                continue;
            changes[len++] = (struct value_change){entry->value, entry->count, rows[entry->group]};
            if (len == FOLD_BLOCK) {
                values_change(pane, t, changes, len, false);
                len = 0;
            }
        }
        values_change(pane, t, changes, len, false);
    }
}

// ---- As bytes: for each table u32 entries, then each: u32 ordinal of its group, u64 count, and
// the value: text as u32 length and bytes, else 8 or 16 bytes.

static void entry_encode(const struct step *step, const struct counted *entry, uint32_t ordinal,
                         struct buf *out)
{
    const struct string_cell *cell = (const void *)entry->value;
    buf_add_u32(out, ordinal);
    buf_add_u64(out, entry->count);
    if (step->value_class == NUMBER_NONE) {
        struct str text = string_cell_str(cell);
        buf_add_u32(out, (uint32_t)text.len);
        buf_add(out, text.ptr, text.len);
        return;
    }
    buf_add_u64(out, entry->value[0]);
    if (step->value_class == NUMBER_HUGE)
        buf_add_u64(out, entry->value[1]);
}

void values_encode(struct pane *pane, bool all, const uint32_t *ordinals, struct buf *out)
{
    for (size_t t = 0; t < pane->layout->tables_len; t++) {
        struct value_table *table = &pane->values[t];
        size_t len = all ? table->len : table->changed.len;
        buf_add_u32(out, (uint32_t)len);
        buf_reserve(out, len * 24);
        for (size_t i = 0; i < len; i++) {
            struct counted *entry = &table->entries[all ? i : table->changed.items[i]];
            entry_encode(pane->layout->tables[t], entry, ordinals[entry->group], out);
        }
        for (size_t i = 0; i < table->changed.len; i++)
            table->entries[table->changed.items[i]].flags &= ~(uint32_t)COUNTED_DIRTY;
        table->changed.len = 0;
    }
}

static bool entry_decode(struct pane *pane, size_t number, const uint32_t *rows, uint32_t rows_len,
                         struct reader *reader)
{
    const struct step *step = pane->layout->tables[number];
    struct value_table *table = &pane->values[number];
    bool is_text = step->value_class == NUMBER_NONE, is_new;
    uint32_t ordinal = reader_u32(reader);
    uint64_t count = reader_u64(reader), value[2] = {0, 0};
    if (is_text) {
        uint32_t len = reader_u32(reader);
        struct str text = reader_raw(reader, len);
        struct string_cell cell =
            reader->bad ? (struct string_cell){0} : string_cell_of(text.ptr, text.len);
        memcpy(value, &cell, sizeof(cell));
    } else {
        value[0] = reader_u64(reader);
        if (step->value_class == NUMBER_HUGE)
            value[1] = reader_u64(reader);
    }
    if (reader->bad || ordinal >= rows_len || count == 0)
        return false;
    table_reserve(table, 1);
    struct counted *entry = table_find(table, is_text, value_hash(is_text, rows[ordinal], value),
                                       rows[ordinal], value, &is_new);
    if (is_new && is_text)
        own_text(pane, entry);
    table->live += entry->count == 0;
    entry->count = count; // the group's number of values came with its row
    return true;
}

bool values_decode(struct pane *pane, const uint32_t *rows, uint32_t rows_len,
                   struct reader *reader)
{
    for (size_t t = 0; t < pane->layout->tables_len; t++) {
        uint32_t len = reader_u32(reader);
        for (uint32_t i = 0; i < len; i++)
            if (!entry_decode(pane, t, rows, rows_len, reader))
                return false;
    }
    return !reader->bad;
}
