// SPDX-License-Identifier: MIT
// Every aggregate of the fold against DuckDB's own over the same random rows: one fold, three folds
// merged, and folds that went through their bytes on the way.
#include "base/hash.h"
#include "duck/scan.h"
#include "engine/fold.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define PANE_US (60 * US_PER_SECOND)
enum { PARTS = 9, INPUTS_MAX = 24, AGGREGATES_MAX = 240, KEYS = 4 };

static struct database *database;
static struct connection *connection;
static struct arena arena;

// Group inputs: time, the keys, then arguments; the last one filters.
static const struct {
    const char *name;
    enum type_kind kind;
} inputs[] = {
    {"t", TYPE_TIMESTAMP},   {"k0", TYPE_VARCHAR},   {"k1", TYPE_INTEGER},   {"k2", TYPE_DOUBLE},
    {"k3", TYPE_HUGEINT},    {"i8", TYPE_TINYINT},   {"u8", TYPE_UTINYINT},  {"i16", TYPE_SMALLINT},
    {"u16", TYPE_USMALLINT}, {"i32", TYPE_INTEGER},  {"u32", TYPE_UINTEGER}, {"i64", TYPE_BIGINT},
    {"u64", TYPE_UBIGINT},   {"h", TYPE_HUGEINT},    {"f", TYPE_FLOAT},      {"d", TYPE_DOUBLE},
    {"wild", TYPE_DOUBLE},   {"s", TYPE_VARCHAR},    {"ts", TYPE_TIMESTAMP}, {"day", TYPE_DATE},
    {"b", TYPE_BOOLEAN},     {"keep", TYPE_BOOLEAN},
};
enum { FIRST_ARGUMENT = 1 + KEYS, FILTER = COUNT_OF(inputs) - 1 };

static const struct {
    enum aggregate_kind kind;
    const char *sql;  // %s: argument
    bool is_computed; // floats may differ in the last digits
} kinds[] = {
    {AGGREGATE_COUNT, "count(%s)", false},
    {AGGREGATE_SUM, "sum(%s)", true},
    {AGGREGATE_AVG, "avg(%s)", true},
    {AGGREGATE_MIN, "min(%s)", false},
    {AGGREGATE_MAX, "max(%s)", false},
    {AGGREGATE_FIRST, "first(%s ORDER BY _sequence)", false},
    {AGGREGATE_LAST, "last(%s ORDER BY _sequence)", false},
    {AGGREGATE_ANY_VALUE, "any_value(%s ORDER BY _sequence)", false},
    {AGGREGATE_ARG_MIN, "arg_min(s, %s ORDER BY _sequence)", false},
    {AGGREGATE_ARG_MAX, "arg_max(i32, %s ORDER BY _sequence)", false},
    {AGGREGATE_BOOL_AND, "bool_and(%s)", false},
    {AGGREGATE_BOOL_OR, "bool_or(%s)", false},
    {AGGREGATE_STDDEV_SAMP, "stddev_samp(%s)", true},
    {AGGREGATE_STDDEV_POP, "stddev_pop(%s)", true},
    {AGGREGATE_VAR_SAMP, "var_samp(%s)", true},
    {AGGREGATE_VAR_POP, "var_pop(%s)", true},
    {AGGREGATE_COUNT_DISTINCT, "count(DISTINCT %s)", false},
    {AGGREGATE_TOP_K, "top_k(%s, 3)", false},
};

static struct column group_inputs[COUNT_OF(inputs)];
static struct aggregate aggregates[AGGREGATES_MAX];
static char sqls[AGGREGATES_MAX][120];
static bool computed[AGGREGATES_MAX];
static struct relation relation;
static struct scan *input_scan, *output_scan;
static const struct type *output_types[2 + KEYS + AGGREGATES_MAX];
static struct column output_columns[2 + KEYS + AGGREGATES_MAX];

static bool is_meant(enum aggregate_kind kind, size_t input)
{
    enum type_kind type = inputs[input].kind;
    bool is_float = type == TYPE_FLOAT || type == TYPE_DOUBLE;
    bool is_integer = type_is_integer(type) && type != TYPE_UBIGINT;
    bool is_wild = strcmp(inputs[input].name, "wild") == 0;
    switch ((int)kind) {
    case AGGREGATE_SUM:
        return is_integer || is_float || type == TYPE_UBIGINT || type == TYPE_BOOLEAN;
    case AGGREGATE_AVG:
        return is_integer || is_float;
    case AGGREGATE_BOOL_AND:
    case AGGREGATE_BOOL_OR:
        return type == TYPE_BOOLEAN;
    case AGGREGATE_STDDEV_SAMP:
    case AGGREGATE_STDDEV_POP:
    case AGGREGATE_VAR_SAMP:
    case AGGREGATE_VAR_POP: // DuckDB refuses infinity
        return (is_integer || is_float) && !is_wild;
    case AGGREGATE_TOP_K: // in a histogram of DuckDB every NaN is a value of its own
        return !is_wild;
    default:
        return true;
    }
}

static int input_named(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(inputs); i++)
        if (strcmp(inputs[i].name, name) == 0)
            return (int)i;
    return -1;
}

static void aggregate_add(enum aggregate_kind kind, const char *sql, size_t input, bool is_computed,
                          bool filtered)
{
    size_t at = relation.aggregates_len++;
    assert_true(at < AGGREGATES_MAX);
    char call[80];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(call, sizeof(call), sql, inputs[input].name);
#pragma GCC diagnostic pop
    snprintf(sqls[at], sizeof(sqls[at]), "%s%s", call, filtered ? " FILTER (WHERE keep)" : "");
    if (kind == AGGREGATE_TOP_K && filtered) // a macro takes no FILTER
        snprintf(sqls[at], sizeof(sqls[at]), "top_k(CASE WHEN keep THEN %s END, 3)",
                 inputs[input].name);
    computed[at] = is_computed;
    aggregates[at] = (struct aggregate){.kind = kind,
                                        .argument = (int)input,
                                        .order_argument = -1,
                                        .filter = filtered ? FILTER : -1,
                                        .limit = kind == AGGREGATE_TOP_K ? 3 : 0};
    if (kind == AGGREGATE_ARG_MIN || kind == AGGREGATE_ARG_MAX) {
        aggregates[at].order_argument = (int)input;
        aggregates[at].argument = input_named(kind == AGGREGATE_ARG_MIN ? "s" : "i32");
    }
    if (kind == AGGREGATE_COUNT_ROWS)
        aggregates[at].argument = -1;
}

// The result types are what DuckDB's binder says.
static void types_bind(void)
{
    struct error err = {0};
    AUTO(buf_clear) struct buf sql = {0};
    buf_add_cstr(&sql, "SELECT t, t, k0, k1, k2, k3");
    for (size_t i = 0; i < relation.aggregates_len; i++)
        buf_print(&sql, ", %s AS r%zu", sqls[i], i);
    buf_add_cstr(&sql, " FROM fold_input() GROUP BY t, k0, k1, k2, k3");
    struct statement *statement = statement_prepare(connection, buf_cstr(&sql), &err);
    if (statement == NULL)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < 2 + KEYS + relation.aggregates_len; i++) {
        const struct column *column = &statement_columns(statement)[i];
        output_types[i] = type_copy(column->type, &arena);
        output_columns[i].type = output_types[i];
        output_columns[i].name = i < 2 ? (i == 0 ? STR("window_start") : STR("window_end"))
                                       : arena_print(&arena, "%.*s", STR_ARGS(column->name));
        if (i >= 2 + KEYS)
            aggregates[i - 2 - KEYS].type = output_types[i];
    }
    statement_free(statement);
}

static int setup(void **state)
{
    (void)state;
    struct error err = {0};
    database = database_open((struct database_options){.threads = 1}, &err);
    connection = database == NULL ? NULL : connection_open(database, &err);
    assert_non_null(connection);
    for (size_t i = 0; i < COUNT_OF(inputs); i++)
        group_inputs[i] = (struct column){str_of(inputs[i].name), type_simple(inputs[i].kind)};
    relation = (struct relation){.kind = RELATION_GROUPS,
                                 .name = STR("minutes"),
                                 .group_inputs = group_inputs,
                                 .group_inputs_len = COUNT_OF(inputs),
                                 .group_keys_len = KEYS,
                                 .aggregates = aggregates,
                                 .window_size_us = PANE_US,
                                 .window_slide_us = PANE_US};
    // As the dialect has it (pipeline/view.c).
    assert_true(connection_execute(
        connection,
        "CREATE MACRO top_k(x, n) AS list_transform(list_slice(list_sort(list_transform("
        "map_entries(histogram(x)), lambda e: {'c': -CAST(e.value AS BIGINT), 'v': e.key})), 1, "
        "n), lambda e: e.v)",
        &err));
    input_scan = scan_new(connection, "fold_input", group_inputs, COUNT_OF(inputs), true, &err);
    assert_non_null(input_scan);
    aggregate_add(AGGREGATE_COUNT_ROWS, "count(*)", 0, false, false);
    aggregate_add(AGGREGATE_COUNT_ROWS, "count(*)", 0, false, true);
    for (size_t input = FIRST_ARGUMENT; input < FILTER; input++)
        for (size_t k = 0; k < COUNT_OF(kinds); k++)
            if (is_meant(kinds[k].kind, input))
                aggregate_add(kinds[k].kind, kinds[k].sql, input, kinds[k].is_computed,
                              (input + k) % 4 == 0);
    types_bind();
    output_scan = scan_new(connection, "fold_output", output_columns,
                           2 + KEYS + relation.aggregates_len, false, &err);
    assert_non_null(output_scan);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scan_free(input_scan);
    scan_free(output_scan);
    connection_close(connection);
    database_close(database);
    arena_clear(&arena);
    return 0;
}

// ---- Random rows

static double random_real(uint64_t *random, bool wild)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY, -0.0, 0.0, 1e300};
    uint64_t value = random_next(random);
    if (wild && value % 7 == 0)
        return odd[value / 7 % COUNT_OF(odd)];
    return (double)(int64_t)(value >> 33) / 1000.0 - 500000.0;
}

static struct string_cell random_text(uint64_t *random, unsigned different)
{
    uint64_t value = random_next(random) % different;
    struct str text =
        value % 3 == 0 ? arena_print(&arena, "v%lu", (unsigned long)value)
        : value % 3 == 1
            ? arena_print(&arena, "a text that is long %lu", (unsigned long)value)
            : arena_print(&arena, "a text%*lu", (int)(value % 40), (unsigned long)value);
    return string_cell_of(text.ptr, text.len);
}

static void random_cell(struct vector *vector, size_t input, size_t row, uint64_t *random)
{
    enum type_kind kind = inputs[input].kind;
    uint64_t value = random_next(random);
    char *cell = (char *)vector->data + row * vector->type->cell_bytes;
    if (input == 0) {
        int64_t time = INT64_C(1700000000000000) + (int64_t)(value % (uint64_t)(3 * PANE_US));
        memcpy(cell, &time, sizeof(time));
    } else if (kind == TYPE_VARCHAR) {
        ((struct string_cell *)vector->data)[row] = random_text(random, input < 5 ? 7 : 500);
    } else if (kind == TYPE_DOUBLE) {
        static const double keys[] = {0.0, -0.0, NAN, 1.5};
        ((double *)vector->data)[row] =
            input <= KEYS ? keys[value % 4]
                          : random_real(random, strcmp(inputs[input].name, "wild") == 0);
    } else if (kind == TYPE_FLOAT) {
        ((float *)vector->data)[row] = (float)random_real(random, false);
    } else if (kind == TYPE_BOOLEAN) {
        *cell = (char)(value % 3 != 0);
    } else if (kind == TYPE_HUGEINT) {
        __int128 huge =
            (__int128)(int64_t)value * (input <= KEYS ? 0 : 12345678901LL) + (__int128)(value % 3);
        memcpy(cell, &huge, sizeof(huge));
    } else if (input <= KEYS || kind == TYPE_DATE) {
        int32_t small = (int32_t)(value % (input <= KEYS ? 3 : 40000));
        memcpy(cell, &small, sizeof(small));
    } else if (kind == TYPE_TIMESTAMP) {
        int64_t time = (int64_t)(value >> 14);
        memcpy(cell, &time, sizeof(time));
    } else {
        memcpy(cell, &value, vector->type->cell_bytes);
    }
}

static struct chunk *random_chunk(uint64_t *random)
{
    const struct type *types[COUNT_OF(inputs)];
    for (size_t i = 0; i < COUNT_OF(inputs); i++)
        types[i] = group_inputs[i].type;
    struct chunk *chunk = chunk_new(types, COUNT_OF(inputs));
    chunk->rows = 1 + random_next(random) % 700;
    for (size_t i = 0; i < COUNT_OF(inputs); i++) {
        unsigned nulls = i == 0 ? 0 : (unsigned)(random_next(random) % 3); // of 8
        for (size_t row = 0; row < chunk->rows; row++) {
            random_cell(&chunk->columns[i], i, row, random);
            if (random_next(random) % 8 < nulls)
                vector_set_null(&chunk->columns[i], row);
        }
    }
    return chunk;
}

struct input {
    struct rows_part parts[PARTS];
    uint16_t selections[PARTS][ROWS_PER_VECTOR];
    int64_t sequences[PARTS][ROWS_PER_VECTOR];
    struct rows rows;
};

static struct input *random_input(uint64_t *random)
{
    struct input *input = heap_new(sizeof(*input));
    for (size_t p = 0; p < PARTS; p++) {
        struct rows_part *part = &input->parts[p];
        part->chunk = random_chunk(random);
        part->count = part->chunk->rows;
        // Numbers do not follow the order of the parts: they alone decide what is first.
        part->first_sequence = (int64_t)((p * 5) % PARTS) * 10000;
        if (p % 3 == 1) {
            part->count = 0;
            part->selection = input->selections[p];
            for (size_t row = 0; row < part->chunk->rows; row++)
                if (random_next(random) % 3 != 0)
                    input->selections[p][part->count++] = (uint16_t)row;
        }
        if (p % 3 == 2) {
            for (size_t row = 0; row < part->chunk->rows; row++)
                input->sequences[p][row] = part->first_sequence + (int64_t)(row * 7919 % 9973);
            part->first_sequence = -1;
            part->sequences = input->sequences[p];
        }
    }
    input->rows = (struct rows){.parts = input->parts, .parts_len = PARTS};
    return input;
}

static void input_free(struct input *input)
{
    for (size_t p = 0; p < PARTS; p++)
        chunk_free(input->parts[p].chunk);
    heap_free(input);
}

static void fold_part(struct fold *fold, const struct rows_part *part)
{
    const struct vector *columns[COUNT_OF(inputs)];
    for (size_t i = 0; i < COUNT_OF(inputs); i++)
        columns[i] = &part->chunk->columns[i];
    fold_add(fold, part, columns, NULL);
}

// ---- Comparison

static void add_sameness(struct buf *sql, size_t i)
{
    buf_print(sql, "(d.r%zu IS NOT DISTINCT FROM f.r%zu", i, i);
    if (computed[i] && aggregates[i].type->kind == TYPE_DOUBLE)
        buf_print(sql, " OR abs(d.r%zu - f.r%zu) <= 1e-9 * greatest(abs(d.r%zu), 1)", i, i, i);
    buf_add_char(sql, ')');
}

// What differs between DuckDB's result and the panes, as text; nothing when all is equal.
static void compare(const struct input *input, struct pane *const *panes, size_t len)
{
    struct error err = {0};
    struct rows output = {0};
    struct rows_part parts[64] = {{0}};
    for (size_t p = 0; p < len; p++) {
        size_t cursor = 0;
        for (;;) {
            struct chunk *chunk = chunk_new(output_types, 2 + KEYS + relation.aggregates_len);
            if (!pane_result(panes[p], &relation, pane_start_us(panes[p]),
                             pane_start_us(panes[p]) + PANE_US, &cursor, chunk)) {
                chunk_free(chunk);
                break;
            }
            assert_true(output.parts_len < COUNT_OF(parts));
            parts[output.parts_len++] = (struct rows_part){.chunk = chunk, .count = chunk->rows};
        }
    }
    output.parts = parts;
    scan_set_rows(input_scan, &input->rows);
    scan_set_rows(output_scan, &output);
    AUTO(buf_clear) struct buf sql = {0};
    buf_print(&sql,
              "WITH d AS (SELECT make_timestamp(epoch_us(t) // %ld * %ld) AS w, k0, k1, k2, k3",
              (long)PANE_US, (long)PANE_US);
    for (size_t i = 0; i < relation.aggregates_len; i++)
        buf_print(&sql, ", %s AS r%zu", sqls[i], i);
    buf_add_cstr(&sql, " FROM fold_input() GROUP BY w, k0, k1, k2, k3), f AS (SELECT * FROM "
                       "fold_output()) SELECT concat_ws(' ', CASE WHEN count(*) = 0 OR count(d.w) "
                       "<> count(*) OR count(f.window_start) <> count(*) THEN 'groups' END");
    for (size_t i = 0; i < relation.aggregates_len; i++) {
        buf_print(&sql, ", CASE WHEN count(*) FILTER (WHERE NOT ");
        add_sameness(&sql, i);
        buf_print(&sql, ") > 0 THEN '%s' END", sqls[i]);
    }
    buf_add_cstr(&sql, ") FROM d FULL JOIN f ON d.w = f.window_start AND d.k0 IS NOT DISTINCT FROM "
                       "f.k0 AND d.k1 IS NOT DISTINCT FROM f.k1 AND d.k2 IS NOT DISTINCT FROM f.k2 "
                       "AND d.k3 IS NOT DISTINCT FROM f.k3");
    AUTO(buf_clear) struct buf text = {0};
    bool is_null;
    if (!connection_query_text(connection, buf_cstr(&sql), &text, &is_null, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < output.parts_len; i++)
        chunk_free(parts[i].chunk);
    assert_string_equal(buf_cstr(&text), "");
}

static void one_fold_equals_duckdb(void **state)
{
    (void)state;
    assert_true(fold_supports(&relation));
    for (uint64_t seed = 1; seed <= 4; seed++) {
        print_message("fold seed %lu, %zu aggregates\n", (unsigned long)seed,
                      relation.aggregates_len);
        uint64_t random = seed;
        struct input *input = random_input(&random);
        struct fold *fold = fold_new(&relation, PANE_US);
        for (size_t p = 0; p < PARTS; p++)
            fold_part(fold, &input->parts[p]);
        struct pane *panes[8];
        size_t len = fold_panes_len(fold);
        int64_t rows = 0;
        assert_in_range(len, 1, 8);
        for (size_t i = 0; i < len; i++) {
            panes[i] = fold_pane(fold, i);
            rows += pane_input_rows(panes[i]);
        }
        assert_int_equal(rows, rows_count(&input->rows));
        compare(input, panes, len);
        fold_free(fold);
        input_free(input);
    }
}

// Merges the panes of one start over all folds.
static size_t merge_all(struct fold **folds, size_t folds_len, struct pane **merged)
{
    size_t len = 0;
    int64_t after = INT64_MIN;
    for (;;) {
        int64_t start = INT64_MAX;
        struct pane *same[64];
        size_t same_len = 0;
        for (size_t f = 0; f < folds_len; f++)
            for (size_t i = 0; i < fold_panes_len(folds[f]); i++) {
                struct pane *pane = fold_pane(folds[f], i);
                if (pane_start_us(pane) <= after || pane_start_us(pane) > start)
                    continue;
                if (pane_start_us(pane) < start)
                    same_len = 0;
                start = pane_start_us(pane);
                same[same_len++] = pane;
            }
        if (same_len == 0)
            return len;
        merged[len++] = pane_merge(&relation, same, same_len);
        after = start;
    }
}

static void split_over_folds_and_restarts_it_is_the_same(void **state)
{
    (void)state;
    for (uint64_t seed = 11; seed <= 14; seed++) {
        print_message("fold seed %lu\n", (unsigned long)seed);
        uint64_t random = seed;
        struct error err = {0};
        struct input *input = random_input(&random);
        AUTO(buf_clear) struct buf frames = {0};
        struct fold *folds[4] = {NULL};
        for (size_t f = 0; f < 3; f++)
            folds[f] = fold_new(&relation, PANE_US);
        for (size_t p = 0; p < PARTS; p++) {
            fold_part(folds[random_next(&random) % 3], &input->parts[p]);
            for (size_t f = 0; f < 3; f++) // a frame after each part
                fold_encode_changed(folds[f], &frames);
            if (p != PARTS / 2)
                continue;
            for (size_t f = 0; f < 3; f++) { // all is lost but the frames
                fold_free(folds[f]);
                folds[f] = fold_new(&relation, PANE_US);
            }
            assert_true(fold_load(folds[random_next(&random) % 3], buf_str(&frames), &err));
        }
        struct pane *merged[8];
        size_t len = merge_all(folds, 3, merged);
        compare(input, merged, len);
        for (size_t i = 0; i < len; i++)
            pane_free(merged[i]);
        folds[3] = fold_new(&relation, PANE_US);
        assert_true(fold_load(folds[3], buf_str(&frames), &err));
        AUTO(buf_clear) struct buf base = {0};
        fold_encode_all(folds[3], &base);
        fold_free(folds[3]);
        folds[3] = fold_new(&relation, PANE_US);
        assert_true(fold_load(folds[3], buf_str(&base), &err));
        len = merge_all(folds + 3, 1, merged);
        compare(input, merged, len);
        for (size_t i = 0; i < len; i++)
            pane_free(merged[i]);
        for (size_t f = 0; f < 4; f++)
            fold_free(folds[f]);
        input_free(input);
    }
}

// Every byte flipped, every cut: an error or other values, never a crash (the sanitizers watch).
static void damaged_bytes_do_no_harm(void **state)
{
    (void)state;
    uint64_t random = 5;
    struct input *input = random_input(&random);
    struct fold *fold = fold_new(&relation, PANE_US);
    input->parts[0].count = 20;
    fold_part(fold, &input->parts[0]);
    AUTO(buf_clear) struct buf bytes = {0};
    fold_encode_all(fold, &bytes);
    fold_free(fold);
    for (size_t round = 0; round < 3000; round++) {
        struct error err = {0};
        fold = fold_new(&relation, PANE_US);
        size_t at = random_next(&random) % bytes.len;
        if (round % 4 == 0) {
            assert_false(fold_load(fold, (struct str){bytes.ptr, at}, &err) && at > 0);
            assert_true(at == 0 || err.kind == ERROR_FATAL);
        } else {
            char old = bytes.ptr[at];
            bytes.ptr[at] = (char)random_next(&random);
            if (fold_load(fold, buf_str(&bytes), &err) && fold_panes_len(fold) > 0) {
                size_t cursor = 0;
                struct pane *pane = fold_pane(fold, 0);
                struct pane *merged = pane_merge(&relation, &pane, 1);
                struct chunk *chunk = chunk_new(output_types, 2 + KEYS + relation.aggregates_len);
                while (pane_result(merged, &relation, 0, 1, &cursor, chunk))
                    ;
                chunk_free(chunk);
                pane_free(merged);
            }
            bytes.ptr[at] = old;
        }
        fold_free(fold);
    }
    input_free(input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_fold_equals_duckdb),
        cmocka_unit_test(split_over_folds_and_restarts_it_is_the_same),
        cmocka_unit_test(damaged_bytes_do_no_harm),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
