// SPDX-License-Identifier: MIT
// From a relation's keys and aggregates to the layout of a group row (picture in fold_layout.h).
// First the steps are collected, each with what is needed of it; then places are given out, widest
// cells first so that nothing is lost to alignment. The fingerprint covers all that the bytes of a
// row depend on: state of another layout is refused when it is loaded.
#include "engine/fold_layout.h"
#include "base/hash.h"
#include <math.h>

enum { TOP_K_MAX = 1000 };
enum { KEYS_MAX = 32, ROW_BYTES_MAX = 1 << 15 };

static bool key_supported(const struct type *type)
{
    return number_class_of(type->kind) != NUMBER_NONE || type_is_string(type->kind) ||
           type->kind == TYPE_DECIMAL;
}

static bool keys_init(struct layout *layout, const struct relation *relation)
{
    layout->keys_len = relation->group_keys_len;
    layout->keys = ARENA_ARRAY(&layout->arena, struct key, layout->keys_len);
    if (layout->keys_len > KEYS_MAX || layout->keys_len >= relation->group_inputs_len)
        return false;
    uint32_t word = 1;
    for (size_t k = 0; k < layout->keys_len; k++) {
        struct key *key = &layout->keys[k];
        key->input = (int)k + 1;
        key->type = relation->group_inputs[k + 1].type;
        if (!key_supported(key->type))
            return false;
        key->is_text = type_is_string(key->type->kind);
        layout->has_text_keys |= key->is_text;
        key->word = word;
        key->words = key->type->cell_bytes > 8 ? 2 : 1;
        key->at = word * 8;
        word += key->words;
    }
    layout->key_words = word;
    return true;
}

static struct step *step_find(struct layout *layout, enum step_op op, int input, int order,
                              int filter)
{
    for (size_t i = 0; i < layout->steps_len; i++) {
        struct step *step = &layout->steps[i];
        if (step->op == op && step->input == input && step->order == order &&
            step->filter == filter)
            return step;
    }
    struct step *step = &layout->steps[layout->steps_len++];
    *step = (struct step){.op = op, .input = input, .order = order, .filter = filter};
    step->values = ARENA_ARRAY(&layout->arena, struct value, layout->relation->aggregates_len);
    return step;
}

static enum step_op number_step(enum type_kind kind)
{
    switch ((int)kind) {
    case TYPE_BOOLEAN:
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INTEGER:
    case TYPE_UTINYINT:
    case TYPE_USMALLINT:
    case TYPE_DATE:
        return STEP_SMALL;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return STEP_REAL;
    case TYPE_UBIGINT:
    case TYPE_HUGEINT:
    case TYPE_UUID:
        return STEP_HUGE;
    case TYPE_VARCHAR:
    case TYPE_BLOB:
        return STEP_TEXT;
    default:
        return number_class_of(kind) == NUMBER_WHOLE ? STEP_WHOLE : STEP_COUNT;
    }
}

static bool value_supported(const struct type *type)
{
    return number_class_of(type->kind) != NUMBER_NONE || type_is_string(type->kind) ||
           type->kind == TYPE_INTERVAL;
}

static size_t value_add(struct step *step, int input, const struct type *type)
{
    for (size_t i = 0; i < step->values_len; i++)
        if (step->values[i].input == input)
            return i;
    step->values[step->values_len] =
        (struct value){.input = input,
                       .kind = type->kind,
                       .is_text = type_is_string(type->kind),
                       .is_slot = step->op != STEP_FIRST && step->op != STEP_ANY,
                       .bytes = (uint32_t)type->cell_bytes};
    return step->values_len++;
}

// avg and stddev take what DuckDB turns into DOUBLE without loss of meaning; sum also BOOLEAN.
static bool is_summed(enum type_kind kind)
{
    return (type_is_integer(kind) && kind != TYPE_UBIGINT) || number_class_of(kind) == NUMBER_REAL;
}

// Kinds over one argument that share a step with what else is asked of it.
static struct step *number_init(struct layout *layout, const struct aggregate *aggregate,
                                const struct type *argument)
{
    enum type_kind kind = argument->kind, type = aggregate->type->kind;
    enum step_op op = number_step(kind);
    unsigned need = NEED_N;
    switch ((int)aggregate->kind) {
    case AGGREGATE_COUNT:
        if (type != TYPE_BIGINT)
            return NULL;
        break;
    case AGGREGATE_SUM:
        need = NEED_SUM;
        if (op == STEP_REAL
                ? type != TYPE_DOUBLE
                : !(is_summed(kind) || kind == TYPE_UBIGINT || kind == TYPE_BOOLEAN) ||
                      (type != TYPE_HUGEINT && type != TYPE_DOUBLE && type != TYPE_BIGINT))
            return NULL;
        break;
    case AGGREGATE_AVG:
        need = NEED_N | NEED_SUM;
        if (!is_summed(kind) || type != TYPE_DOUBLE)
            return NULL;
        break;
    default:
        need = aggregate->kind == AGGREGATE_MIN ? NEED_MIN : NEED_MAX;
        if (op == STEP_COUNT || type != kind)
            return NULL;
    }
    struct step *step = step_find(layout, op, aggregate->argument, -1, aggregate->filter);
    step->needs |= need;
    return step;
}

static struct step *arg_init(struct layout *layout, const struct aggregate *aggregate)
{
    const struct relation *relation = layout->relation;
    if (aggregate->order_argument < 0)
        return NULL;
    const struct type *order = relation->group_inputs[aggregate->order_argument].type;
    if (number_class_of(order->kind) == NUMBER_NONE && !type_is_string(order->kind))
        return NULL;
    // Each has a state of its own: two with one order would differ where their arguments are NULL.
    enum step_op op = aggregate->kind == AGGREGATE_ARG_MIN ? STEP_ARG_MIN : STEP_ARG_MAX;
    struct step *step =
        step_find(layout, op, aggregate->argument, aggregate->order_argument, aggregate->filter);
    step->order_class = number_class_of(order->kind);
    return step;
}

// The values of a column, or the elements of its lists, counted.
static struct step *values_init(struct layout *layout, const struct aggregate *aggregate,
                                const struct type *argument, struct result *result)
{
    bool is_list = aggregate->kind == AGGREGATE_TOP_K_ELEMENTS;
    if (is_list != (argument->kind == TYPE_LIST))
        return NULL;
    const struct type *value = is_list ? argument->child : argument, *type = aggregate->type;
    if (number_class_of(value->kind) == NUMBER_NONE && !type_is_string(value->kind))
        return NULL;
    if (aggregate->kind == AGGREGATE_COUNT_DISTINCT) {
        if (type->kind != TYPE_BIGINT)
            return NULL;
    } else {
        if (type->kind != TYPE_LIST || !type_equal(type->child, value) || aggregate->limit < 1 ||
            aggregate->limit > TOP_K_MAX)
            return NULL;
        result->limit = (uint32_t)aggregate->limit;
    }
    struct step *step = step_find(layout, STEP_VALUES, aggregate->argument, -1, aggregate->filter);
    step->value_class = number_class_of(value->kind);
    step->is_list = is_list;
    return step;
}

static struct step *aggregate_step(struct layout *layout, const struct aggregate *aggregate,
                                   struct result *result)
{
    const struct type *argument = result->argument;
    int filter = aggregate->filter, input = aggregate->argument;
    struct step *step = NULL;
    switch (aggregate->kind) {
    case AGGREGATE_COUNT_ROWS:
        return aggregate->type->kind == TYPE_BIGINT ? step_find(layout, STEP_ROWS, -1, -1, filter)
                                                    : NULL;
    case AGGREGATE_COUNT:
    case AGGREGATE_SUM:
    case AGGREGATE_AVG:
    case AGGREGATE_MIN:
    case AGGREGATE_MAX:
        return number_init(layout, aggregate, argument);
    case AGGREGATE_BOOL_AND:
    case AGGREGATE_BOOL_OR:
        return argument->kind == TYPE_BOOLEAN ? step_find(layout, STEP_BOOL, input, -1, filter)
                                              : NULL;
    case AGGREGATE_STDDEV_SAMP:
    case AGGREGATE_STDDEV_POP:
    case AGGREGATE_VAR_SAMP:
    case AGGREGATE_VAR_POP:
        return is_summed(argument->kind) ? step_find(layout, STEP_MOMENTS, input, -1, filter)
                                         : NULL;
    case AGGREGATE_FIRST:
        step = step_find(layout, STEP_FIRST, -1, -1, filter);
        break;
    case AGGREGATE_LAST:
        step = step_find(layout, STEP_LAST, -1, -1, filter);
        break;
    case AGGREGATE_ANY_VALUE:
        step = step_find(layout, STEP_ANY, input, -1, filter);
        break;
    case AGGREGATE_ARG_MIN:
    case AGGREGATE_ARG_MAX:
        step = arg_init(layout, aggregate);
        break;
    case AGGREGATE_COUNT_DISTINCT:
    case AGGREGATE_TOP_K:
    case AGGREGATE_TOP_K_ELEMENTS:
        return values_init(layout, aggregate, argument, result);
    }
    if (step == NULL || !value_supported(argument) || !type_equal(argument, aggregate->type))
        return NULL;
    result->value = value_add(step, input, argument);
    return step;
}

static bool steps_init(struct layout *layout, const struct relation *relation)
{
    size_t len = relation->aggregates_len;
    layout->steps = ARENA_ARRAY(&layout->arena, struct step, len);
    layout->results = ARENA_ARRAY(&layout->arena, struct result, len);
    layout->results_len = len;
    for (size_t i = 0; i < len; i++) {
        const struct aggregate *aggregate = &relation->aggregates[i];
        struct result *result = &layout->results[i];
        if (aggregate->kind != AGGREGATE_COUNT_ROWS && aggregate->argument < 0)
            return false;
        result->kind = aggregate->kind;
        result->type = aggregate->type;
        if (aggregate->argument >= 0)
            result->argument = relation->group_inputs[aggregate->argument].type;
        result->step = aggregate_step(layout, aggregate, result);
        if (result->step == NULL)
            return false;
    }
    return true;
}

// ---- Places

static uint32_t place(struct layout *layout, uint32_t bytes)
{
    uint32_t at = layout->row_bytes;
    layout->row_bytes += bytes;
    return at;
}

static void text_place_add(struct layout *layout, uint32_t at, bool is_slot)
{
    layout->texts[layout->texts_len++] = (struct text_place){at, is_slot};
}

static uint32_t place_slot(struct layout *layout)
{
    uint32_t at = place(layout, TEXT_SLOT_BYTES);
    text_place_add(layout, at, true);
    return at;
}

static bool is_number(const struct step *step)
{
    return step->op >= STEP_SMALL && step->op <= STEP_TEXT;
}

static bool is_ordered(const struct step *step)
{
    return step->op >= STEP_FIRST && step->op <= STEP_ARG_MAX;
}

static void place_words(struct layout *layout, struct step *step)
{
    if (step->op == STEP_ROWS || step->op == STEP_COUNT || step->op == STEP_VALUES ||
        (step->needs & NEED_N) != 0)
        step->n_at = place(layout, 8);
    if (step->op == STEP_MOMENTS) {
        step->n_at = place(layout, 8);
        step->min_at = place(layout, 8);
        step->max_at = place(layout, 8);
    }
    if ((step->needs & NEED_SUM) != 0)
        step->sum_at = place(layout, step->op == STEP_REAL ? 8 : 16);
    uint32_t bytes = step->op == STEP_HUGE ? 16 : 8;
    bool placed_here = is_number(step) && step->op != STEP_SMALL;
    if (placed_here && (step->needs & NEED_MIN) != 0)
        step->min_at = step->op == STEP_TEXT ? place_slot(layout) : place(layout, bytes);
    if (placed_here && (step->needs & NEED_MAX) != 0)
        step->max_at = step->op == STEP_TEXT ? place_slot(layout) : place(layout, bytes);
    if (is_ordered(step))
        step->sequence_at = place(layout, 8);
    if (step->op == STEP_ARG_MIN || step->op == STEP_ARG_MAX)
        step->order_at = step->order_class == NUMBER_NONE
                             ? place_slot(layout)
                             : place(layout, step->order_class == NUMBER_HUGE ? 16 : 8);
    for (size_t i = 0; i < step->values_len; i++) {
        struct value *value = &step->values[i];
        if (value->is_text && value->is_slot) {
            value->at = place_slot(layout);
        } else if (value->is_text) {
            value->at = place(layout, sizeof(struct string_cell));
            text_place_add(layout, value->at, false);
        } else if (value->bytes >= 8)
            value->at = place(layout, value->bytes);
    }
}

static void place_narrow(struct layout *layout, struct step *step, uint32_t bytes)
{
    if (bytes == 4 && step->op == STEP_SMALL && (step->needs & NEED_MIN) != 0)
        step->min_at = place(layout, 4);
    if (bytes == 4 && step->op == STEP_SMALL && (step->needs & NEED_MAX) != 0)
        step->max_at = place(layout, 4);
    if (bytes == 1 && step->op == STEP_BOOL) {
        step->min_at = place(layout, 1);
        step->max_at = place(layout, 1);
    }
    for (size_t i = 0; i < step->values_len; i++)
        if (!step->values[i].is_text && step->values[i].bytes == bytes)
            step->values[i].at = place(layout, bytes);
}

static void places_init(struct layout *layout)
{
    uint32_t bits = GROUP_BITS_FIRST;
    for (size_t i = 0; i < layout->steps_len; i++) {
        struct step *step = &layout->steps[i];
        step->has_bit = step->op == STEP_BOOL || (is_number(step) && (step->needs & NEED_N) == 0);
        if (step->has_bit)
            step->bit = bits++;
        for (size_t k = 0; k < step->values_len; k++)
            step->values[k].bit = bits++;
    }
    layout->bits_at = layout->key_words * 8;
    layout->bits_words = (bits + 63) / 64;
    layout->row_bytes = layout->bits_at + layout->bits_words * 8;
    layout->texts =
        ARENA_ARRAY(&layout->arena, struct text_place, layout->keys_len + layout->results_len * 3);
    for (size_t k = 0; k < layout->keys_len; k++)
        if (layout->keys[k].is_text)
            text_place_add(layout, layout->keys[k].at, false);
    for (size_t i = 0; i < layout->steps_len; i++)
        place_words(layout, &layout->steps[i]);
    for (uint32_t bytes = 4; bytes > 0; bytes /= 2)
        for (size_t i = 0; i < layout->steps_len; i++)
            place_narrow(layout, &layout->steps[i], bytes);
    layout->row_bytes = (layout->row_bytes + 7) & ~7u;
    layout->tables = ARENA_ARRAY(&layout->arena, const struct step *, layout->steps_len);
    for (size_t i = 0; i < layout->steps_len; i++) {
        if (layout->steps[i].op != STEP_VALUES)
            continue;
        layout->steps[i].table = (uint32_t)layout->tables_len;
        layout->tables[layout->tables_len++] = &layout->steps[i];
    }
}

// What a step holds before the first row: the neutral element of each comparison.
static void step_empty(const struct step *step, char *row)
{
    bool has_min = (step->needs & NEED_MIN) != 0, has_max = (step->needs & NEED_MAX) != 0;
    const __int128 most = (__int128)(((unsigned __int128)1 << 127) - 1);
    if (step->op == STEP_SMALL && has_min)
        CELL(int32_t, row, step->min_at) = INT32_MAX;
    if (step->op == STEP_SMALL && has_max)
        CELL(int32_t, row, step->max_at) = INT32_MIN;
    if (step->op == STEP_WHOLE && has_min)
        CELL(int64_t, row, step->min_at) = INT64_MAX;
    if (step->op == STEP_WHOLE && has_max)
        CELL(int64_t, row, step->max_at) = INT64_MIN;
    if (step->op == STEP_HUGE && has_min)
        huge_set(row, step->min_at, most);
    if (step->op == STEP_HUGE && has_max)
        huge_set(row, step->max_at, -most - 1);
    if (step->op == STEP_REAL && has_min)
        CELL(double, row, step->min_at) = NAN;
    if (step->op == STEP_REAL && has_max)
        CELL(double, row, step->max_at) = -INFINITY;
    if (step->op == STEP_BOOL)
        row[step->min_at] = 1;
    if (step->op == STEP_LAST)
        CELL(int64_t, row, step->sequence_at) = INT64_MIN;
    else if (is_ordered(step))
        CELL(int64_t, row, step->sequence_at) = INT64_MAX;
}

static void fingerprint_init(struct layout *layout)
{
    AUTO(buf_clear) struct buf text = {0};
    for (size_t k = 0; k < layout->keys_len; k++)
        buf_print(&text, "key %d at %u;", (int)layout->keys[k].type->kind, layout->keys[k].at);
    for (size_t i = 0; i < layout->steps_len; i++) {
        const struct step *step = &layout->steps[i];
        buf_print(&text, "step %d %u %d at %u %u %u %u %u %u bit %u;", (int)step->op, step->needs,
                  (int)step->order_class, step->n_at, step->sum_at, step->min_at, step->max_at,
                  step->sequence_at, step->order_at, step->has_bit ? step->bit : 0);
        if (step->op == STEP_VALUES)
            buf_print(&text, "values %d %d;", (int)step->value_class, step->is_list);
        for (size_t v = 0; v < step->values_len; v++)
            buf_print(&text, "value %d at %u bit %u;", (int)step->values[v].kind,
                      step->values[v].at, step->values[v].bit);
    }
    layout->fingerprint = hash64_bytes(text.ptr, text.len);
}

bool layout_init(struct layout *layout, const struct relation *relation)
{
    *layout = (struct layout){.relation = relation};
    if (relation->keeps_rows || relation->group_inputs_len == 0)
        return false;
    enum type_kind time = relation->group_inputs[0].type->kind;
    if (time != TYPE_TIMESTAMP && time != TYPE_TIMESTAMPTZ)
        return false;
    if (!keys_init(layout, relation) || !steps_init(layout, relation))
        return false;
    places_init(layout);
    if (layout->row_bytes > ROW_BYTES_MAX)
        return false;
    layout->empty = arena_new(&layout->arena, layout->row_bytes);
    for (size_t i = 0; i < layout->steps_len; i++)
        step_empty(&layout->steps[i], layout->empty);
    fingerprint_init(layout);
    return true;
}

void layout_clear(struct layout *layout)
{
    arena_clear(&layout->arena);
    *layout = (struct layout){0};
}
