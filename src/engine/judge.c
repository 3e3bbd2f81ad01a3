// SPDX-License-Identifier: MIT
// Predicates as loops over vectors. Every comparison of a number with a constant is a closed range
// [lo, hi] (strict bounds move to the next value), so `col > a AND col < b AND col IS NOT NULL`
// becomes one loop with two compares and no branch, whatever the operators were. Integers keep
// their bounds as __int128 and clamp them to the column's width once a vector; floats put NaN above
// all.
//
// Truth is three-valued as in SQL. judge_violations needs only "is it true", where AND of NULL and
// FALSE are the same, so a conjunction there is a chain of byte masks.
#include "engine/judge.h"
#include "engine/gather.h"
#include <math.h>

// Which values pass. A range of a REAL column: !(x < lo_real) && x <= hi_real, or only_nan.
struct range {
    bool is_empty, is_inverted; // inverted: <>
    __int128 lo, hi;            // whole and huge columns
    double lo_real, hi_real;
    bool has_hi_real; // without it NaN passes too
    bool only_nan;
};

static const struct range range_all = {.lo = -((__int128)(((unsigned __int128)1 << 127) - 1)) - 1,
                                       .hi = (__int128)(((unsigned __int128)1 << 127) - 1),
                                       .lo_real = -INFINITY,
                                       .hi_real = INFINITY};

static const struct vector *path_vector(const struct column_path *path, const struct chunk *chunk)
{
    const struct vector *vector = &chunk->columns[path->column];
    for (int i = 0; i < path->fields_len; i++)
        vector = &vector->children[path->fields[i]];
    return vector;
}

static bool path_equal(const struct column_path *a, const struct column_path *b)
{
    if (a->column != b->column || a->fields_len != b->fields_len)
        return false;
    for (int i = 0; i < a->fields_len; i++)
        if (a->fields[i] != b->fields[i])
            return false;
    return true;
}

// ---- Ranges

// The largest whole number <= the constant and the smallest >= it, in the column's unit.
static void constant_bounds(const struct constant *constant, enum type_kind kind, __int128 *floor_,
                            __int128 *ceil_)
{
    *floor_ = *ceil_ = constant->whole;
    if (constant->kind == TYPE_DOUBLE) {
        *floor_ = (__int128)floor(constant->real);
        *ceil_ = (__int128)ceil(constant->real);
    } else if (kind == TYPE_DATE && constant->kind == TYPE_TIMESTAMP) {
        int64_t day_us = 86400 * US_PER_SECOND;
        int64_t day = constant->whole / day_us;
        if (constant->whole % day_us < 0)
            day--;
        *floor_ = day;
        *ceil_ = day * day_us == constant->whole ? day : day + 1;
    }
}

static struct range range_whole(enum predicate_op op, const struct constant *constant,
                                enum type_kind kind)
{
    struct range range = range_all;
    __int128 below, above;
    constant_bounds(constant, kind, &below, &above);
    switch ((int)op) {
    case PREDICATE_LT:
        range.hi = above - 1;
        break;
    case PREDICATE_LE:
        range.hi = below;
        break;
    case PREDICATE_GT:
        range.lo = below + 1;
        break;
    case PREDICATE_GE:
        range.lo = above;
        break;
    default: // EQ, NE
        range.lo = above;
        range.hi = below;
        range.is_inverted = op == PREDICATE_NE;
    }
    range.is_empty = range.lo > range.hi;
    return range;
}

static struct range range_nan(enum predicate_op op)
{
    struct range range = range_all;
    if (op == PREDICATE_GT) {
        range.is_empty = true;
    } else if (op == PREDICATE_LT) {
        range.has_hi_real = true;
    } else if (op != PREDICATE_LE) {
        range.only_nan = true;
        range.is_inverted = op == PREDICATE_NE;
    }
    return range;
}

static struct range range_real(enum predicate_op op, double bound)
{
    if (isnan(bound))
        return range_nan(op);
    struct range range = range_all;
    range.has_hi_real = op != PREDICATE_GT && op != PREDICATE_GE;
    switch ((int)op) {
    case PREDICATE_LT:
        range.hi_real = nextafter(bound, -INFINITY);
        range.is_empty = bound == -INFINITY;
        break;
    case PREDICATE_LE:
        range.hi_real = bound;
        break;
    case PREDICATE_GT:
        range.lo_real = nextafter(bound, INFINITY);
        range.only_nan = bound == INFINITY;
        break;
    case PREDICATE_GE:
        range.lo_real = bound;
        break;
    default:
        range.lo_real = range.hi_real = bound;
        range.is_inverted = op == PREDICATE_NE;
    }
    return range;
}

static struct range range_of(enum predicate_op op, const struct constant *constant,
                             enum type_kind kind)
{
    if (number_class_of(kind) != NUMBER_REAL)
        return range_whole(op, constant, kind);
    double bound = constant->kind == TYPE_DOUBLE ? constant->real : (double)constant->whole;
    return range_real(op, kind == TYPE_FLOAT ? (double)(float)bound : bound);
}

// Both must not be inverted.
static struct range range_intersect(struct range a, struct range b)
{
    a.is_empty |= b.is_empty;
    a.lo = a.lo > b.lo ? a.lo : b.lo;
    a.hi = a.hi < b.hi ? a.hi : b.hi;
    a.is_empty |= a.lo > a.hi;
    bool nan_passes = (a.only_nan || !a.has_hi_real) && (b.only_nan || !b.has_hi_real);
    if (a.only_nan || b.only_nan) {
        a.only_nan = true;
        a.is_empty |= !nan_passes;
        return a;
    }
    a.lo_real = a.lo_real > b.lo_real ? a.lo_real : b.lo_real;
    a.hi_real = a.hi_real < b.hi_real ? a.hi_real : b.hi_real;
    a.has_hi_real |= b.has_hi_real;
    return a;
}

#define RANGE_WHOLE(type, least, most)                                                             \
    {                                                                                              \
        if (range->lo > (__int128)(most) || range->hi < (__int128)(least))                         \
            goto nothing;                                                                          \
        const type *x = vector->data;                                                              \
        const type lo = range->lo < (__int128)(least) ? (least) : (type)range->lo;                 \
        const type hi = range->hi > (__int128)(most) ? (most) : (type)range->hi;                   \
        if (rows == NULL)                                                                          \
            for (size_t i = 0; i < count; i++)                                                     \
                pass[i] &= (uint8_t)((x[i] >= lo) & (x[i] <= hi));                                 \
        else                                                                                       \
            for (size_t i = 0; i < count; i++)                                                     \
                pass[i] &= (uint8_t)((x[rows[i]] >= lo) & (x[rows[i]] <= hi));                     \
        break;                                                                                     \
    }

#define EACH_ROW(expression)                                                                       \
    {                                                                                              \
        if (rows == NULL)                                                                          \
            for (size_t i = 0; i < count; i++) {                                                   \
                const double value = (double)x[i];                                                 \
                pass[i] &= (uint8_t)(expression);                                                  \
            }                                                                                      \
        else                                                                                       \
            for (size_t i = 0; i < count; i++) {                                                   \
                const double value = (double)x[rows[i]];                                           \
                pass[i] &= (uint8_t)(expression);                                                  \
            }                                                                                      \
    }

#define RANGE_REAL(type)                                                                           \
    {                                                                                              \
        const type *x = vector->data;                                                              \
        const double lo = range->lo_real, hi = range->hi_real;                                     \
        if (range->only_nan)                                                                       \
            EACH_ROW(value != value)                                                               \
        else if (range->has_hi_real)                                                               \
            EACH_ROW((value >= lo) & (value <= hi))                                                \
        else                                                                                       \
            EACH_ROW(!(value < lo))                                                                \
        break;                                                                                     \
    }

static void range_huge(const struct range *range, const struct vector *vector, const uint16_t *rows,
                       size_t count, uint8_t *pass)
{
    for (size_t i = 0; i < count; i++) {
        __int128 value;
        size_t row = rows == NULL ? i : rows[i];
        memcpy(&value, (const char *)vector->data + row * sizeof(value), sizeof(value));
        pass[i] &= (uint8_t)((value >= range->lo) & (value <= range->hi));
    }
}

// pass[i] &= value in range, ignoring is_inverted and NULLs.
static void range_apply(const struct range *range, const struct vector *vector,
                        const uint16_t *rows, size_t count, uint8_t *pass)
{
    if (range->is_empty)
        goto nothing;
    switch ((int)vector->type->kind) {
    case TYPE_TINYINT:
        RANGE_WHOLE(int8_t, INT8_MIN, INT8_MAX)
    case TYPE_BOOLEAN:
    case TYPE_UTINYINT:
        RANGE_WHOLE(uint8_t, 0, UINT8_MAX)
    case TYPE_SMALLINT:
        RANGE_WHOLE(int16_t, INT16_MIN, INT16_MAX)
    case TYPE_USMALLINT:
        RANGE_WHOLE(uint16_t, 0, UINT16_MAX)
    case TYPE_INTEGER:
    case TYPE_DATE:
        RANGE_WHOLE(int32_t, INT32_MIN, INT32_MAX)
    case TYPE_UINTEGER:
        RANGE_WHOLE(uint32_t, 0, UINT32_MAX)
    case TYPE_UBIGINT:
        RANGE_WHOLE(uint64_t, 0, UINT64_MAX)
    case TYPE_FLOAT:
        RANGE_REAL(float)
    case TYPE_DOUBLE:
        RANGE_REAL(double)
    case TYPE_HUGEINT:
        range_huge(range, vector, rows, count, pass);
        break;
    default:
        RANGE_WHOLE(int64_t, INT64_MIN, INT64_MAX)
    }
    return;
nothing:
    memset(pass, 0, count);
}

// ---- NULLs

// pass[i] &= present.
static void present_apply(const struct vector *vector, const uint16_t *rows, size_t count,
                          uint8_t *pass)
{
    const uint64_t *validity = vector->validity;
    if (validity == NULL)
        return;
    if (rows != NULL) {
        for (size_t i = 0; i < count; i++)
            pass[i] &= (uint8_t)(validity[rows[i] >> 6] >> (rows[i] & 63) & 1);
        return;
    }
    for (size_t from = 0; from < count; from += 64) {
        uint64_t word = validity[from >> 6];
        if (word == UINT64_MAX)
            continue;
        size_t to = count - from < 64 ? count : from + 64;
        for (size_t i = from; i < to; i++)
            pass[i] &= (uint8_t)(word >> (i - from) & 1);
    }
}

// A field of a NULL STRUCT is NULL, also where a producer did not mark the field itself.
static void path_present(const struct column_path *path, const struct rows_part *part,
                         uint8_t *pass)
{
    const struct vector *vector = &part->chunk->columns[path->column];
    present_apply(vector, part->selection, part->count, pass);
    for (int i = 0; i < path->fields_len; i++) {
        vector = &vector->children[path->fields[i]];
        present_apply(vector, part->selection, part->count, pass);
    }
}

// ---- Comparisons as truth

static uint8_t *bytes_new(struct arena *scratch, size_t count, uint8_t value)
{
    uint8_t *bytes = (uint8_t *)arena_bytes(scratch, count + 1);
    memset(bytes, value, count);
    return bytes;
}

static bool order_holds(enum predicate_op op, int order)
{
    switch ((int)op) {
    case PREDICATE_LT:
        return order < 0;
    case PREDICATE_LE:
        return order <= 0;
    case PREDICATE_GT:
        return order > 0;
    case PREDICATE_GE:
        return order >= 0;
    case PREDICATE_EQ:
        return order == 0;
    default:
        return order != 0;
    }
}

static void compare_text(enum predicate_op op, struct str text, const struct vector *vector,
                         const uint16_t *rows, size_t count, uint8_t *pass)
{
    const struct string_cell constant = string_cell_of(text.ptr, text.len);
    const struct string_cell *cells = vector->data;
    const uint64_t *validity = vector->validity;
    for (size_t i = 0; i < count; i++) {
        size_t row = rows == NULL ? i : rows[i];
        if (validity != NULL && vector_is_null(vector, row))
            continue; // the cell of a NULL may hold anything
        if (op == PREDICATE_EQ || op == PREDICATE_NE)
            pass[i] &= string_cell_equal(&cells[row], &constant) == (op == PREDICATE_EQ);
        else
            pass[i] &= order_holds(op, string_cell_compare(&cells[row], &constant));
    }
}

static void compare_constant(enum predicate_op op, const struct constant *constant,
                             const struct vector *vector, const struct rows_part *part,
                             uint8_t *pass)
{
    if (constant->kind == TYPE_VARCHAR || constant->kind == TYPE_BLOB) {
        compare_text(op, constant->text, vector, part->selection, part->count, pass);
        return;
    }
    struct range range = range_of(op, constant, vector->type->kind);
    range_apply(&range, vector, part->selection, part->count, pass);
    if (range.is_inverted)
        for (size_t i = 0; i < part->count; i++)
            pass[i] ^= 1;
}

#define COMPARE_LOOP(type, gather, less)                                                           \
    {                                                                                              \
        type *a = arena_array(scratch, count, sizeof(type));                                       \
        type *b = arena_array(scratch, count, sizeof(type));                                       \
        gather(left, part->selection, count, a);                                                   \
        gather(right, part->selection, count, b);                                                  \
        for (size_t i = 0; i < count; i++)                                                         \
            pass[i] &= order_holds(op, less(a[i], b[i]) ? -1 : less(b[i], a[i]));                  \
    }
#define PLAIN_LESS(a, b) ((a) < (b))

static void compare_columns(enum predicate_op op, const struct vector *left,
                            const struct vector *right, const struct rows_part *part, uint8_t *pass,
                            struct arena *scratch)
{
    size_t count = part->count;
    enum number_class a_class = number_class_of(left->type->kind);
    enum number_class b_class = number_class_of(right->type->kind);
    if (a_class == NUMBER_NONE) {
        const struct string_cell *a = left->data, *b = right->data;
        for (size_t i = 0; i < count; i++) {
            size_t row = rows_part_row(part, i);
            if (!vector_is_null(left, row) && !vector_is_null(right, row))
                pass[i] &= order_holds(op, string_cell_compare(&a[row], &b[row]));
        }
    } else if (a_class == NUMBER_REAL) {
        COMPARE_LOOP(double, gather_real, real_less)
    } else if (a_class == NUMBER_WHOLE && b_class == NUMBER_WHOLE) {
        COMPARE_LOOP(int64_t, gather_whole, PLAIN_LESS)
    } else {
        COMPARE_LOOP(__int128, gather_huge, PLAIN_LESS)
    }
}

static void truth_comparison(const struct predicate *predicate, const struct rows_part *part,
                             uint8_t *truth, struct arena *scratch)
{
    size_t count = part->count;
    const struct vector *vector = path_vector(&predicate->path, part->chunk);
    uint8_t *present = bytes_new(scratch, count, 1);
    path_present(&predicate->path, part, present);
    memset(truth, 1, count);
    if (predicate->other.column >= 0) {
        path_present(&predicate->other, part, present);
        compare_columns(predicate->op, vector, path_vector(&predicate->other, part->chunk), part,
                        truth, scratch);
    } else if (predicate->constants[0].is_null) {
        memset(truth, TRUTH_NULL, count);
        return;
    } else {
        compare_constant(predicate->op, &predicate->constants[0], vector, part, truth);
    }
    for (size_t i = 0; i < count; i++)
        truth[i] = present[i] ? truth[i] : TRUTH_NULL;
}

// x IN (a, NULL) is TRUE for a, NULL for everything else.
static void truth_in(const struct predicate *predicate, const struct rows_part *part,
                     uint8_t *truth, struct arena *scratch)
{
    size_t count = part->count;
    const struct vector *vector = path_vector(&predicate->path, part->chunk);
    uint8_t *present = bytes_new(scratch, count, 1);
    uint8_t *equal = bytes_new(scratch, count, 1);
    path_present(&predicate->path, part, present);
    memset(truth, TRUTH_FALSE, count);
    uint8_t miss = TRUTH_FALSE;
    for (size_t k = 0; k < predicate->constants_len; k++) {
        if (predicate->constants[k].is_null) {
            miss = TRUTH_NULL;
            continue;
        }
        memset(equal, 1, count);
        compare_constant(PREDICATE_EQ, &predicate->constants[k], vector, part, equal);
        for (size_t i = 0; i < count; i++)
            truth[i] |= equal[i];
    }
    for (size_t i = 0; i < count; i++)
        truth[i] = !present[i] ? TRUTH_NULL : truth[i] ? TRUTH_TRUE : miss;
}

// AND: FALSE wins, then NULL. OR: TRUE wins, then NULL.
static void truth_children(const struct predicate *predicate, const struct rows_part *part,
                           uint8_t *truth, struct arena *scratch)
{
    size_t count = part->count;
    bool is_and = predicate->op == PREDICATE_AND;
    uint8_t *child = bytes_new(scratch, count, 0);
    memset(truth, is_and ? TRUTH_TRUE : TRUTH_FALSE, count);
    for (size_t k = 0; k < predicate->children_len; k++) {
        judge_predicate(predicate->children[k], part, child, scratch);
        for (size_t i = 0; i < count; i++) {
            uint8_t a = truth[i], b = child[i];
            uint8_t rest = (a | b) & TRUTH_NULL ? TRUTH_NULL : is_and;
            bool decided = is_and ? a == 0 || b == 0 : a == 1 || b == 1;
            truth[i] = decided ? !is_and : rest;
        }
    }
}

static void truth_boolean_column(const struct predicate *predicate, const struct rows_part *part,
                                 uint8_t *truth, struct arena *scratch)
{
    const struct vector *vector = path_vector(&predicate->path, part->chunk);
    const uint8_t *values = vector->data;
    uint8_t *present = bytes_new(scratch, part->count, 1);
    path_present(&predicate->path, part, present);
    for (size_t i = 0; i < part->count; i++)
        truth[i] = !present[i] ? TRUTH_NULL : values[rows_part_row(part, i)] != 0;
}

void judge_predicate(const struct predicate *predicate, const struct rows_part *part,
                     uint8_t *truth, struct arena *scratch)
{
    size_t count = part->count;
    switch (predicate->op) {
    case PREDICATE_AND:
    case PREDICATE_OR:
        truth_children(predicate, part, truth, scratch);
        break;
    case PREDICATE_NOT:
        judge_predicate(predicate->children[0], part, truth, scratch);
        for (size_t i = 0; i < count; i++)
            truth[i] = truth[i] == TRUTH_NULL ? TRUTH_NULL : !truth[i];
        break;
    case PREDICATE_IS_NULL:
    case PREDICATE_IS_NOT_NULL:
        memset(truth, 1, count);
        path_present(&predicate->path, part, truth);
        if (predicate->op == PREDICATE_IS_NULL)
            for (size_t i = 0; i < count; i++)
                truth[i] ^= 1;
        break;
    case PREDICATE_IN:
        truth_in(predicate, part, truth, scratch);
        break;
    case PREDICATE_COLUMN:
        truth_boolean_column(predicate, part, truth, scratch);
        break;
    case PREDICATE_CONSTANT: {
        const struct constant *constant = &predicate->constants[0];
        memset(truth, constant->is_null ? TRUTH_NULL : constant->whole != 0, count);
        break;
    }
    case PREDICATE_LT:
    case PREDICATE_LE:
    case PREDICATE_GT:
    case PREDICATE_GE:
    case PREDICATE_EQ:
    case PREDICATE_NE:
        truth_comparison(predicate, part, truth, scratch);
        break;
    }
}

// ---- Violations

static bool is_range(const struct predicate *predicate, const struct chunk *chunk)
{
    return predicate->op >= PREDICATE_LT && predicate->op <= PREDICATE_EQ &&
           predicate->other.column < 0 && !predicate->constants[0].is_null &&
           number_class_of(path_vector(&predicate->path, chunk)->type->kind) != NUMBER_NONE;
}

// The predicates of one conjunction, opened: children of AND, and of AND below it.
static size_t conjunction_open(const struct predicate *predicate, const struct predicate **terms,
                               size_t len, size_t max)
{
    if (predicate->op != PREDICATE_AND) {
        ASSERT(len < max);
        terms[len] = predicate;
        return len + 1;
    }
    for (size_t i = 0; i < predicate->children_len; i++)
        len = conjunction_open(predicate->children[i], terms, len, max);
    return len;
}

static size_t conjunction_count(const struct predicate *predicate)
{
    if (predicate->op != PREDICATE_AND)
        return 1;
    size_t len = 0;
    for (size_t i = 0; i < predicate->children_len; i++)
        len += conjunction_count(predicate->children[i]);
    return len;
}

// All ranges of terms[from..] over the same column at once; those taken become NULL.
static void pass_ranges(const struct predicate **terms, size_t from, size_t len,
                        const struct rows_part *part, uint8_t *pass)
{
    const struct column_path *path = &terms[from]->path;
    const struct vector *vector = path_vector(path, part->chunk);
    struct range range = range_all;
    bool has_range = false;
    for (size_t k = from; k < len; k++) {
        if (terms[k] == NULL || terms[k]->op == PREDICATE_AND)
            continue;
        bool is_bound = is_range(terms[k], part->chunk);
        if (!(is_bound || terms[k]->op == PREDICATE_IS_NOT_NULL) ||
            !path_equal(path, &terms[k]->path))
            continue;
        if (is_bound) {
            struct range next = range_of(terms[k]->op, &terms[k]->constants[0], vector->type->kind);
            range = has_range ? range_intersect(range, next) : next;
            has_range = true;
        }
        terms[k] = NULL;
    }
    if (has_range)
        range_apply(&range, vector, part->selection, part->count, pass);
    path_present(path, part, pass);
}

size_t judge_violations(const struct predicate *predicate, const struct rows_part *part,
                        uint64_t bit, uint64_t *fails, struct arena *scratch)
{
    size_t count = part->count;
    size_t terms_max = conjunction_count(predicate);
    const struct predicate **terms = ARENA_ARRAY(scratch, const struct predicate *, terms_max + 1);
    size_t len = conjunction_open(predicate, terms, 0, terms_max);
    uint8_t *pass = bytes_new(scratch, count, 1);
    for (size_t k = 0; k < len; k++) {
        if (terms[k] == NULL)
            continue;
        if (terms[k]->op == PREDICATE_IS_NOT_NULL || is_range(terms[k], part->chunk)) {
            pass_ranges(terms, k, len, part, pass);
            continue;
        }
        uint8_t *truth = bytes_new(scratch, count, 0);
        judge_predicate(terms[k], part, truth, scratch);
        for (size_t i = 0; i < count; i++)
            pass[i] &= (uint8_t)(truth[i] == TRUTH_TRUE);
    }
    if (memchr(pass, 0, count) == NULL)
        return 0;
    size_t hits = 0;
    for (size_t i = 0; i < count; i++) {
        hits += pass[i] ^ 1u;
        fails[i] |= bit & ((uint64_t)pass[i] - 1);
    }
    return hits;
}
