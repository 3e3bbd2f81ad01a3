// SPDX-License-Identifier: MIT
// Rows are compared as typed values, not as text: the expected ones are cast to the sink's column
// types by DuckDB, doubles may differ by 1e-9 of their size (sums have no order), everything else
// is equal or not. Under EMIT CHANGES a sink holds upserts; what is compared is the table they
// make, the newest row of each key, since how often a window was shown depends on timers.
#include "cli/test_rows.h"
#include "connectors/table/memory.h"
#include "formats/format.h"
#include <math.h>

#define SHOWN_MAX 20

struct row_list { // chunks one after another
    struct chunk **chunks;
    size_t chunks_len, chunks_capacity;
    size_t rows;
    bool *is_gone; // a row: matched, or replaced by a newer one
};

static void row_list_add(struct row_list *list, struct chunk *chunk)
{
    if (list->chunks_len == list->chunks_capacity) {
        list->chunks_capacity = list->chunks_capacity == 0 ? 8 : list->chunks_capacity * 2;
        list->chunks = heap_resize(list->chunks, list->chunks_capacity * sizeof(struct chunk *));
    }
    list->chunks[list->chunks_len++] = chunk;
    list->rows += chunk->rows;
}

static void row_list_clear(struct row_list *list)
{
    for (size_t i = 0; i < list->chunks_len; i++)
        chunk_free(list->chunks[i]);
    heap_free(list->chunks);
    heap_free(list->is_gone);
}

static struct chunk *row_list_find(const struct row_list *list, size_t number, size_t *row)
{
    size_t i = 0;
    while (number >= list->chunks[i]->rows)
        number -= list->chunks[i++]->rows;
    *row = number;
    return list->chunks[i];
}

// ---- Equality of values
// --------------------------------------------------------------------------
static bool double_equal(double a, double b)
{
    if (a == b || (isnan(a) && isnan(b)))
        return true;
    double size = fmax(fabs(a), fabs(b));
    return isfinite(a) && isfinite(b) && fabs(a - b) <= 1e-9 * (size < 1 ? 1 : size);
}

static bool value_equal(const struct vector *a, size_t a_row, const struct vector *b, size_t b_row)
{
    if (vector_is_null(a, a_row) || vector_is_null(b, b_row))
        return vector_is_null(a, a_row) == vector_is_null(b, b_row);
    enum type_kind kind = a->type->kind;
    if (kind == TYPE_STRUCT) {
        bool is_equal = true;
        for (size_t c = 0; is_equal && c < a->children_len; c++)
            is_equal = value_equal(&a->children[c], a_row, &b->children[c], b_row);
        return is_equal; // the nesting is that of a declared type
    }
    if (kind == TYPE_LIST || kind == TYPE_MAP) {
        struct list_cell a_list = ((struct list_cell *)a->data)[a_row];
        struct list_cell b_list = ((struct list_cell *)b->data)[b_row];
        bool is_equal = a_list.length == b_list.length;
        for (size_t i = 0; is_equal && i < a_list.length; i++)
            is_equal = value_equal(a->children, a_list.offset + i, b->children, b_list.offset + i);
        return is_equal;
    }
    if (type_is_string(kind)) {
        const struct string_cell *a_cell = &((struct string_cell *)a->data)[a_row];
        const struct string_cell *b_cell = &((struct string_cell *)b->data)[b_row];
        return str_equal(string_cell_str(a_cell), string_cell_str(b_cell));
    }
    if (kind == TYPE_DOUBLE)
        return double_equal(((double *)a->data)[a_row], ((double *)b->data)[b_row]);
    if (kind == TYPE_FLOAT) {
        double x = (double)((float *)a->data)[a_row], y = (double)((float *)b->data)[b_row];
        return double_equal(x, y) || fabs(x - y) <= 1e-6 * fabs(x);
    }
    size_t size = a->type->cell_bytes;
    return memcmp((char *)a->data + a_row * size, (char *)b->data + b_row * size, size) == 0;
}

// ---- Both sides
// ----------------------------------------------------------------------------------
struct comparison {
    const struct plan *plan;
    const struct plan_sink *sink;
    int *columns; // compared columns, of the sink
    size_t columns_len;
    struct row_list actual, expected;
    struct statement *statement; // of the expected rows, whose types it owns
};

static bool find_columns(struct comparison *comparison, const struct step *step,
                         struct arena *arena, struct error *err)
{
    const struct plan_sink *sink = comparison->sink;
    comparison->columns_len = step->columns_len > 0 ? step->columns_len : sink->columns_len;
    comparison->columns = ARENA_ARRAY(arena, int, comparison->columns_len);
    for (size_t i = 0; i < comparison->columns_len; i++) {
        comparison->columns[i] = step->columns_len > 0 ? -1 : (int)i;
        for (size_t c = 0; step->columns_len > 0 && c < sink->columns_len; c++)
            if (str_equal_nocase(step->columns[i], sink->columns[c].name))
                comparison->columns[i] = (int)c;
        if (comparison->columns[i] >= 0)
            continue;
        AUTO(buf_clear) struct buf list = {0};
        for (size_t c = 0; c < sink->columns_len; c++)
            buf_print(&list, "%s%.*s", c > 0 ? ", " : "", STR_ARGS(sink->columns[c].name));
        return error_set(err, ERROR_USER, "%.*s has no column %.*s; it has %s",
                         STR_ARGS(sink->name), STR_ARGS(step->columns[i]), buf_cstr(&list));
    }
    return true;
}

// Columns of the same name, expected in the order of the test: SELECT CAST(c0 AS T0), .. FROM
// (VALUES (..), (..)) AS rows(c0, ..).
static bool read_expected(struct comparison *comparison, struct connection *connection,
                          const struct step *step, struct error *err)
{
    AUTO(buf_clear) struct buf sql = {0};
    if (step->rows_len == 0)
        return true;
    buf_add_cstr(&sql, "SELECT ");
    for (size_t i = 0; i < comparison->columns_len; i++) {
        const struct column *column = &comparison->sink->columns[comparison->columns[i]];
        buf_print(&sql, "%sCAST(c%zu AS %s)", i > 0 ? ", " : "", i, column->type->sql);
    }
    buf_add_cstr(&sql, " FROM (VALUES ");
    for (size_t i = 0; i < step->rows_len; i++)
        buf_print(&sql, "%s(%.*s)", i > 0 ? ", " : "", STR_ARGS(step->rows[i]));
    buf_add_cstr(&sql, ") AS expected_rows(");
    for (size_t i = 0; i < comparison->columns_len; i++)
        buf_print(&sql, "%sc%zu", i > 0 ? ", " : "", i);
    buf_add_cstr(&sql, ")");
    comparison->statement = statement_prepare(connection, buf_cstr(&sql), err);
    bool ok = comparison->statement != NULL && statement_execute(comparison->statement, err);
    struct chunk *chunk;
    while (ok && (chunk = statement_take(comparison->statement)) != NULL)
        row_list_add(&comparison->expected, chunk);
    return ok || error_wrap(err, "the expected rows");
}

static void read_segment(struct comparison *comparison, const struct segment *segment,
                         const struct type *const *types, size_t types_len)
{
    for (int64_t from = 0; from < segment->rows; from += ROWS_PER_VECTOR) {
        int64_t left = segment->rows - from;
        struct chunk *chunk = chunk_new(types, types_len);
        size_t count = left < ROWS_PER_VECTOR ? (size_t)left : ROWS_PER_VECTOR;
        segment_read(segment, from, count, chunk);
        chunk->rows = count;
        row_list_add(&comparison->actual, chunk);
    }
}

// The segments live on: strings of the chunks point into them.
static void read_actual(struct comparison *comparison, struct segment **segments, size_t len,
                        struct arena *arena)
{
    const struct plan_sink *sink = comparison->sink;
    const struct type **types = ARENA_ARRAY(arena, const struct type *, sink->columns_len);
    for (size_t c = 0; c < sink->columns_len; c++)
        types[c] = sink->columns[c].type;
    for (size_t i = 0; i < len; i++)
        read_segment(comparison, segments[i], types, sink->columns_len);
}

static bool rows_equal(const struct chunk *a, size_t a_row, const int *a_columns,
                       const struct chunk *b, size_t b_row, const int *b_columns, size_t len)
{
    bool is_equal = true;
    for (size_t i = 0; is_equal && i < len; i++) {
        int x = a_columns != NULL ? a_columns[i] : (int)i;
        int y = b_columns != NULL ? b_columns[i] : (int)i;
        is_equal = value_equal(&a->columns[x], a_row, &b->columns[y], b_row);
    }
    return is_equal;
}

// The newest row of a key stands for all of them.
static void keep_newest(struct comparison *comparison)
{
    const struct plan_sink *sink = comparison->sink;
    if (sink->emit != EMIT_CHANGES || sink->relation < 0)
        return;
    const struct relation *relation = &comparison->plan->relations[sink->relation];
    struct row_list *actual = &comparison->actual;
    for (size_t newer = 1; relation->key_columns_len > 0 && newer < actual->rows; newer++) {
        size_t new_row, old_row;
        const struct chunk *new_chunk = row_list_find(actual, newer, &new_row);
        for (size_t older = 0; older < newer; older++) {
            const struct chunk *old_chunk = row_list_find(actual, older, &old_row);
            if (!actual->is_gone[older] &&
                rows_equal(old_chunk, old_row, relation->key_columns, new_chunk, new_row,
                           relation->key_columns, relation->key_columns_len))
                actual->is_gone[older] = true;
        }
    }
}

static void match_rows(struct comparison *comparison)
{
    struct row_list *actual = &comparison->actual, *expected = &comparison->expected;
    for (size_t e = 0; e < expected->rows; e++) {
        size_t expected_row, actual_row;
        const struct chunk *wanted = row_list_find(expected, e, &expected_row);
        for (size_t a = 0; a < actual->rows && !expected->is_gone[e]; a++) {
            const struct chunk *got = row_list_find(actual, a, &actual_row);
            if (actual->is_gone[a] || !rows_equal(wanted, expected_row, NULL, got, actual_row,
                                                  comparison->columns, comparison->columns_len))
                continue;
            actual->is_gone[a] = true;
            expected->is_gone[e] = true;
        }
    }
}

// ---- The difference
// ------------------------------------------------------------------------------
static void print_value(const struct vector *vector, size_t row, struct buf *out)
{
    enum type_kind kind = vector->type->kind;
    bool is_nested = kind == TYPE_STRUCT || kind == TYPE_LIST || kind == TYPE_MAP;
    if (!vector_is_null(vector, row) && kind == TYPE_VARCHAR)
        buf_add_sql_string(out, string_cell_str(&((struct string_cell *)vector->data)[row]));
    else if (!vector_is_null(vector, row) && is_nested)
        json_encode_value(out, vector, row);
    else
        text_encode_value(out, vector, row, "NULL");
}

static size_t print_left(const struct row_list *list, const int *columns, size_t len, char sign,
                         struct buf *diff)
{
    size_t left = 0;
    for (size_t i = 0; i < list->rows; i++) {
        size_t row;
        const struct chunk *chunk = row_list_find(list, i, &row);
        if (list->is_gone[i] || ++left > SHOWN_MAX)
            continue;
        buf_print(diff, "%c (", sign);
        for (size_t c = 0; c < len; c++) {
            buf_add_cstr(diff, c > 0 ? ", " : "");
            print_value(&chunk->columns[columns != NULL ? columns[c] : (int)c], row, diff);
        }
        buf_add_cstr(diff, ")\n");
    }
    if (left > SHOWN_MAX)
        buf_print(diff, "%c .. and %zu more\n", sign, left - SHOWN_MAX);
    return left;
}

static bool print_diff(const struct comparison *comparison, struct buf *diff)
{
    AUTO(buf_clear) struct buf lines = {0};
    size_t missing = print_left(&comparison->expected, NULL, comparison->columns_len, '-', &lines);
    size_t extra =
        print_left(&comparison->actual, comparison->columns, comparison->columns_len, '+', &lines);
    if (missing + extra == 0)
        return true;
    buf_print(diff, "%.*s: %zu missing (-), %zu extra (+); columns (",
              STR_ARGS(comparison->sink->name), missing, extra);
    for (size_t c = 0; c < comparison->columns_len; c++)
        buf_print(diff, "%s%.*s", c > 0 ? ", " : "",
                  STR_ARGS(comparison->sink->columns[comparison->columns[c]].name));
    buf_add_cstr(diff, ")\n");
    buf_add_str(diff, buf_str(&lines));
    return false;
}

bool test_rows_compare(struct connection *connection, const struct plan *plan,
                       const struct step *step, struct buf *diff, bool *is_same, struct error *err)
{
    struct comparison comparison = {.plan = plan};
    for (size_t s = 0; s < plan->sinks_len; s++)
        if (str_equal_nocase(plan->sinks[s].name, step->name))
            comparison.sink = &plan->sinks[s];
    if (comparison.sink == NULL)
        return error_set(err, ERROR_USER, "there is no sink %.*s", STR_ARGS(step->name));
    if (!comparison.sink->is_enabled)
        return error_set(err, ERROR_USER, "sink %.*s is not enabled here", STR_ARGS(step->name));
    AUTO(arena_clear) struct arena arena = {0};
    if (!find_columns(&comparison, step, &arena, err))
        return false;
    size_t segments_len;
    struct segment **segments = memory_sink_take(comparison.sink->name, &segments_len);
    bool ok = read_expected(&comparison, connection, step, err);
    if (ok) {
        read_actual(&comparison, segments, segments_len, &arena);
        comparison.actual.is_gone = heap_new(comparison.actual.rows + 1);
        comparison.expected.is_gone = heap_new(comparison.expected.rows + 1);
        keep_newest(&comparison);
        match_rows(&comparison);
        *is_same = print_diff(&comparison, diff);
    }
    row_list_clear(&comparison.actual);
    row_list_clear(&comparison.expected);
    statement_free(comparison.statement);
    for (size_t i = 0; i < segments_len; i++)
        segment_free(segments[i]);
    heap_free(segments);
    return ok;
}
