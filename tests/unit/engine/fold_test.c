// SPDX-License-Identifier: MIT
// What the comparison with DuckDB (fold_sql_test.c) cannot show: panes, touched groups, what is
// written when, exact zeros, and what is refused.
#include "duck/database.h"
#include "engine/fold.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

enum { TIME, KEY, VALUE, TEXT, INPUTS };
static struct column inputs[INPUTS];
static struct aggregate aggregates[5];
static struct relation relation;
static const struct type *result_types[3 + 5];

static int setup(void **state)
{
    (void)state;
    enum type_kind kinds[INPUTS] = {TYPE_TIMESTAMP, TYPE_VARCHAR, TYPE_DOUBLE, TYPE_VARCHAR};
    for (size_t i = 0; i < INPUTS; i++)
        inputs[i] = (struct column){STR("c"), type_simple(kinds[i])};
    enum aggregate_kind wanted[5] = {AGGREGATE_COUNT_ROWS, AGGREGATE_SUM, AGGREGATE_STDDEV_SAMP,
                                     AGGREGATE_MAX, AGGREGATE_FIRST};
    int arguments[5] = {-1, VALUE, VALUE, TEXT, TEXT};
    enum type_kind types[5] = {TYPE_BIGINT, TYPE_DOUBLE, TYPE_DOUBLE, TYPE_VARCHAR, TYPE_VARCHAR};
    result_types[0] = result_types[1] = type_simple(TYPE_TIMESTAMP);
    result_types[2] = type_simple(TYPE_VARCHAR);
    for (size_t i = 0; i < 5; i++) {
        result_types[3 + i] = type_simple(types[i]);
        aggregates[i] = (struct aggregate){.kind = wanted[i],
                                           .argument = arguments[i],
                                           .order_argument = -1,
                                           .filter = -1,
                                           .type = result_types[3 + i]};
    }
    relation = (struct relation){.kind = RELATION_GROUPS,
                                 .name = STR("windows"),
                                 .group_inputs = inputs,
                                 .group_inputs_len = INPUTS,
                                 .group_keys_len = 1,
                                 .aggregates = aggregates,
                                 .aggregates_len = 5};
    return 0;
}

struct event {
    int64_t time_us;
    const char *key;
    double value;
    const char *text;
};

static void add_skipping(struct fold *fold, const struct event *events, size_t len,
                         int64_t sequence, const uint8_t *skip)
{
    const struct type *types[INPUTS];
    const struct vector *columns[INPUTS];
    for (size_t i = 0; i < INPUTS; i++)
        types[i] = inputs[i].type;
    struct chunk *chunk = chunk_new(types, INPUTS);
    for (size_t i = 0; i < INPUTS; i++)
        columns[i] = &chunk->columns[i];
    chunk->rows = len;
    for (size_t i = 0; i < len; i++) {
        ((int64_t *)columns[TIME]->data)[i] = events[i].time_us;
        ((struct string_cell *)columns[KEY]->data)[i] =
            string_cell_of(events[i].key, strlen(events[i].key));
        ((double *)columns[VALUE]->data)[i] = events[i].value;
        ((struct string_cell *)columns[TEXT]->data)[i] =
            string_cell_of(events[i].text, strlen(events[i].text));
    }
    struct rows_part part = {.chunk = chunk, .count = len, .first_sequence = sequence};
    fold_add(fold, &part, columns, skip);
    chunk_free(chunk);
}

static void add(struct fold *fold, struct event event, int64_t sequence)
{
    add_skipping(fold, &event, 1, sequence, NULL);
}

// "key:count:sum:stddev:max:first .." in order of the groups.
static void assert_pane(const struct pane *pane, const char *expected)
{
    struct chunk *chunk = chunk_new(result_types, COUNT_OF(result_types));
    AUTO(buf_clear) struct buf text = {0};
    size_t cursor = 0;
    while (pane_result(pane, &relation, 1, 2, &cursor, chunk))
        for (size_t row = 0; row < chunk->rows; row++) {
            const struct vector *columns = chunk->columns;
            assert_int_equal(((int64_t *)columns[0].data)[row], 1);
            assert_int_equal(((int64_t *)columns[1].data)[row], 2);
            buf_add_cstr(&text, text.len == 0 ? "" : " ");
            buf_add_str(&text, string_cell_str(&((struct string_cell *)columns[2].data)[row]));
            buf_print(&text, ":%ld:%g:", (long)((int64_t *)columns[3].data)[row],
                      ((double *)columns[4].data)[row]);
            if (vector_is_null(&columns[5], row))
                buf_add_cstr(&text, "null");
            else
                buf_print(&text, "%.17g", ((double *)columns[5].data)[row]);
            for (size_t c = 6; c < 8; c++) {
                buf_add_char(&text, ':');
                buf_add_str(&text, string_cell_str(&((struct string_cell *)columns[c].data)[row]));
            }
        }
    chunk_free(chunk);
    assert_string_equal(buf_cstr(&text), expected);
}

static void rows_fall_into_panes_by_time_and_shift(void **state)
{
    (void)state;
    struct relation shifted = relation;
    shifted.window_shift_us = 3;
    struct fold *fold = fold_new(&shifted, 10);
    int64_t times[] = {3, 12, 13, 2, -8, -7, INT64_C(1) << 60};
    for (size_t i = 0; i < COUNT_OF(times); i++)
        add(fold, (struct event){times[i], "k", 1, "t"}, (int64_t)i);
    int64_t starts[] = {-17, -7, 3, 13, ((INT64_C(1) << 60) - 3) / 10 * 10 + 3};
    int64_t rows[] = {1, 2, 2, 1, 1};
    assert_int_equal(fold_panes_len(fold), 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(pane_start_us(fold_pane(fold, i)), starts[i]);
        assert_int_equal(pane_input_rows(fold_pane(fold, i)), rows[i]);
    }
    int64_t before = fold_bytes(fold);
    fold_drop_pane(fold, 3);
    fold_drop_pane(fold, 4); // there is none
    assert_int_equal(fold_panes_len(fold), 4);
    assert_true(fold_bytes(fold) < before);
    add(fold, (struct event){5, "again", 1, "t"}, 9);
    assert_int_equal(pane_input_rows(fold_pane(fold, 2)), 1);
    fold_free(fold);
}

static void late_rows_are_left_out(void **state)
{
    (void)state;
    struct fold *fold = fold_new(&relation, 100);
    struct event events[] = {{1, "a", 1, "x"}, {2, "late", 1, "x"}, {3, "a", 2, "y"}};
    add_skipping(fold, events, 3, 0, (uint8_t[]){0, 1, 0});
    assert_int_equal(fold_groups(fold), 1);
    assert_int_equal(pane_input_rows(fold_pane(fold, 0)), 2);
    assert_pane(fold_pane(fold, 0), "a:2:3:0.70710678118654757:y:x");
    fold_free(fold);
}

static void equal_values_have_no_spread_however_they_are_split(void **state)
{
    (void)state;
    struct fold *folds[3];
    struct pane *panes[3];
    for (int64_t f = 0; f < 3; f++) {
        folds[f] = fold_new(&relation, 100);
        for (int64_t i = 0; i < 7 + f * 5; i++)
            add(folds[f], (struct event){i, "same", 0.1, "t"}, i);
        panes[f] = fold_pane(folds[f], 0);
    }
    add(folds[1], (struct event){1, "one", 5, "t"}, 50);
    struct pane *merged = pane_merge(&relation, panes, 3);
    assert_pane(merged, "same:36:3.6:0:t:t one:1:5:null:t:t");
    assert_int_equal(pane_input_rows(merged), 37);
    pane_free(merged);
    for (size_t f = 0; f < 3; f++)
        fold_free(folds[f]);
}

static void texts_are_owned_and_first_goes_by_row_number(void **state)
{
    (void)state;
    struct fold *fold = fold_new(&relation, 100);
    char key[] = "a key of more than 12", text[] = "z: a text of more than twelve";
    add(fold, (struct event){1, key, 1, text}, 10);
    memset(key, '?', sizeof(key) - 1); // the batch is gone
    memset(text, '?', sizeof(text) - 1);
    add(fold, (struct event){2, "a key of more than 12", 1, "y"}, 5);
    add(fold, (struct event){3, "a key of more than 12", 1, "zz: a longer text than the other was"},
        7);
    assert_pane(fold_pane(fold, 0),
                "a key of more than 12:3:3:0:zz: a longer text than the other was:y");
    fold_free(fold);
}

static void growing_texts_do_not_grow_memory_for_ever(void **state)
{
    (void)state;
    struct fold *fold = fold_new(&relation, 1000000);
    char text[200] = {0};
    for (int64_t i = 0; i < 20000; i++) {
        memset(text, 'a' + (int)(i * 25 / 20000), (size_t)(20 + i % 170));
        text[20 + i % 170] = 0;
        add(fold, (struct event){i, "k", 1, text}, 20000 - i); // max and first change each time
    }
    assert_true(fold_bytes(fold) < 200000);
    fold_free(fold);
}

static void touched_groups_come_once_and_whole(void **state)
{
    (void)state;
    struct fold *fold = fold_new(&relation, 100);
    struct pane **panes;
    size_t len;
    add(fold, (struct event){1, "a", 1, "t"}, 0);
    add(fold, (struct event){101, "b", 1, "t"}, 1);
    fold_take_touched(fold, &panes, &len); // first call: everything there is
    assert_int_equal(len, 2);
    assert_pane(panes[0], "a:1:1:null:t:t");
    assert_pane(panes[1], "b:1:1:null:t:t");
    for (size_t i = 0; i < len; i++)
        pane_free(panes[i]);
    heap_free(panes);
    add(fold, (struct event){102, "c", 4, "t"}, 2);
    add(fold, (struct event){103, "b", 1, "u"}, 3);
    fold_take_touched(fold, &panes, &len);
    assert_int_equal(len, 1);
    assert_int_equal(pane_start_us(panes[0]), 100);
    assert_pane(panes[0], "c:1:4:null:t:t b:2:2:0:u:t");
    pane_free(panes[0]);
    heap_free(panes);
    fold_take_touched(fold, &panes, &len);
    assert_int_equal(len, 0);
    heap_free(panes);
    fold_free(fold);
}

static void merging_by_keys_takes_only_those(void **state)
{
    (void)state;
    struct fold *a = fold_new(&relation, 100), *b = fold_new(&relation, 100);
    add(a, (struct event){1, "x", 1, "t"}, 0);
    add(a, (struct event){2, "y", 1, "t"}, 1);
    add(b, (struct event){3, "y", 2, "s"}, 2);
    add(b, (struct event){4, "z", 2, "s"}, 3);
    struct fold *keys = fold_new(&relation, 100);
    add(keys, (struct event){9, "y", 100, "not counted"}, 4);
    struct pane *panes[] = {fold_pane(a, 0), fold_pane(b, 0)};
    struct pane *merged = pane_merge_keys(&relation, fold_pane(keys, 0), panes, 2);
    assert_pane(merged, "y:2:3:0.70710678118654757:t:t");
    pane_free(merged);
    fold_free(a);
    fold_free(b);
    fold_free(keys);
}

static void only_changes_are_written(void **state)
{
    (void)state;
    struct error err = {0};
    struct fold *fold = fold_new(&relation, 100);
    AUTO(buf_clear) struct buf first = {0}, second = {0}, none = {0};
    char key[16];
    for (int64_t i = 0; i < 50; i++) {
        snprintf(key, sizeof(key), "k%ld", (long)i);
        add(fold, (struct event){i, key, 1, "t"}, i);
    }
    fold_encode_changed(fold, &first);
    fold_encode_changed(fold, &none);
    assert_int_equal(none.len, 0);
    add(fold, (struct event){7, "k7", 2, "t"}, 60);
    fold_encode_changed(fold, &second);
    assert_true(second.len * 20 < first.len);
    struct fold *copy = fold_new(&relation, 100);
    assert_true(fold_load(copy, buf_str(&first), &err));
    assert_true(fold_load(copy, buf_str(&second), &err));
    assert_true(fold_load(copy, buf_str(&second), &err)); // a frame twice
    fold_encode_changed(copy, &none);
    assert_int_equal(none.len, 0); // loaded is not changed
    assert_int_equal(pane_groups(fold_pane(copy, 0)), 50);
    assert_int_equal(pane_input_rows(fold_pane(copy, 0)), 51);
    // Rows after the load are kept apart and merge to the same.
    add(copy, (struct event){7, "k7", 3, "u"}, 61);
    assert_int_equal(fold_panes_len(copy), 2);
    struct pane *panes[] = {fold_pane(copy, 0), fold_pane(copy, 1)};
    struct pane *merged = pane_merge(&relation, panes, 2);
    assert_int_equal(pane_groups(merged), 50);
    assert_int_equal(pane_input_rows(merged), 52);
    pane_free(merged);
    fold_free(copy);
    fold_free(fold);
}

static void state_of_another_layout_is_refused(void **state)
{
    (void)state;
    struct error err = {0};
    struct fold *fold = fold_new(&relation, 100);
    add(fold, (struct event){1, "a", 1, "t"}, 0);
    AUTO(buf_clear) struct buf bytes = {0};
    fold_encode_all(fold, &bytes);
    struct relation other = relation;
    other.aggregates_len = 4;
    struct fold *stranger = fold_new(&other, 100);
    assert_false(fold_load(stranger, buf_str(&bytes), &err));
    assert_int_equal(err.kind, ERROR_FATAL);
    fold_free(stranger);
    struct fold *finer = fold_new(&relation, 1000); // the pane start is still on its grid
    assert_true(fold_load(finer, buf_str(&bytes), &err));
    fold_free(finer);
    fold_free(fold);
}

static void what_cannot_be_folded_is_said(void **state)
{
    (void)state;
    static const struct type decimal = {
        .kind = TYPE_DECIMAL, .width = 10, .scale = 2, .cell_bytes = 8};
    assert_true(fold_supports(&relation));
    struct relation keeps = relation;
    keeps.keeps_rows = true;
    assert_false(fold_supports(&keeps));
    struct column changed[INPUTS];
    memcpy(changed, inputs, sizeof(inputs));
    changed[VALUE].type = &decimal;
    struct relation sums = relation;
    sums.group_inputs = changed;
    assert_false(fold_supports(&sums));
    struct relation whole = relation;
    struct aggregate narrow = {.kind = AGGREGATE_COUNT_ROWS,
                               .argument = -1,
                               .order_argument = -1,
                               .filter = -1,
                               .type = type_simple(TYPE_INTEGER)};
    whole.aggregates = &narrow;
    whole.aggregates_len = 1;
    assert_false(fold_supports(&whole));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_fall_into_panes_by_time_and_shift),
        cmocka_unit_test(late_rows_are_left_out),
        cmocka_unit_test(equal_values_have_no_spread_however_they_are_split),
        cmocka_unit_test(texts_are_owned_and_first_goes_by_row_number),
        cmocka_unit_test(growing_texts_do_not_grow_memory_for_ever),
        cmocka_unit_test(touched_groups_come_once_and_whole),
        cmocka_unit_test(merging_by_keys_takes_only_those),
        cmocka_unit_test(only_changes_are_written),
        cmocka_unit_test(state_of_another_layout_is_refused),
        cmocka_unit_test(what_cannot_be_folded_is_said),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
