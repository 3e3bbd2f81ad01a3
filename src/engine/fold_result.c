// SPDX-License-Identifier: MIT
// Groups as result rows, column by column: window bounds, keys, then each aggregate's final value.
#include "engine/fold_layout.h"
#include <math.h>

struct span {
    const struct pane *pane;
    uint32_t from, count;
};

static void key_result(const struct span *span, size_t k, struct vector *vector)
{
    const struct key *key = &span->pane->layout->keys[k];
    size_t bytes = key->type->cell_bytes;
    for (uint32_t i = 0; i < span->count; i++) {
        const char *group = pane_row(span->pane, span->from + i);
        if (CELL_CONST(uint32_t, group, 4) >> k & 1)
            vector_set_null(vector, i);
        else
            memcpy((char *)vector->data + i * bytes, group + key->at, bytes);
    }
}

static void whole_set(struct vector *vector, size_t i, __int128 value)
{
    switch ((int)vector->type->kind) {
    case TYPE_DOUBLE:
        ((double *)vector->data)[i] = (double)value;
        break;
    case TYPE_HUGEINT:
    case TYPE_UUID:
        memcpy((char *)vector->data + i * sizeof(value), &value, sizeof(value));
        break;
    default: // the low bytes are the value
        memcpy((char *)vector->data + i * vector->type->cell_bytes, &value,
               vector->type->cell_bytes);
    }
}

static void real_set(struct vector *vector, size_t i, double value)
{
    if (vector->type->kind == TYPE_FLOAT)
        ((float *)vector->data)[i] = (float)value;
    else
        ((double *)vector->data)[i] = value;
}

static bool is_absent(const struct layout *layout, const struct step *step, const char *group)
{
    if (step->has_bit)
        return !group_has(layout, group, step->bit);
    return CELL_CONST(int64_t, group, step->n_at) == 0;
}

// DuckDB divides sums of 32 bits and more as long double, those of 16 bits as double.
static double average(const struct result *result, const char *group)
{
    const struct step *step = result->step;
    int64_t n = CELL_CONST(int64_t, group, step->n_at);
    if (step->op == STEP_REAL)
        return CELL_CONST(double, group, step->sum_at) / (double)n;
    __int128 sum = huge_get(group, step->sum_at);
    if (result->argument->cell_bytes < 4 && result->argument->kind != TYPE_USMALLINT)
        return (double)sum / (double)n;
    return (double)((long double)sum / (long double)n);
}

static void number_result(const struct result *result, const char *group, struct vector *vector,
                          size_t i)
{
    const struct step *step = result->step;
    bool is_min = result->kind == AGGREGATE_MIN;
    uint32_t at = is_min ? step->min_at : step->max_at;
    if (result->kind == AGGREGATE_AVG) {
        real_set(vector, i, average(result, group));
    } else if (result->kind == AGGREGATE_SUM) {
        if (step->op == STEP_REAL)
            real_set(vector, i, CELL_CONST(double, group, step->sum_at));
        else
            whole_set(vector, i, huge_get(group, step->sum_at));
    } else if (step->op == STEP_TEXT) {
        ((struct string_cell *)vector->data)[i] = CELL_CONST(struct string_cell, group, at);
    } else if (step->op == STEP_REAL) {
        real_set(vector, i, CELL_CONST(double, group, at));
    } else if (step->op == STEP_SMALL) {
        whole_set(vector, i, CELL_CONST(int32_t, group, at));
    } else if (step->op == STEP_WHOLE) {
        whole_set(vector, i, CELL_CONST(int64_t, group, at));
    } else {
        whole_set(vector, i, huge_get(group, at));
    }
}

// False: NULL.
static bool spread(enum aggregate_kind kind, const struct step *step, const char *group,
                   double *value)
{
    int64_t n = CELL_CONST(int64_t, group, step->n_at);
    double m2 = CELL_CONST(double, group, step->max_at);
    bool is_sample = kind == AGGREGATE_STDDEV_SAMP || kind == AGGREGATE_VAR_SAMP;
    if (n == 0 || (is_sample && n == 1))
        return false;
    *value = n == 1 ? 0 : m2 / (double)(is_sample ? n - 1 : n);
    if (kind == AGGREGATE_STDDEV_SAMP || kind == AGGREGATE_STDDEV_POP)
        *value = sqrt(*value);
    return true;
}

static void value_result(const struct layout *layout, const struct value *value, const char *group,
                         struct vector *vector, size_t i)
{
    if (!group_has(layout, group, value->bit)) {
        vector_set_null(vector, i);
        return;
    }
    size_t bytes = value->is_text ? sizeof(struct string_cell) : value->bytes;
    memcpy((char *)vector->data + i * bytes, group + value->at, bytes);
}

// Whole panes at a time: see pane_result.
static bool is_top_k(enum aggregate_kind kind)
{
    return kind == AGGREGATE_TOP_K || kind == AGGREGATE_TOP_K_ELEMENTS;
}

static void group_result(const struct layout *layout, const struct result *result,
                         const char *group, struct vector *vector, size_t i)
{
    const struct step *step = result->step;
    double value;
    switch (result->kind) {
    case AGGREGATE_COUNT_ROWS:
    case AGGREGATE_COUNT:
    case AGGREGATE_COUNT_DISTINCT:
        whole_set(vector, i, CELL_CONST(int64_t, group, step->n_at));
        break;
    case AGGREGATE_SUM:
    case AGGREGATE_AVG:
    case AGGREGATE_MIN:
    case AGGREGATE_MAX:
        if (is_absent(layout, step, group))
            vector_set_null(vector, i);
        else
            number_result(result, group, vector, i);
        break;
    case AGGREGATE_BOOL_AND:
    case AGGREGATE_BOOL_OR:
        if (is_absent(layout, step, group))
            vector_set_null(vector, i);
        else
            ((uint8_t *)vector->data)[i] =
                (uint8_t)group[result->kind == AGGREGATE_BOOL_AND ? step->min_at : step->max_at];
        break;
    case AGGREGATE_STDDEV_SAMP:
    case AGGREGATE_STDDEV_POP:
    case AGGREGATE_VAR_SAMP:
    case AGGREGATE_VAR_POP:
        if (spread(result->kind, step, group, &value))
            real_set(vector, i, value);
        else
            vector_set_null(vector, i);
        break;
    case AGGREGATE_FIRST:
    case AGGREGATE_LAST:
    case AGGREGATE_ANY_VALUE:
    case AGGREGATE_ARG_MIN:
    case AGGREGATE_ARG_MAX:
        value_result(layout, &step->values[result->value], group, vector, i);
        break;
    case AGGREGATE_TOP_K:
    case AGGREGATE_TOP_K_ELEMENTS:
        ASSERT(!"a result of all groups together");
    }
}

static void column_result(const struct span *span, size_t r, struct vector *vector)
{
    const struct layout *layout = span->pane->layout;
    if (is_top_k(layout->results[r].kind)) {
        tops_result(span->pane, r, span->from, span->count, vector);
        return;
    }
    for (uint32_t i = 0; i < span->count; i++)
        group_result(layout, &layout->results[r], pane_row(span->pane, span->from + i), vector, i);
}

// top_k looks through all values once: before the first chunk, unless the running window has.
static void tops_prepare(const struct pane *pane)
{
    struct pane *cache = (struct pane *)(uintptr_t)pane;
    bool is_published = pane->layout_owned != NULL && pane->tops != NULL;
    for (size_t r = 0; !is_published && r < pane->layout->results_len; r++)
        if (is_top_k(pane->layout->results[r].kind))
            tops_build(cache, r, pane, NULL);
}

bool pane_result(const struct pane *pane, const struct relation *relation, int64_t window_start_us,
                 int64_t window_end_us, size_t *cursor, struct chunk *chunk)
{
    const struct layout *layout = pane->layout;
    ASSERT(chunk->columns_len == 2 + layout->keys_len + layout->results_len &&
           relation->aggregates_len == layout->results_len);
    chunk_reset(chunk);
    if (*cursor >= pane->groups)
        return false;
    if (*cursor == 0)
        tops_prepare(pane);
    uint32_t left = pane->groups - (uint32_t)*cursor;
    struct span span = {pane, (uint32_t)*cursor, left < ROWS_PER_VECTOR ? left : ROWS_PER_VECTOR};
    for (uint32_t i = 0; i < span.count; i++) {
        ((int64_t *)chunk->columns[0].data)[i] = window_start_us;
        ((int64_t *)chunk->columns[1].data)[i] = window_end_us;
    }
    for (size_t k = 0; k < layout->keys_len; k++)
        key_result(&span, k, &chunk->columns[2 + k]);
    for (size_t r = 0; r < layout->results_len; r++)
        column_result(&span, r, &chunk->columns[2 + layout->keys_len + r]);
    chunk->rows = span.count;
    *cursor += span.count;
    return true;
}
