// SPDX-License-Identifier: MIT
// top_k: of each group's counted values the n most frequent, most frequent first, ties by value.
// One pass over the table, in which each group keeps its best so far sorted: most values lose
// against the last of them at once.
#include "engine/fold_layout.h"

enum { CELL_WORDS = 3 }; // value, count

static int value_compare(enum number_class class, const uint64_t *a, const uint64_t *b)
{
    if (class == NUMBER_NONE)
        return string_cell_compare((const void *)a, (const void *)b);
    if (class == NUMBER_REAL) {
        double x, y;
        memcpy(&x, a, sizeof(x));
        memcpy(&y, b, sizeof(y));
        return real_less(x, y) ? -1 : real_less(y, x);
    }
    if (class == NUMBER_WHOLE)
        return (int64_t)a[0] < (int64_t)b[0] ? -1 : (int64_t)a[0] > (int64_t)b[0];
    __int128 x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x < y ? -1 : x > y;
}

static bool comes_before(enum number_class class, const struct counted *entry, const uint64_t *cell)
{
    if (entry->count != cell[2])
        return entry->count > cell[2];
    return value_compare(class, entry->value, cell) < 0;
}

static void tops_add(struct tops *tops, enum number_class class, uint32_t group,
                     const struct counted *entry)
{
    uint64_t *cells = tops->cells + (size_t)group * tops->limit * CELL_WORDS;
    uint32_t len = tops->lens[group], at = len;
    if (len == tops->limit) {
        if (!comes_before(class, entry, cells + (size_t)(len - 1) * CELL_WORDS))
            return;
        at = len - 1;
    } else {
        tops->lens[group]++;
    }
    while (at > 0 && comes_before(class, entry, cells + (size_t)(at - 1) * CELL_WORDS)) {
        memcpy(cells + (size_t)at * CELL_WORDS, cells + (size_t)(at - 1) * CELL_WORDS,
               CELL_WORDS * sizeof(*cells));
        at--;
    }
    uint64_t *cell = cells + (size_t)at * CELL_WORDS;
    cell[0] = entry->value[0];
    cell[1] = entry->value[1];
    cell[2] = entry->count;
}

void tops_clear(struct pane *pane)
{
    for (size_t i = 0; pane->tops != NULL && i < pane->layout->results_len; i++) {
        heap_free(pane->tops[i].lens);
        heap_free(pane->tops[i].cells);
    }
    heap_free(pane->tops);
    pane->tops = NULL;
}

void tops_build(struct pane *pane, size_t number, const struct pane *from, const uint32_t *rows)
{
    const struct result *result = &pane->layout->results[number];
    if (pane->tops == NULL)
        pane->tops = heap_array(pane->layout->results_len, sizeof(*pane->tops));
    struct tops *tops = &pane->tops[number];
    heap_free(tops->lens);
    heap_free(tops->cells);
    tops->limit = result->limit;
    tops->lens = heap_array((size_t)pane->groups + 1, sizeof(*tops->lens));
    tops->cells =
        heap_array(((size_t)pane->groups + 1) * tops->limit * CELL_WORDS, sizeof(*tops->cells));
    const struct value_table *table = &from->values[result->step->table];
    for (uint32_t i = 0; i < table->len; i++) {
        const struct counted *entry = &table->entries[i];
        uint32_t group = rows != NULL ? rows[entry->group] : entry->group;
        if (entry->count > 0 && group != GROUP_NONE)
            tops_add(tops, result->step->value_class, group, entry);
    }
}

static void element_set(const struct step *step, struct vector *vector, size_t i,
                        const uint64_t *value)
{
    size_t bytes = vector->type->cell_bytes;
    double real;
    memcpy(&real, value, sizeof(real));
    if (vector->type->kind == TYPE_FLOAT)
        ((float *)vector->data)[i] = (float)real;
    else // text cells and the low bytes of numbers
        memcpy((char *)vector->data + i * bytes, value,
               step->value_class == NUMBER_NONE ? sizeof(struct string_cell) : bytes);
}

void tops_result(const struct pane *pane, size_t number, uint32_t from, uint32_t count,
                 struct vector *vector)
{
    const struct result *result = &pane->layout->results[number];
    const struct tops *tops = &pane->tops[number];
    size_t len = 0, at = 0;
    for (uint32_t i = 0; i < count; i++)
        len += tops->lens[from + i];
    vector_list_reserve(vector, len);
    vector_list_set_size(vector, len);
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t *cells = tops->cells + (size_t)(from + i) * tops->limit * CELL_WORDS;
        uint32_t values = tops->lens[from + i];
        ((struct list_cell *)vector->data)[i] = (struct list_cell){at, values};
        if (values == 0)
            vector_set_null(vector, i);
        for (uint32_t k = 0; k < values; k++)
            element_set(result->step, &vector->children[0], at++, cells + (size_t)k * CELL_WORDS);
    }
}
