// SPDX-License-Identifier: MIT
// Two states of one group become one: of two lanes, of the panes of a HOP window, of a group kept
// in the checkpoint. The state of an empty group is the neutral element of each step, so that
// copying a group is merging it into an empty one. Variances merge by Chan's formula.
#include "engine/fold_layout.h"

#define MERGE_MINMAX(type, less)                                                                   \
    if ((step->needs & NEED_MIN) != 0 &&                                                           \
        less(CELL_CONST(type, other, step->min_at), CELL_CONST(type, group, step->min_at)))        \
        CELL(type, group, step->min_at) = CELL_CONST(type, other, step->min_at);                   \
    if ((step->needs & NEED_MAX) != 0 &&                                                           \
        less(CELL_CONST(type, group, step->max_at), CELL_CONST(type, other, step->max_at)))        \
        CELL(type, group, step->max_at) = CELL_CONST(type, other, step->max_at);
#define LESS(a, b) ((a) < (b))

static void merge_huge(const struct step *step, char *group, const char *other)
{
    if ((step->needs & NEED_MIN) != 0 &&
        huge_get(other, step->min_at) < huge_get(group, step->min_at))
        huge_set(group, step->min_at, huge_get(other, step->min_at));
    if ((step->needs & NEED_MAX) != 0 &&
        huge_get(other, step->max_at) > huge_get(group, step->max_at))
        huge_set(group, step->max_at, huge_get(other, step->max_at));
}

static void merge_text(struct pane *pane, const struct step *step, char *group, const char *other)
{
    const struct layout *layout = pane->layout;
    bool other_empty = step->has_bit ? !group_has(layout, other, step->bit)
                                     : CELL_CONST(int64_t, other, step->n_at) == 0;
    bool is_empty = step->has_bit ? !group_has(layout, group, step->bit)
                                  : CELL_CONST(int64_t, group, step->n_at) == 0;
    if (other_empty)
        return;
    if ((step->needs & NEED_MIN) != 0) {
        const struct string_cell *cell = &CELL_CONST(struct string_cell, other, step->min_at);
        struct text_slot *slot = &CELL(struct text_slot, group, step->min_at);
        if (is_empty || string_cell_compare(cell, &slot->cell) < 0)
            text_slot_set(pane, slot, cell);
    }
    if ((step->needs & NEED_MAX) != 0) {
        const struct string_cell *cell = &CELL_CONST(struct string_cell, other, step->max_at);
        struct text_slot *slot = &CELL(struct text_slot, group, step->max_at);
        if (is_empty || string_cell_compare(cell, &slot->cell) > 0)
            text_slot_set(pane, slot, cell);
    }
}

// Before counts and bits are merged: text looks at them.
static void merge_number(struct pane *pane, const struct step *step, char *group, const char *other)
{
    if (step->op == STEP_TEXT)
        merge_text(pane, step, group, other);
    else if (step->op == STEP_SMALL) {
        MERGE_MINMAX(int32_t, LESS)
    } else if (step->op == STEP_WHOLE) {
        MERGE_MINMAX(int64_t, LESS)
    } else if (step->op == STEP_REAL) {
        MERGE_MINMAX(double, real_less)
    } else {
        merge_huge(step, group, other);
    }
    if ((step->needs & NEED_SUM) != 0) {
        if (step->op == STEP_REAL)
            CELL(double, group, step->sum_at) += CELL_CONST(double, other, step->sum_at);
        else
            huge_set(group, step->sum_at,
                     huge_get(group, step->sum_at) + huge_get(other, step->sum_at));
    }
    if ((step->needs & NEED_N) != 0)
        CELL(int64_t, group, step->n_at) += CELL_CONST(int64_t, other, step->n_at);
}

static void merge_moments(const struct step *step, char *group, const char *other)
{
    int64_t n = CELL_CONST(int64_t, group, step->n_at);
    int64_t more = CELL_CONST(int64_t, other, step->n_at);
    if (more == 0)
        return;
    double *mean = &CELL(double, group, step->min_at);
    double *m2 = &CELL(double, group, step->max_at);
    double other_mean = CELL_CONST(double, other, step->min_at);
    double other_m2 = CELL_CONST(double, other, step->max_at);
    CELL(int64_t, group, step->n_at) = n + more;
    if (n == 0) {
        *mean = other_mean;
        *m2 = other_m2;
        return;
    }
    double delta = other_mean - *mean, share = (double)more / (double)(n + more);
    *mean += delta * share; // equal means stay equal: a spread of 0 stays exactly 0
    *m2 += other_m2 + delta * delta * (double)n * share;
}

static void merge_value(struct pane *pane, const struct value *value, char *group,
                        const char *other)
{
    uint64_t mask = UINT64_C(1) << (value->bit & 63);
    uint64_t *bits = group_bits(pane->layout, group, value->bit);
    if (!group_has(pane->layout, other, value->bit)) {
        *bits &= ~mask;
        return;
    }
    *bits |= mask;
    if (value->is_text)
        value_set_text(pane, value, group, &CELL_CONST(struct string_cell, other, value->at));
    else
        memcpy(group + value->at, other + value->at, value->bytes);
}

static int order_compare(const struct step *step, const char *a, const char *b)
{
    uint32_t at = step->order_at;
    if (step->order_class == NUMBER_NONE)
        return string_cell_compare(&CELL_CONST(struct string_cell, a, at),
                                   &CELL_CONST(struct string_cell, b, at));
    if (step->order_class == NUMBER_REAL) {
        double x = CELL_CONST(double, a, at), y = CELL_CONST(double, b, at);
        return real_less(x, y) ? -1 : real_less(y, x);
    }
    if (step->order_class == NUMBER_WHOLE) {
        int64_t x = CELL_CONST(int64_t, a, at), y = CELL_CONST(int64_t, b, at);
        return x < y ? -1 : x > y;
    }
    __int128 x = huge_get(a, at), y = huge_get(b, at);
    return x < y ? -1 : x > y;
}

static bool other_wins(const struct step *step, const char *group, const char *other)
{
    int64_t sequence = CELL_CONST(int64_t, group, step->sequence_at);
    int64_t theirs = CELL_CONST(int64_t, other, step->sequence_at);
    if (step->op == STEP_LAST)
        return theirs >= sequence && theirs != INT64_MIN;
    if (step->op == STEP_FIRST || step->op == STEP_ANY)
        return theirs < sequence;
    if (theirs == INT64_MAX || sequence == INT64_MAX)
        return theirs != INT64_MAX;
    int order = order_compare(step, other, group);
    if (step->op == STEP_ARG_MAX)
        order = -order;
    return order < 0 || (order == 0 && theirs < sequence);
}

static void merge_ordered(struct pane *pane, const struct step *step, char *group,
                          const char *other)
{
    if (!other_wins(step, group, other))
        return;
    CELL(int64_t, group, step->sequence_at) = CELL_CONST(int64_t, other, step->sequence_at);
    if (step->op >= STEP_ARG_MIN) {
        if (step->order_class == NUMBER_NONE)
            text_slot_set(pane, &CELL(struct text_slot, group, step->order_at),
                          &CELL_CONST(struct string_cell, other, step->order_at));
        else
            memcpy(group + step->order_at, other + step->order_at,
                   step->order_class == NUMBER_HUGE ? 16 : 8);
    }
    for (size_t i = 0; i < step->values_len; i++)
        merge_value(pane, &step->values[i], group, other);
}

static void step_merge(struct pane *pane, const struct step *step, char *group, const char *other)
{
    switch (step->op) {
    case STEP_ROWS:
    case STEP_COUNT:
        CELL(int64_t, group, step->n_at) += CELL_CONST(int64_t, other, step->n_at);
        break;
    case STEP_SMALL:
    case STEP_WHOLE:
    case STEP_HUGE:
    case STEP_REAL:
    case STEP_TEXT:
        merge_number(pane, step, group, other);
        break;
    case STEP_MOMENTS:
        merge_moments(step, group, other);
        break;
    case STEP_BOOL:
        group[step->min_at] &= other[step->min_at];
        group[step->max_at] |= other[step->max_at];
        break;
    case STEP_FIRST:
    case STEP_LAST:
    case STEP_ANY:
    case STEP_ARG_MIN:
    case STEP_ARG_MAX:
        merge_ordered(pane, step, group, other);
        break;
    case STEP_VALUES: // table by table, by whoever merges the panes
        break;
    }
    if (step->has_bit && group_has(pane->layout, other, step->bit))
        group_set(pane->layout, group, step->bit);
}

void group_merge(struct pane *pane, char *group, const char *other)
{
    const struct layout *layout = pane->layout;
    for (size_t i = 0; i < layout->steps_len; i++)
        step_merge(pane, &layout->steps[i], group, other);
}
