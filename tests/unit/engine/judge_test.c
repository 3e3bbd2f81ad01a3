// SPDX-License-Identifier: MIT
// Predicates in C against the same conditions as DuckDB statements: random columns with NULLs, NaN
// and the ends of each type, random predicates three levels deep, with and without a selection.
#include "base/hash.h"
#include "duck/scan.h"
#include "engine/judge.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct database *database;
static struct connection *connection;
static struct arena arena;
static struct scan *scan; // DuckDB keeps what is registered: so does this

static const struct {
    const char *name;
    enum type_kind kind;
} names[] = {
    {"b", TYPE_BOOLEAN},     {"i8", TYPE_TINYINT},  {"u8", TYPE_UTINYINT},  {"i16", TYPE_SMALLINT},
    {"u16", TYPE_USMALLINT}, {"i32", TYPE_INTEGER}, {"u32", TYPE_UINTEGER}, {"i64", TYPE_BIGINT},
    {"u64", TYPE_UBIGINT},   {"h", TYPE_HUGEINT},   {"f", TYPE_FLOAT},      {"d", TYPE_DOUBLE},
    {"d2", TYPE_DOUBLE},     {"s", TYPE_VARCHAR},   {"s2", TYPE_VARCHAR},   {"ts", TYPE_TIMESTAMP},
    {"ts2", TYPE_TIMESTAMP}, {"day", TYPE_DATE},    {"place", TYPE_STRUCT}, // x INTEGER, y VARCHAR
};
enum { COLUMNS = COUNT_OF(names), PLACE = COLUMNS - 1, ROWS = 300 };
static struct column columns[COLUMNS];

static int setup(void **state)
{
    (void)state;
    struct error err = {0};
    database = database_open((struct database_options){.threads = 1}, &err);
    connection = database == NULL ? NULL : connection_open(database, &err);
    assert_non_null(connection);
    for (size_t i = 0; i < PLACE; i++)
        columns[i] = (struct column){str_of(names[i].name), type_simple(names[i].kind)};
    columns[PLACE].name = STR("place");
    columns[PLACE].type =
        connection_type(connection, STR("STRUCT(x INTEGER, y VARCHAR)"), &arena, &err);
    assert_non_null(columns[PLACE].type);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    connection_close(connection);
    database_close(database);
    arena_clear(&arena);
    return 0;
}

// ---- Random values; few different ones, so that comparisons hit

static const double reals[] = {0.0, -0.0, NAN, INFINITY, -INFINITY, 1.5, -2.25, 1e300, 0.1};
static const char *const texts[] = {"",
                                    "a",
                                    "ab",
                                    "b",
                                    "exactly 12 b",
                                    "longer than twelve bytes",
                                    "longer than twelve bytez",
                                    "\xc3\xa4",
                                    "A"};

static int64_t random_whole(uint64_t *random)
{
    static const int64_t ends[] = {0,          1,         -1,         127,       -128,
                                   255,        32767,     65535,      INT32_MAX, INT32_MIN,
                                   UINT32_MAX, INT64_MAX, -INT64_MAX, 100,       -100};
    return ends[random_next(random) % COUNT_OF(ends)];
}

static void random_cell(struct vector *vector, size_t row, uint64_t *random)
{
    enum type_kind kind = vector->type->kind;
    uint64_t value = random_next(random);
    if (kind == TYPE_STRUCT) {
        for (size_t i = 0; i < vector->children_len; i++)
            random_cell(&vector->children[i], row, random);
    } else if (kind == TYPE_DOUBLE) {
        ((double *)vector->data)[row] = reals[value % COUNT_OF(reals)];
    } else if (kind == TYPE_FLOAT) {
        ((float *)vector->data)[row] = (float)reals[value % COUNT_OF(reals)];
    } else if (kind == TYPE_VARCHAR) {
        const char *text = texts[value % COUNT_OF(texts)];
        ((struct string_cell *)vector->data)[row] = string_cell_of(text, strlen(text));
    } else if (kind == TYPE_BOOLEAN) {
        ((uint8_t *)vector->data)[row] = value % 2;
    } else if (kind == TYPE_TIMESTAMP) {
        ((int64_t *)vector->data)[row] = (int64_t)(value % 5) * 43200 * US_PER_SECOND;
    } else if (kind == TYPE_DATE) {
        ((int32_t *)vector->data)[row] = (int32_t)(value % 5) - 1;
    } else {
        __int128 whole = random_whole(random);
        if (kind == TYPE_HUGEINT && value % 3 == 0)
            whole = whole * 1000000007;
        memcpy((char *)vector->data + row * vector->type->cell_bytes, &whole,
               vector->type->cell_bytes);
    }
    if (random_next(random) % 6 == 0)
        vector_set_null(vector, row);
}

static struct chunk *random_chunk(uint64_t *random)
{
    const struct type *types[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++)
        types[i] = columns[i].type;
    struct chunk *chunk = chunk_new(types, COLUMNS);
    chunk->rows = ROWS;
    for (size_t i = 0; i < COLUMNS; i++)
        for (size_t row = 0; row < ROWS; row++)
            random_cell(&chunk->columns[i], row, random);
    return chunk;
}

// ---- Random predicates, each with its text

static const char *const operators[] = {"<", "<=", ">", ">=", "=", "<>"};

static void random_constant(struct constant *constant, enum type_kind kind, uint64_t *random,
                            struct buf *sql)
{
    uint64_t value = random_next(random);
    *constant = (struct constant){.kind = TYPE_BIGINT};
    if (value % 16 == 0) {
        constant->is_null = true;
        buf_add_cstr(sql, "NULL");
    } else if (kind == TYPE_VARCHAR) {
        constant->kind = TYPE_VARCHAR;
        constant->text = str_of(texts[value % COUNT_OF(texts)]);
        buf_add_sql_string(sql, constant->text);
    } else if (kind == TYPE_BOOLEAN) {
        constant->kind = TYPE_BOOLEAN;
        constant->whole = (int64_t)(value / 16 % 2);
        buf_add_cstr(sql, constant->whole ? "true" : "false");
    } else if (kind == TYPE_DOUBLE || kind == TYPE_FLOAT) {
        constant->kind = TYPE_DOUBLE;
        constant->real = reals[value % COUNT_OF(reals)];
        buf_print(sql, "'%.17g'::%s", constant->real, kind == TYPE_FLOAT ? "FLOAT" : "DOUBLE");
    } else if (kind == TYPE_TIMESTAMP || (kind == TYPE_DATE && value % 2 == 0)) {
        constant->kind = TYPE_TIMESTAMP;
        constant->whole = (int64_t)(value / 16 % 7) * 43200 * US_PER_SECOND - 86400 * US_PER_SECOND;
        buf_print(sql, "make_timestamp(%ld)", (long)constant->whole);
    } else if (kind == TYPE_DATE) {
        constant->whole = (int64_t)(value / 16 % 5) - 1;
        buf_print(sql, "(DATE '1970-01-01' + %ld)", (long)constant->whole);
    } else if (value % 8 == 1) {
        constant->kind = TYPE_DOUBLE;
        constant->real = (double)(int64_t)(value / 16 % 9) / 2 - 2;
        buf_print(sql, "(%.1f)", constant->real);
    } else {
        constant->whole = random_whole(random);
        buf_print(sql, "(%ld)", (long)constant->whole);
    }
}

static enum type_kind random_path(struct column_path *path, uint64_t *random, struct buf *sql)
{
    path->column = (int)(random_next(random) % COLUMNS);
    buf_add_cstr(sql, names[path->column].name);
    if (path->column != PLACE)
        return names[path->column].kind;
    path->fields_len = 1;
    path->fields[0] = (int)(random_next(random) % 2);
    buf_add_cstr(sql, path->fields[0] == 0 ? ".x" : ".y");
    return path->fields[0] == 0 ? TYPE_INTEGER : TYPE_VARCHAR;
}

static void random_leaf(struct predicate *predicate, uint64_t *random, struct buf *sql)
{
    buf_add_char(sql, '(');
    enum type_kind kind = random_path(&predicate->path, random, sql);
    predicate->other.column = -1;
    unsigned what = (unsigned)(random_next(random) % 10);
    if (what < 2) {
        predicate->op = what == 0 ? PREDICATE_IS_NULL : PREDICATE_IS_NOT_NULL;
        buf_add_cstr(sql, what == 0 ? " IS NULL)" : " IS NOT NULL)");
        return;
    }
    if (what == 2 && kind == TYPE_BOOLEAN) {
        predicate->op = PREDICATE_COLUMN;
        buf_add_char(sql, ')');
        return;
    }
    predicate->constants = ARENA_ARRAY(&arena, struct constant, 3);
    predicate->constants_len = 1;
    if (what == 3) {
        predicate->op = PREDICATE_IN;
        predicate->constants_len = 1 + random_next(random) % 3;
        buf_add_cstr(sql, " IN (");
        for (size_t i = 0; i < predicate->constants_len; i++) {
            buf_add_cstr(sql, i == 0 ? "" : ", ");
            random_constant(&predicate->constants[i], kind, random, sql);
        }
        buf_add_cstr(sql, "))");
        return;
    }
    unsigned op = (unsigned)(random_next(random) % 6);
    predicate->op = PREDICATE_LT + op;
    buf_print(sql, " %s ", operators[op]);
    if (what == 4) {
        predicate->constants_len = 0;
        random_path(&predicate->other, random, sql);
    } else {
        random_constant(&predicate->constants[0], kind, random, sql);
    }
    buf_add_char(sql, ')');
}

static struct predicate *random_predicate(uint64_t *random, int depth, struct buf *sql)
{
    struct predicate *predicate = ARENA_NEW(&arena, struct predicate);
    unsigned what = (unsigned)(random_next(random) % 8);
    if (depth == 0 || what < 3) {
        size_t start = sql->len;
        do { // until it is one that C knows
            *predicate = (struct predicate){0};
            sql->len = start;
            random_leaf(predicate, random, sql);
        } while (!judge_supports(predicate, columns, COLUMNS));
        return predicate;
    }
    predicate->op = what < 6 ? PREDICATE_AND : what == 6 ? PREDICATE_OR : PREDICATE_NOT;
    predicate->children_len = predicate->op == PREDICATE_NOT ? 1 : 2 + random_next(random) % 2;
    predicate->children = ARENA_ARRAY(&arena, struct predicate *, 3);
    buf_add_cstr(sql, predicate->op == PREDICATE_NOT ? "(NOT " : "(");
    for (size_t i = 0; i < predicate->children_len; i++) {
        if (i > 0)
            buf_add_cstr(sql, predicate->op == PREDICATE_AND ? " AND " : " OR ");
        predicate->children[i] = random_predicate(random, depth - 1, sql);
    }
    buf_add_char(sql, ')');
    return predicate;
}

// ---- Comparison

static void expected_truth(const char *sql, uint8_t *truth, size_t count)
{
    struct error err = {0};
    AUTO(buf_clear) struct buf text = {0};
    buf_print(&text,
              "SELECT (CASE WHEN p IS NULL THEN 2 WHEN p THEN 1 ELSE 0 END)::UTINYINT FROM (SELECT "
              "%s AS p FROM judge_input())",
              sql);
    struct statement *statement = statement_prepare(connection, buf_cstr(&text), &err);
    if (statement == NULL || !statement_execute(statement, &err))
        fail_msg("%s: %s", sql, err.text);
    size_t at = 0;
    for (struct chunk *chunk = statement_next(statement); chunk != NULL;
         chunk = statement_next(statement))
        for (size_t row = 0; row < chunk->rows && at < count; row++)
            truth[at++] = ((uint8_t *)chunk->columns[0].data)[row];
    assert_int_equal(at, count);
    statement_free(statement);
}

static void check(const struct predicate *predicate, const char *sql, const struct rows_part *part,
                  uint64_t seed)
{
    uint8_t expected[ROWS], truth[ROWS];
    uint64_t fails[ROWS];
    size_t hits = 0;
    struct arena scratch = {0};
    expected_truth(sql, expected, part->count);
    judge_predicate(predicate, part, truth, &scratch);
    for (size_t i = 0; i < part->count; i++)
        fails[i] = i % 2 ? 0x101 : 0x1;
    size_t counted = judge_violations(predicate, part, 0x100, fails, &scratch);
    for (size_t i = 0; i < part->count; i++) {
        if (truth[i] != expected[i])
            fail_msg("seed %lu row %zu: %d, DuckDB says %d: %s", (unsigned long)seed,
                     rows_part_row(part, i), truth[i], expected[i], sql);
        bool violates = expected[i] != TRUTH_TRUE;
        hits += violates;
        if (fails[i] != ((i % 2 || violates) ? 0x101u : 0x1u))
            fail_msg("seed %lu row %zu: violation %lx: %s", (unsigned long)seed,
                     rows_part_row(part, i), (unsigned long)fails[i], sql);
    }
    assert_int_equal(counted, hits);
    arena_clear(&scratch);
}

static void random_predicates_judge_as_duckdb(void **state)
{
    (void)state;
    struct error err = {0};
    scan = scan_new(connection, "judge_input", columns, COLUMNS, false, &err);
    assert_non_null(scan);
    const char *wanted = getenv("FIRESTEEL_TEST_SEED");
    uint64_t first = wanted == NULL ? 1 : strtoull(wanted, NULL, 10);
    for (uint64_t seed = first; seed < first + (wanted == NULL ? 600 : 1); seed++) {
        uint64_t random = seed;
        struct chunk *chunk = random_chunk(&random);
        uint16_t selection[ROWS];
        struct rows_part part = {.chunk = chunk, .count = ROWS};
        if (seed % 2 == 0) {
            part.selection = selection;
            part.count = 0;
            for (size_t row = 0; row < ROWS; row++)
                if (random_next(&random) % 3 == 0)
                    selection[part.count++] = (uint16_t)row;
        }
        struct rows rows = {.parts = &part, .parts_len = 1};
        scan_set_rows(scan, &rows);
        AUTO(buf_clear) struct buf sql = {0};
        const struct predicate *predicate = random_predicate(&random, (int)(seed % 4), &sql);
        check(predicate, buf_cstr(&sql), &part, seed);
        chunk_free(chunk);
    }
    scan_free(scan);
}

static void constants_of_both_kinds_and_null(void **state)
{
    (void)state;
    struct chunk *chunk = chunk_new(&columns[0].type, 1);
    chunk->rows = 3;
    struct rows_part part = {.chunk = chunk, .count = 3};
    struct arena scratch = {0};
    struct constant constants[] = {{.kind = TYPE_BOOLEAN, .whole = 1},
                                   {.kind = TYPE_BOOLEAN, .whole = 0},
                                   {.kind = TYPE_BOOLEAN, .is_null = true}};
    uint8_t expected[] = {TRUTH_TRUE, TRUTH_FALSE, TRUTH_NULL};
    for (size_t i = 0; i < 3; i++) {
        struct predicate predicate = {.op = PREDICATE_CONSTANT,
                                      .constants = &constants[i],
                                      .constants_len = 1,
                                      .other.column = -1};
        uint8_t truth[3];
        uint64_t fails[3] = {0};
        judge_predicate(&predicate, &part, truth, &scratch);
        assert_int_equal(truth[0], expected[i]);
        assert_int_equal(truth[2], expected[i]);
        assert_int_equal(judge_violations(&predicate, &part, 4, fails, &scratch), i == 0 ? 0 : 3);
        assert_int_equal(fails[1], i == 0 ? 0 : 4);
    }
    arena_clear(&scratch);
    chunk_free(chunk);
}

static void what_duckdb_would_cast_is_not_supported(void **state)
{
    (void)state;
    struct constant big = {.kind = TYPE_DOUBLE, .real = 0x1p60};
    struct predicate predicate = {.op = PREDICATE_LT,
                                  .path.column = 7, // i64
                                  .other.column = -1,
                                  .constants = &big,
                                  .constants_len = 1};
    assert_false(judge_supports(&predicate, columns, COLUMNS));
    big.real = 0.5;
    assert_true(judge_supports(&predicate, columns, COLUMNS));
    predicate.other.column = 10; // i64 < f
    assert_false(judge_supports(&predicate, columns, COLUMNS));
    predicate.other.column = 8; // i64 < u64
    assert_true(judge_supports(&predicate, columns, COLUMNS));
    predicate.path.column = COLUMNS; // no such column
    assert_false(judge_supports(&predicate, columns, COLUMNS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_predicates_judge_as_duckdb),
        cmocka_unit_test(constants_of_both_kinds_and_null),
        cmocka_unit_test(what_duckdb_would_cast_is_not_supported),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
