// SPDX-License-Identifier: MIT
// The table of one pane: an index of (hash, row number) pairs with linear probing, and the group
// rows in blocks that never move. Growing doubles only the index, which holds the hashes, so rows
// are not touched. A group costs its row and 10 to 20 bytes of index.
#include "base/hash.h"
#include "engine/fold_layout.h"

enum { INDEX_MIN = 64, SLAB_FROM_BLOCKS = 64, SLAB_BYTES = 2 << 20 };

struct pane *pane_new(const struct layout *layout, int64_t start_us, uint64_t origin)
{
    struct pane *pane = heap_new(sizeof(*pane));
    pane->layout = layout;
    pane->start_us = start_us;
    pane->origin = origin;
    pane->values = heap_array(layout->tables_len + 1, sizeof(*pane->values));
    return pane;
}

void pane_free(struct pane *pane)
{
    if (pane == NULL)
        return;
    for (size_t i = 0; i < pane->blocks_len && i < SLAB_FROM_BLOCKS; i++)
        heap_free(pane->blocks[i]);
    for (size_t i = 0; i < pane->slabs_len; i++)
        heap_free(pane->slabs[i]);
    heap_free(pane->slabs);
    heap_free(pane->blocks);
    heap_free(pane->index);
    heap_free(pane->changed);
    heap_free(pane->touched);
    for (size_t t = 0; t < pane->layout->tables_len; t++)
        values_clear(&pane->values[t]);
    heap_free(pane->values);
    heap_free(pane->whole_rows);
    tops_clear(pane);
    arena_clear(&pane->texts);
    if (pane->layout_owned != NULL)
        layout_clear(pane->layout_owned);
    heap_free(pane->layout_owned);
    heap_free(pane);
}

size_t pane_bytes(const struct pane *pane)
{
    size_t bytes = 0;
    for (size_t t = 0; t < pane->layout->tables_len; t++)
        bytes += values_bytes(&pane->values[t]);
    return bytes + sizeof(*pane) + pane->blocks_len * BLOCK_ROWS * pane->layout->row_bytes +
           pane->blocks_capacity * sizeof(*pane->blocks) +
           (pane->index == NULL ? 0 : ((size_t)pane->index_mask + 1) * sizeof(*pane->index)) +
           (pane->changed_capacity + pane->touched_capacity) * sizeof(*pane->changed) +
           pane->texts.bytes;
}

static void index_grow(struct pane *pane, size_t slots)
{
    uint64_t *index = heap_array(slots, sizeof(*index));
    uint32_t mask = (uint32_t)(slots - 1);
    size_t old_slots = pane->index == NULL ? 0 : (size_t)pane->index_mask + 1;
    for (size_t i = 0; i < old_slots; i++) {
        if (pane->index[i] == 0)
            continue;
        uint32_t at = (uint32_t)(pane->index[i] >> 32) & mask;
        while (index[at] != 0)
            at = (at + 1) & mask;
        index[at] = pane->index[i];
    }
    heap_free(pane->index);
    pane->index = index;
    pane->index_mask = mask;
}

void pane_reserve(struct pane *pane, size_t more_groups)
{
    size_t groups = pane->groups + more_groups;
    size_t slots = pane->index == NULL ? 0 : (size_t)pane->index_mask + 1;
    if (LIKELY(groups * 5 <= slots * 4))
        return;
    ASSERT(groups < INT32_MAX);
    size_t wanted = slots == 0 ? INDEX_MIN : slots;
    while (groups * 5 > wanted * 4)
        wanted *= 2;
    index_grow(pane, wanted);
}

// ---- Keys

uint64_t hash_text_long(const struct string_cell *cell)
{
    return hash64_bytes(cell->pointer.ptr, cell->len);
}

uint32_t key_hash(const struct layout *layout, const uint64_t *key)
{
    uint64_t hash = key[0] >> 32; // NULL bits
    for (size_t k = 0; k < layout->keys_len; k++) {
        const struct key *place = &layout->keys[k];
        uint64_t second = place->words == 2 ? key[place->word + 1] : 0;
        const struct string_cell *cell = (const void *)&key[place->word];
        if (place->is_text && cell->len > sizeof(cell->inlined))
            second = hash_text_long(cell);
        hash = hash_mix(hash ^ key[place->word], second);
    }
    return (uint32_t)hash;
}

// Words are equal, or differ only in where long texts lie.
static bool key_equal_texts(const struct layout *layout, const uint64_t *a, const uint64_t *b)
{
    if (a[0] != b[0])
        return false;
    for (size_t k = 0; k < layout->keys_len; k++) {
        const struct key *place = &layout->keys[k];
        const uint64_t *x = a + place->word, *y = b + place->word;
        if (place->is_text) {
            if (!string_cell_equal((const void *)x, (const void *)y))
                return false;
        } else if (x[0] != y[0] || x[place->words - 1] != y[place->words - 1]) {
            return false;
        }
    }
    return true;
}

static inline bool key_equal(const struct layout *layout, const uint64_t *a, const uint64_t *b)
{
    uint64_t difference = 0;
    for (uint32_t i = 0; i < layout->key_words; i++)
        difference |= a[i] ^ b[i];
    return difference == 0 || (layout->has_text_keys && key_equal_texts(layout, a, b));
}

// The first blocks are on their own; a pane with thousands of groups takes slabs, which the kernel
// maps as huge pages: one page fault instead of five hundred. Not zeroed.
static char *block_new(struct pane *pane)
{
    size_t bytes = BLOCK_ROWS * pane->layout->row_bytes;
    if (pane->blocks_len < SLAB_FROM_BLOCKS)
        return heap_aligned(64, bytes);
    size_t at = pane->blocks_len - SLAB_FROM_BLOCKS, per_slab = SLAB_BYTES / bytes;
    if (per_slab == 0)
        per_slab = 1;
    if (at / per_slab == pane->slabs_len) {
        pane->slabs = heap_resize(pane->slabs, (pane->slabs_len + 1) * sizeof(*pane->slabs));
        pane->slabs[pane->slabs_len++] = heap_aligned(64, per_slab * bytes);
    }
    return pane->slabs[at / per_slab] + at % per_slab * bytes;
}

static char *group_append(struct pane *pane, const uint64_t *key)
{
    const struct layout *layout = pane->layout;
    uint32_t row = pane->groups++;
    if ((row >> BLOCK_ROWS_LOG2) == pane->blocks_len) {
        if (pane->blocks_len == pane->blocks_capacity) {
            pane->blocks_capacity = pane->blocks_capacity == 0 ? 4 : pane->blocks_capacity * 2;
            pane->blocks = heap_resize(pane->blocks, pane->blocks_capacity * sizeof(*pane->blocks));
        }
        pane->blocks[pane->blocks_len] = block_new(pane);
        pane->blocks_len++;
    }
    char *group = pane_row(pane, row);
    memcpy(group, layout->empty, layout->row_bytes);
    memcpy(group, key, layout->key_words * sizeof(*key));
    for (size_t k = 0; k < layout->keys_len; k++) {
        struct string_cell *cell = (void *)(group + layout->keys[k].at);
        if (layout->keys[k].is_text && cell->len > sizeof(cell->inlined)) {
            char *copy = arena_bytes(&pane->texts, cell->len);
            memcpy(copy, cell->pointer.ptr, cell->len);
            cell->pointer.ptr = copy;
        }
    }
    return group;
}

char *pane_group(struct pane *pane, const uint64_t *key, uint32_t *row)
{
    uint32_t hash = (uint32_t)key[0];
    uint32_t at = hash & pane->index_mask;
    for (;; at = (at + 1) & pane->index_mask) {
        uint64_t entry = pane->index[at];
        if (entry == 0)
            break;
        if ((uint32_t)(entry >> 32) != hash)
            continue;
        char *group = pane_row(pane, (uint32_t)entry - 1);
        if (LIKELY(key_equal(pane->layout, (const uint64_t *)(const void *)group, key))) {
            *row = (uint32_t)entry - 1;
            return group;
        }
    }
    *row = pane->groups;
    pane->index[at] = (uint64_t)hash << 32 | (pane->groups + 1);
    return group_append(pane, key);
}

char *pane_find(const struct pane *pane, const uint64_t *key, uint32_t *row)
{
    if (pane->index == NULL)
        return NULL;
    uint32_t hash = (uint32_t)key[0];
    for (uint32_t at = hash & pane->index_mask; pane->index[at] != 0;
         at = (at + 1) & pane->index_mask) {
        if ((uint32_t)(pane->index[at] >> 32) != hash)
            continue;
        char *group = pane_row(pane, (uint32_t)pane->index[at] - 1);
        if (key_equal(pane->layout, (const uint64_t *)(const void *)group, key)) {
            *row = (uint32_t)pane->index[at] - 1;
            return group;
        }
    }
    return NULL;
}

// ---- Marks and text

static void list_add(uint32_t **list, size_t *len, size_t *capacity, uint32_t row)
{
    if (*len == *capacity) {
        *capacity = *capacity == 0 ? 32 : *capacity * 2;
        *list = heap_resize(*list, *capacity * sizeof(**list));
    }
    (*list)[(*len)++] = row;
}

void pane_mark_touched(struct pane *pane, char *group, uint32_t row)
{
    uint64_t *bits = group_bits(pane->layout, group, 0);
    if ((*bits & GROUP_TOUCHED) == 0)
        list_add(&pane->touched, &pane->touched_len, &pane->touched_capacity, row);
    *bits |= GROUP_TOUCHED;
}

void pane_mark(struct pane *pane, char *group, uint32_t row)
{
    uint64_t *bits = group_bits(pane->layout, group, 0);
    if ((*bits & GROUP_DIRTY) == 0) {
        list_add(&pane->changed, &pane->changed_len, &pane->changed_capacity, row);
        *bits |= GROUP_DIRTY;
    }
    if (UNLIKELY(pane->tracks_touched))
        pane_mark_touched(pane, group, row);
}

void text_slot_set(struct pane *pane, struct text_slot *slot, const struct string_cell *cell)
{
    if (cell->len <= sizeof(cell->inlined)) {
        slot->cell = *cell;
        return;
    }
    uint32_t capacity = 0;
    if (slot->owned != NULL)
        memcpy(&capacity, slot->owned - sizeof(capacity), sizeof(capacity));
    if (capacity < cell->len) {
        capacity = slot->owned == NULL ? cell->len : cell->len + cell->len / 2;
        char *memory = arena_bytes(&pane->texts, sizeof(capacity) + capacity);
        memcpy(memory, &capacity, sizeof(capacity));
        slot->owned = memory + sizeof(capacity);
    }
    memmove(slot->owned, cell->pointer.ptr, cell->len);
    slot->cell = *cell;
    slot->cell.pointer.ptr = slot->owned;
}

// Replaced seldom, so no capacity is kept: memory comes in steps of 32 bytes, and what lies in the
// same step as the old text takes its place.
static size_t text_step(uint32_t len)
{
    return ((size_t)len + 31) & ~(size_t)31;
}

void text_cell_set(struct pane *pane, struct string_cell *target, const struct string_cell *cell)
{
    char *memory = NULL;
    if (target->len > sizeof(target->inlined) && text_step(target->len) >= cell->len)
        memory = (char *)(uintptr_t)target->pointer.ptr;
    if (cell->len > sizeof(cell->inlined)) {
        if (memory == NULL)
            memory = arena_bytes(&pane->texts, text_step(cell->len));
        memmove(memory, cell->pointer.ptr, cell->len);
    }
    *target = *cell;
    if (cell->len > sizeof(cell->inlined))
        target->pointer.ptr = memory;
}
