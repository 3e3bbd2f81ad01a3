// SPDX-License-Identifier: MIT
// What the rows of one round do to their groups: for each step one or a few loops without calls.
// Rows that a FILTER or a NULL argument takes out are removed first, so that the loops are the same
// for all. Values are read through gather.h, which leaves four widths to compute with.
//
// Semantics are DuckDB's: NULL arguments are skipped (first and last count them), NaN is the
// greatest float, variance is Welford's recurrence, first and last go by row number and not by
// time.
#include "engine/fold_layout.h"

static void round_keep(const struct round *from, const struct vector *vector, bool is_filter,
                       struct round *to)
{
    size_t count = 0;
    const uint8_t *is_true = vector->data;
    for (size_t i = 0; i < from->count; i++) {
        uint16_t row = from->rows[i];
        to->rows[count] = row;
        to->groups[count] = from->groups[i];
        to->panes[count] = from->panes[i];
        to->numbers[count] = from->numbers[i];
        to->sequences[count] = from->sequences[i];
        bool keeps = !vector_is_null(vector, row);
        if (is_filter && keeps)
            keeps = is_true[row] != 0;
        count += keeps;
    }
    to->layout = from->layout;
    to->columns = from->columns;
    to->count = count;
}

// ---- Numbers and text

static void update_counts(const struct step *step, const struct round *round)
{
    for (size_t i = 0; i < round->count; i++)
        CELL(int64_t, round->groups[i], step->n_at)++;
}

static void update_bits(const struct step *step, const struct round *round)
{
    uint32_t at = round->layout->bits_at + step->bit / 64 * 8;
    uint64_t mask = UINT64_C(1) << (step->bit & 63);
    for (size_t i = 0; i < round->count; i++)
        CELL(uint64_t, round->groups[i], at) |= mask;
}

#define UPDATE_MINMAX(type, less)                                                                  \
    if ((step->needs & NEED_MIN) != 0)                                                             \
        for (size_t i = 0; i < round->count; i++) {                                                \
            type *cell = &CELL(type, round->groups[i], step->min_at);                              \
            if (less((type)values[i], *cell))                                                      \
                *cell = (type)values[i];                                                           \
        }                                                                                          \
    if ((step->needs & NEED_MAX) != 0)                                                             \
        for (size_t i = 0; i < round->count; i++) {                                                \
            type *cell = &CELL(type, round->groups[i], step->max_at);                              \
            if (less(*cell, (type)values[i]))                                                      \
                *cell = (type)values[i];                                                           \
        }
#define LESS(a, b) ((a) < (b))

static void update_whole(const struct step *step, const struct round *round)
{
    int64_t values[FOLD_BLOCK];
    gather_whole(round->columns[step->input], round->rows, round->count, values);
    if ((step->needs & NEED_SUM) != 0)
        for (size_t i = 0; i < round->count; i++) {
            char *group = round->groups[i];
            huge_set(group, step->sum_at, huge_get(group, step->sum_at) + values[i]);
        }
    if (step->op == STEP_SMALL) {
        UPDATE_MINMAX(int32_t, LESS)
    } else {
        UPDATE_MINMAX(int64_t, LESS)
    }
}

static void update_real(const struct step *step, const struct round *round)
{
    double values[FOLD_BLOCK];
    gather_real(round->columns[step->input], round->rows, round->count, values);
    if ((step->needs & NEED_SUM) != 0)
        for (size_t i = 0; i < round->count; i++)
            CELL(double, round->groups[i], step->sum_at) += values[i];
    UPDATE_MINMAX(double, real_less)
}

static void update_huge(const struct step *step, const struct round *round)
{
    __int128 values[FOLD_BLOCK];
    gather_huge(round->columns[step->input], round->rows, round->count, values);
    for (size_t i = 0; i < round->count; i++) {
        char *group = round->groups[i];
        if ((step->needs & NEED_SUM) != 0)
            huge_set(group, step->sum_at, huge_get(group, step->sum_at) + values[i]);
        if ((step->needs & NEED_MIN) != 0 && values[i] < huge_get(group, step->min_at))
            huge_set(group, step->min_at, values[i]);
        if ((step->needs & NEED_MAX) != 0 && values[i] > huge_get(group, step->max_at))
            huge_set(group, step->max_at, values[i]);
    }
}

static bool step_is_empty(const struct layout *layout, const struct step *step, const char *group)
{
    if (step->has_bit)
        return !group_has(layout, group, step->bit);
    return CELL_CONST(int64_t, group, step->n_at) == 0;
}

// Before counts and bits are raised: an empty state takes the value whatever it is.
static void update_text(const struct step *step, const struct round *round)
{
    const struct string_cell *cells = round->columns[step->input]->data;
    if ((step->needs & (NEED_MIN | NEED_MAX)) == 0)
        return;
    for (size_t i = 0; i < round->count; i++) {
        char *group = round->groups[i];
        const struct string_cell *cell = &cells[round->rows[i]];
        bool is_empty = step_is_empty(round->layout, step, group);
        if ((step->needs & NEED_MIN) != 0) {
            struct text_slot *slot = &CELL(struct text_slot, group, step->min_at);
            if (is_empty || string_cell_compare(cell, &slot->cell) < 0)
                text_slot_set(round->panes[i], slot, cell);
        }
        if ((step->needs & NEED_MAX) != 0) {
            struct text_slot *slot = &CELL(struct text_slot, group, step->max_at);
            if (is_empty || string_cell_compare(cell, &slot->cell) > 0)
                text_slot_set(round->panes[i], slot, cell);
        }
        if (step->has_bit)
            group_set(round->layout, group, step->bit);
        else
            CELL(int64_t, group, step->n_at)++;
    }
}

static void update_moments(const struct step *step, const struct round *round)
{
    double values[FOLD_BLOCK];
    gather_real(round->columns[step->input], round->rows, round->count, values);
    for (size_t i = 0; i < round->count; i++) {
        char *group = round->groups[i];
        int64_t n = ++CELL(int64_t, group, step->n_at);
        double *mean = &CELL(double, group, step->min_at);
        double delta = values[i] - *mean;
        *mean += delta / (double)n;
        CELL(double, group, step->max_at) += delta * (values[i] - *mean);
    }
}

static void update_bool(const struct step *step, const struct round *round)
{
    const uint8_t *values = round->columns[step->input]->data;
    for (size_t i = 0; i < round->count; i++) {
        char *group = round->groups[i];
        char value = values[round->rows[i]] != 0;
        group[step->min_at] &= value;
        group[step->max_at] |= value;
    }
    update_bits(step, round);
}

// ---- Values that are copied

static void value_take(const struct value *value, const struct round *round, size_t i)
{
    char *group = round->groups[i];
    const struct vector *vector = round->columns[value->input];
    size_t row = round->rows[i];
    uint64_t *bits = group_bits(round->layout, group, value->bit);
    uint64_t mask = UINT64_C(1) << (value->bit & 63);
    if (vector_is_null(vector, row)) {
        *bits &= ~mask;
        return;
    }
    *bits |= mask;
    if (value->is_text)
        value_set_text(round->panes[i], value, group,
                       &((const struct string_cell *)vector->data)[row]);
    else
        memcpy(group + value->at, (const char *)vector->data + row * value->bytes, value->bytes);
}

static void update_first(const struct step *step, const struct round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        int64_t *sequence = &CELL(int64_t, round->groups[i], step->sequence_at);
        if (LIKELY(round->sequences[i] >= *sequence))
            continue;
        *sequence = round->sequences[i];
        for (size_t k = 0; k < step->values_len; k++)
            value_take(&step->values[k], round, i);
    }
}

static void update_last(const struct step *step, const struct round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        int64_t *sequence = &CELL(int64_t, round->groups[i], step->sequence_at);
        if (round->sequences[i] < *sequence)
            continue;
        *sequence = round->sequences[i];
        for (size_t k = 0; k < step->values_len; k++)
            value_take(&step->values[k], round, i);
    }
}

// Sign of (row's order value - group's); the group's stays.
static int order_compare(const struct step *step, const struct round *round, size_t i)
{
    const struct vector *vector = round->columns[step->order];
    const char *group = round->groups[i];
    const uint16_t *row = &round->rows[i];
    if (step->order_class == NUMBER_NONE)
        return string_cell_compare(&((const struct string_cell *)vector->data)[*row],
                                   &CELL_CONST(struct string_cell, group, step->order_at));
    if (step->order_class == NUMBER_REAL) {
        double value, old = CELL_CONST(double, group, step->order_at);
        gather_real(vector, row, 1, &value);
        return real_less(value, old) ? -1 : real_less(old, value);
    }
    __int128 value, old = step->order_class == NUMBER_HUGE
                              ? huge_get(group, step->order_at)
                              : CELL_CONST(int64_t, group, step->order_at);
    gather_huge(vector, row, 1, &value);
    return value < old ? -1 : value > old;
}

static void order_take(const struct step *step, const struct round *round, size_t i)
{
    const struct vector *vector = round->columns[step->order];
    char *cell = round->groups[i] + step->order_at;
    if (step->order_class == NUMBER_NONE)
        text_slot_set(round->panes[i], (void *)cell,
                      &((const struct string_cell *)vector->data)[round->rows[i]]);
    else if (step->order_class == NUMBER_REAL)
        gather_real(vector, &round->rows[i], 1, (void *)cell);
    else if (step->order_class == NUMBER_WHOLE)
        gather_whole(vector, &round->rows[i], 1, (void *)cell);
    else {
        __int128 value;
        gather_huge(vector, &round->rows[i], 1, &value);
        huge_set(cell, 0, value);
    }
}

// Equal order values: the row that came first stays.
static void update_arg(const struct step *step, const struct round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        int64_t *sequence = &CELL(int64_t, round->groups[i], step->sequence_at);
        if (*sequence != INT64_MAX) {
            int order = order_compare(step, round, i);
            if (step->op == STEP_ARG_MAX)
                order = -order;
            if (order > 0 || (order == 0 && round->sequences[i] >= *sequence))
                continue;
        }
        *sequence = round->sequences[i];
        order_take(step, round, i);
        value_take(&step->values[0], round, i);
    }
}

static void step_dispatch(const struct step *step, const struct round *round)
{
    switch (step->op) {
    case STEP_SMALL:
    case STEP_WHOLE:
        if (step->needs != NEED_N)
            update_whole(step, round);
        break;
    case STEP_REAL:
        if (step->needs != NEED_N)
            update_real(step, round);
        break;
    case STEP_HUGE:
        update_huge(step, round);
        break;
    case STEP_MOMENTS:
        update_moments(step, round);
        return;
    case STEP_BOOL:
        update_bool(step, round);
        return;
    case STEP_TEXT:
        if (step->needs != NEED_N) {
            update_text(step, round);
            return;
        }
        break;
    case STEP_FIRST:
    case STEP_ANY:
        update_first(step, round);
        return;
    case STEP_LAST:
        update_last(step, round);
        return;
    case STEP_ARG_MIN:
    case STEP_ARG_MAX:
        update_arg(step, round);
        return;
    case STEP_VALUES:
        values_update(step, round);
        return;
    case STEP_ROWS:
    case STEP_COUNT:
        break;
    }
    if (step->has_bit)
        update_bits(step, round);
    else
        update_counts(step, round);
}

void step_update(const struct step *step, const struct round *round)
{
    struct round kept[2]; // filtered, then without NULLs; plain memory until used
    if (step->filter >= 0) {
        round_keep(round, round->columns[step->filter], true, &kept[0]);
        round = &kept[0];
    }
    bool skips_nulls = step->input >= 0 && round->columns[step->input]->validity != NULL;
    if (skips_nulls) {
        round_keep(round, round->columns[step->input], false, &kept[1]);
        round = &kept[1];
    }
    if (step->order >= 0 && round->columns[step->order]->validity != NULL) {
        round_keep(round, round->columns[step->order], false, &kept[0]);
        round = &kept[0];
    }
    if (round->count > 0)
        step_dispatch(step, round);
}
