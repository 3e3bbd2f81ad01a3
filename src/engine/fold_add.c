// SPDX-License-Identifier: MIT
// Rows into groups, in rounds of FOLD_BLOCK rows: place each row in its pane, lay its keys out as a
// group row has them, hash, look all groups up (two passes, so that cache misses overlap), then let
// each step loop over the round. A round is as large as its groups fit the cache near the core.
#include "engine/fold_layout.h"

struct staged {
    uint64_t *words; // key_words a row
    uint64_t hashes[FOLD_BLOCK];
    uint32_t nulls[FOLD_BLOCK];
};
enum { STAGED_WORDS_MAX = 1 + 32 * 2 };

static int64_t pane_start_of(const struct fold *fold, int64_t time_us)
{
    int64_t shift = fold->relation->window_shift_us % fold->pane_us;
    int64_t time = time_us - shift, remainder = time % fold->pane_us;
    if (remainder < 0)
        remainder += fold->pane_us;
    return time - remainder + shift;
}

static struct pane *pane_of(struct fold *fold, int64_t time_us)
{
    const struct pane *last = fold->last;
    if (LIKELY(last != NULL &&
               (uint64_t)time_us - (uint64_t)last->start_us < (uint64_t)fold->pane_us))
        return fold->last;
    struct pane *pane = fold_pane_at(fold, pane_start_of(fold, time_us), fold->origin);
    uint32_t shares = fold->shares > 1 ? fold->shares : 0;
    if (pane->groups == 0)
        pane->shares = shares;
    else if (pane->shares != shares)
        pane->shares = 0;
    fold->last = pane;
    return pane;
}

// Rows [from, to) of the part that take part: number, pane, sequence. Returns the next `from`.
static size_t round_fill(struct fold *fold, const struct rows_part *part,
                         const struct vector *times, const uint8_t *skip, size_t from,
                         struct round *round)
{
    const int64_t *time_us = times->data;
    size_t i = from;
    round->count = 0;
    for (; i < part->count && round->count < FOLD_BLOCK; i++) {
        size_t row = rows_part_row(part, i);
        if (skip != NULL && skip[i] != 0)
            continue;
        if (UNLIKELY(vector_is_null(times, row)))
            continue; // without a time there is no window
        size_t at = round->count++;
        round->rows[at] = (uint16_t)row;
        round->panes[at] = pane_of(fold, time_us[row]);
        round->sequences[at] =
            part->sequences != NULL ? part->sequences[row] : part->first_sequence + (int64_t)row;
    }
    return i;
}

// ---- Keys

static void stage_text(const struct key *key, const struct vector *vector,
                       const struct round *round, uint32_t words, struct staged *staged)
{
    const char *cells = vector->data;
    for (size_t i = 0; i < round->count; i++) {
        uint64_t *target = staged->words + i * words + key->word;
        memcpy(target, cells + (size_t)round->rows[i] * sizeof(struct string_cell),
               sizeof(struct string_cell));
        const struct string_cell *cell = (const void *)target;
        bool is_long = cell->len > sizeof(cell->inlined) && !vector_is_null(vector, round->rows[i]);
        uint64_t second = UNLIKELY(is_long) ? hash_text_long(cell) : target[1];
        staged->hashes[i] = hash_mix(staged->hashes[i] ^ target[0], second);
    }
}

static void stage_whole(const struct key *key, const struct vector *vector,
                        const struct round *round, uint32_t words, struct staged *staged)
{
    int64_t values[FOLD_BLOCK];
    gather_whole(vector, round->rows, round->count, values);
    for (size_t i = 0; i < round->count; i++) {
        staged->words[i * words + key->word] = (uint64_t)values[i];
        staged->hashes[i] = hash_mix(staged->hashes[i] ^ (uint64_t)values[i], 0);
    }
}

// -0.0 is 0.0 and all NaN are one: as GROUP BY has it.
static void stage_real(const struct key *key, const struct vector *vector,
                       const struct round *round, uint32_t words, struct staged *staged)
{
    double values[FOLD_BLOCK];
    gather_real(vector, round->rows, round->count, values);
    for (size_t i = 0; i < round->count; i++) {
        double value = values[i] != values[i] ? __builtin_nan("") : values[i] + 0.0;
        float narrow = (float)value;
        uint64_t word = 0;
        if (key->type->kind == TYPE_FLOAT)
            memcpy(&word, &narrow, sizeof(narrow));
        else
            memcpy(&word, &value, sizeof(value));
        staged->words[i * words + key->word] = word;
        staged->hashes[i] = hash_mix(staged->hashes[i] ^ word, 0);
    }
}

// UBIGINT, HUGEINT, UUID, DECIMAL: the cell itself, zeros above it.
static void stage_cell(const struct key *key, const struct vector *vector,
                       const struct round *round, uint32_t words, struct staged *staged)
{
    size_t bytes = vector->type->cell_bytes;
    for (size_t i = 0; i < round->count; i++) {
        uint64_t cell[2] = {0, 0};
        memcpy(cell, (const char *)vector->data + (size_t)round->rows[i] * bytes, bytes);
        uint64_t *target = staged->words + i * words + key->word;
        memcpy(target, cell, key->words * sizeof(*cell));
        staged->hashes[i] = hash_mix(staged->hashes[i] ^ cell[0], cell[1]);
    }
}

static void stage_nulls(const struct layout *layout, size_t k, const struct vector *vector,
                        const struct round *round, struct staged *staged)
{
    const struct key *key = &layout->keys[k];
    for (size_t i = 0; i < round->count; i++) {
        if (!vector_is_null(vector, round->rows[i]))
            continue;
        staged->nulls[i] |= UINT32_C(1) << k;
        memset(staged->words + i * layout->key_words + key->word, 0, key->words * 8);
    }
}

static void stage_keys(const struct layout *layout, const struct round *round,
                       struct staged *staged)
{
    uint32_t words = layout->key_words;
    bool has_nulls = false;
    memset(staged->hashes, 0, round->count * sizeof(staged->hashes[0]));
    memset(staged->nulls, 0, round->count * sizeof(staged->nulls[0]));
    for (size_t k = 0; k < layout->keys_len; k++) {
        const struct key *key = &layout->keys[k];
        const struct vector *vector = round->columns[key->input];
        enum number_class class = number_class_of(key->type->kind);
        if (key->is_text)
            stage_text(key, vector, round, words, staged);
        else if (class == NUMBER_WHOLE)
            stage_whole(key, vector, round, words, staged);
        else if (class == NUMBER_REAL)
            stage_real(key, vector, round, words, staged);
        else
            stage_cell(key, vector, round, words, staged);
        if (vector->validity != NULL) {
            stage_nulls(layout, k, vector, round, staged);
            has_nulls = true;
        }
    }
    for (size_t i = 0; i < round->count; i++) {
        uint64_t *key = staged->words + i * words;
        key[0] = (uint64_t)staged->nulls[i] << 32;
        if (has_nulls && staged->nulls[i] != 0) // the loops above hashed what lay in the cell
            key[0] |= key_hash(layout, key);
        else
            key[0] |= (uint32_t)staged->hashes[i];
    }
}

// ---- Groups

static void prefetch_group(const struct layout *layout, const char *group)
{
    for (uint32_t at = 0; at < layout->row_bytes && at < 512; at += 64)
        __builtin_prefetch(group + at, 1);
}

static void round_find(const struct staged *staged, struct round *round)
{
    const struct layout *layout = round->layout;
    uint32_t words = layout->key_words;
    struct pane *reserved = NULL;
    for (size_t i = 0; i < round->count; i++) {
        struct pane *pane = round->panes[i];
        if (pane != reserved) { // room for the whole round, so that the index stays where it is
            pane_reserve(pane, round->count);
            reserved = pane;
        }
        pane->input_rows++;
        __builtin_prefetch(&pane->index[(uint32_t)staged->words[i * words] & pane->index_mask]);
    }
    for (size_t i = 0; i < round->count; i++) {
        const struct pane *pane = round->panes[i];
        uint32_t hash = (uint32_t)staged->words[i * words];
        uint64_t entry = pane->index[hash & pane->index_mask];
        if (entry != 0 && (uint32_t)(entry >> 32) == hash)
            prefetch_group(layout, pane_row(pane, (uint32_t)entry - 1));
    }
    for (size_t i = 0; i < round->count; i++) {
        uint32_t row;
        struct pane *pane = round->panes[i];
        round->groups[i] = pane_group(pane, staged->words + i * words, &row);
        round->numbers[i] = row;
        pane_mark(pane, round->groups[i], row);
    }
}

// Leaves the rows of other shares out of the round. The share is in the upper bits of the hash; the
// index uses the lower ones.
static void round_share(const struct fold *fold, struct round *round, struct staged *staged)
{
    uint32_t words = fold->layout.key_words;
    size_t kept = 0;
    for (size_t i = 0; i < round->count; i++) {
        uint64_t *key = staged->words + i * words;
        uint32_t hash = (uint32_t)key[0];
        if (((uint64_t)hash * fold->shares) >> 32 != fold->share)
            continue;
        if (kept != i) {
            memcpy(staged->words + kept * words, key, words * sizeof(*key));
            round->rows[kept] = round->rows[i];
            round->panes[kept] = round->panes[i];
            round->sequences[kept] = round->sequences[i];
        }
        kept++;
    }
    round->count = kept;
}

void fold_add_share(struct fold *fold, const struct rows_part *part,
                    const struct vector *const *columns, const uint8_t *skip, uint32_t share,
                    uint32_t shares)
{
    const struct layout *layout = &fold->layout;
    uint64_t words[FOLD_BLOCK * STAGED_WORDS_MAX] __attribute__((aligned(16)));
    struct staged staged = {.words = words};
    struct round round;
    round.layout = layout;
    round.columns = columns;
    if (fold->shares != shares)
        fold->last = NULL; // panes are looked at anew
    fold->share = share;
    fold->shares = shares;
    for (size_t from = 0; from < part->count;) {
        from = round_fill(fold, part, columns[0], skip, from, &round);
        if (round.count == 0)
            continue;
        stage_keys(layout, &round, &staged);
        if (shares > 1)
            round_share(fold, &round, &staged);
        if (round.count == 0)
            continue;
        round_find(&staged, &round);
        for (size_t i = 0; i < layout->steps_len; i++)
            step_update(&layout->steps[i], &round);
    }
}

void fold_add(struct fold *fold, const struct rows_part *part, const struct vector *const *columns,
              const uint8_t *skip)
{
    fold_add_share(fold, part, columns, skip, 0, 1);
}

uint32_t pane_shares(const struct pane *pane)
{
    return pane->shares;
}
