// SPDX-License-Identifier: MIT
// Segments: every type with NULLs goes in and comes out the same, from any chunk, selection and
// range; damaged bytes are refused or read, never followed out of bounds (run under the address
// sanitizer).
#include "base/hash.h"
#include "duck/scan.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Every storable type, each NULL in its own rhythm, strings short and long, lists empty to large.
#define ROWS_SQL                                                                                   \
    "SELECT CASE WHEN i % 7 > 0 THEN i % 2 = 0 END AS c_bool,"                                     \
    " CASE WHEN i % 11 > 0 THEN (i % 100)::TINYINT END AS c_tiny,"                                 \
    " (i % 30000)::SMALLINT AS c_small, CASE WHEN i % 5 > 0 THEN i::INTEGER END AS c_int,"         \
    " i::BIGINT AS c_big, (i % 200)::UTINYINT AS c_utiny, (i % 60000)::USMALLINT AS c_usmall,"     \
    " i::UINTEGER AS c_uint, CASE WHEN i % 3 > 0 THEN i::UBIGINT END AS c_ubig,"                   \
    " CASE WHEN i % 4 > 0 THEN i::HUGEINT * 123456789012345678901 END AS c_huge,"                  \
    " CASE WHEN i % 6 > 0 THEN i::FLOAT / 3 END AS c_float, i::DOUBLE / 7 AS c_double,"            \
    " (i % 90)::DECIMAL(4, 1) AS c_dec16, i::DECIMAL(9, 2) AS c_dec32,"                            \
    " i::DECIMAL(18, 3) AS c_dec64, CASE WHEN i % 8 > 0 THEN i::DECIMAL(38, 4) END AS c_dec128,"   \
    " CASE WHEN i % 9 > 0 THEN repeat('x', (i % 25)::INTEGER) || i END AS c_text,"                 \
    " CASE WHEN i % 10 > 0 THEN encode(repeat('é', (i % 9)::INTEGER)) END AS c_blob,"             \
    " DATE '2024-01-15' + i::INTEGER AS c_date, TIME '10:30:00' AS c_time,"                        \
    " CASE WHEN i % 12 > 0 THEN TIMESTAMP '2024-01-15' + to_seconds(i) END AS c_timestamp,"        \
    " TIMESTAMPTZ '2024-01-15 00:00:00+00' + to_seconds(i) AS c_timestamptz,"                      \
    " CASE WHEN i % 13 > 0 THEN to_months(i::INTEGER) + to_seconds(i) END AS c_interval,"          \
    " CASE WHEN i % 14 > 0 THEN md5(i::VARCHAR)::UUID END AS c_uuid,"                              \
    " CASE WHEN i % 15 > 0 THEN"                                                                   \
    "  [CASE WHEN k % 3 > 0 THEN k END for k in range(i % 6)] END AS c_list,"                      \
    " CASE WHEN i % 16 > 0 THEN [['text that is not short ' || i], [], NULL] END AS c_nested,"     \
    " CASE WHEN i % 17 > 0 THEN {'a': CASE WHEN i % 2 > 0 THEN i END, 'b': 'city ' || i,"          \
    "  'c': {'d': [i, NULL]}} END AS c_struct,"                                                    \
    " CASE WHEN i % 18 > 0 THEN MAP {'k' || i: i, 'another key': NULL} END AS c_map,"              \
    " CASE WHEN i % 19 > 0 THEN [{'x': i, 'y': NULL}, NULL] END AS c_list_of_struct,"              \
    " NULL::INTEGER AS c_only_null FROM range(%d) t(i)"

struct table {
    struct database *database;
    struct connection *connection;
    struct statement *statement;
    struct rows rows;
};

static void table_open(struct table *table, const char *sql, int count)
{
    struct error err = {0};
    AUTO(buf_clear) struct buf text = {0};
    *table = (struct table){0};
    table->database = database_open((struct database_options){.threads = 1}, &err);
    assert_non_null(table->database);
    table->connection = connection_open(table->database, &err);
    assert_non_null(table->connection);
    char number[16];
    snprintf(number, sizeof(number), "%d", count);
    struct str all = str_of(sql);
    int64_t percent = -1;
    for (size_t i = 0; i + 1 < all.len; i++)
        if (all.ptr[i] == '%' && all.ptr[i + 1] == 'd')
            percent = (int64_t)i;
    assert_true(percent > 0);
    buf_add_str(&text, str_slice(all, 0, (size_t)percent));
    buf_add_cstr(&text, number);
    buf_add_str(&text, str_slice(all, (size_t)percent + 2, all.len));
    table->statement = statement_prepare(table->connection, buf_cstr(&text), &err);
    if (table->statement == NULL || !statement_execute(table->statement, &err))
        fail_msg("%s", err.text);
    struct chunk *chunk;
    while ((chunk = statement_take(table->statement)) != NULL) {
        table->rows.parts =
            heap_resize(table->rows.parts, (table->rows.parts_len + 1) * sizeof(struct rows_part));
        table->rows.parts[table->rows.parts_len++] =
            (struct rows_part){.chunk = chunk, .count = chunk->rows, .first_sequence = -1};
    }
}

static void table_close(struct table *table)
{
    for (size_t p = 0; p < table->rows.parts_len; p++)
        chunk_free(table->rows.parts[p].chunk);
    heap_free(table->rows.parts);
    statement_finish(table->statement);
    statement_free(table->statement);
    connection_close(table->connection);
    database_close(table->database);
}

static struct chunk *chunk_for(const struct table *table)
{
    size_t len = statement_columns_len(table->statement);
    const struct type **types = heap_array(len, sizeof(*types));
    for (size_t i = 0; i < len; i++)
        types[i] = statement_columns(table->statement)[i].type;
    struct chunk *chunk = chunk_new(types, len);
    heap_free(types);
    return chunk;
}

static struct segment *segment_of(const struct table *table, const struct rows *rows)
{
    return segment_new(rows, statement_columns(table->statement),
                       statement_columns_len(table->statement));
}

static void assert_same(const struct segment *a, const struct segment *b)
{
    assert_int_equal(a->rows, b->rows);
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->bytes, b->bytes, a->len);
}

// Reads `segment` in steps of `step` rows and encodes what came out as one new segment.
static struct segment *copy_by_reading(const struct table *table, const struct segment *segment,
                                       size_t step)
{
    size_t parts_len = ((size_t)segment->rows + step - 1) / step;
    struct rows rows = {.parts = heap_array(parts_len + 1, sizeof(struct rows_part)),
                        .parts_len = parts_len};
    for (size_t p = 0; p < parts_len; p++) {
        size_t left = (size_t)segment->rows - p * step;
        size_t count = left < step ? left : step;
        struct chunk *chunk = chunk_for(table);
        segment_read(segment, (int64_t)(p * step), count, chunk);
        rows.parts[p] = (struct rows_part){.chunk = chunk, .count = count};
    }
    struct segment *copy = segment_of(table, &rows);
    for (size_t p = 0; p < parts_len; p++)
        chunk_free(rows.parts[p].chunk);
    heap_free(rows.parts);
    return copy;
}

static void test_all_types_come_back(void **state)
{
    (void)state;
    struct table table;
    table_open(&table, ROWS_SQL, 5000);
    struct segment *segment = segment_of(&table, &table.rows);
    assert_int_equal(segment->rows, 5000);
    static const size_t steps[] = {2048, 1, 63, 1000};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        if (steps[i] == 1)
            continue; // below, on fewer rows
        struct segment *copy = copy_by_reading(&table, segment, steps[i]);
        assert_same(segment, copy);
        segment_free(copy);
    }
    segment_free(segment);
    table_close(&table);
    table_open(&table, ROWS_SQL, 70);
    segment = segment_of(&table, &table.rows);
    struct segment *copy = copy_by_reading(&table, segment, 1);
    assert_same(segment, copy);
    segment_free(copy);
    segment_free(segment);
    table_close(&table);
}

// Not only the same as our own reading: DuckDB, which made the rows, finds no difference.
static void test_duckdb_finds_the_same_rows(void **state)
{
    (void)state;
    struct table table;
    struct error err = {0};
    table_open(&table, ROWS_SQL, 4500);
    const struct column *columns = statement_columns(table.statement);
    size_t len = statement_columns_len(table.statement);
    struct segment *written = segment_of(&table, &table.rows);
    struct segment *segment =
        segment_open((struct str){written->bytes, written->len}, true, columns, len, &err);
    assert_non_null(segment);
    struct scan *scan = scan_new(table.connection, "stored", columns, len, false, &err);
    assert_non_null(scan);
    scan_set_segments(scan, (const struct segment *const *)&segment, 1);
    assert_true(connection_execute(table.connection,
                                   "CREATE TABLE stored_rows AS SELECT * FROM stored()", &err));
    AUTO(buf_clear) struct buf sql = {0};
    AUTO(buf_clear) struct buf text = {0};
    bool is_null;
    struct str all = STR(ROWS_SQL);
    buf_print(&sql,
              "SELECT count(*)::VARCHAR || '/' || (SELECT count(*) FROM stored_rows) FROM ((");
    for (size_t i = 0; i < all.len; i++) {
        if (all.ptr[i] == '%' && i + 1 < all.len && all.ptr[i + 1] == 'd') {
            buf_add_cstr(&sql, "4500");
            i++;
        } else {
            buf_add_char(&sql, all.ptr[i]);
        }
    }
    buf_add_cstr(&sql, ") EXCEPT ALL SELECT * FROM stored_rows)");
    if (!connection_query_text(table.connection, buf_cstr(&sql), &text, &is_null, &err))
        fail_msg("%s", err.text);
    assert_string_equal(buf_cstr(&text), "0/4500");
    scan_free(scan);
    segment_free(segment);
    segment_free(written);
    table_close(&table);
}

static void test_selections_take_only_their_rows(void **state)
{
    (void)state;
    struct table table;
    table_open(&table, ROWS_SQL, 3000);
    struct segment *all = segment_of(&table, &table.rows);
    uint16_t odd[ROWS_PER_VECTOR];
    struct rows some = {.parts = heap_array(table.rows.parts_len, sizeof(struct rows_part)),
                        .parts_len = table.rows.parts_len};
    for (size_t i = 0; i < ROWS_PER_VECTOR / 2; i++)
        odd[i] = (uint16_t)(2 * i + 1);
    for (size_t p = 0; p < some.parts_len; p++)
        some.parts[p] = (struct rows_part){.chunk = table.rows.parts[p].chunk,
                                           .selection = odd,
                                           .count = table.rows.parts[p].chunk->rows / 2};
    struct segment *odd_rows = segment_of(&table, &some);
    assert_int_equal(odd_rows->rows, 1500);
    // The same rows, one by one out of the whole.
    struct chunk *chunk = chunk_for(&table), *one = chunk_for(&table);
    for (int64_t i = 0; i < odd_rows->rows; i += 7) {
        segment_read(all, 2 * i + 1, 1, chunk);
        segment_read(odd_rows, i, 1, one);
        struct rows_part left = {.chunk = chunk, .count = 1}, right = {.chunk = one, .count = 1};
        struct segment *a = segment_of(&table, &(struct rows){.parts = &left, .parts_len = 1});
        struct segment *b = segment_of(&table, &(struct rows){.parts = &right, .parts_len = 1});
        assert_same(a, b);
        segment_free(a);
        segment_free(b);
    }
    chunk_free(chunk);
    chunk_free(one);
    heap_free(some.parts);
    segment_free(odd_rows);
    segment_free(all);
    table_close(&table);
}

static void test_no_rows_and_lists_longer_than_a_vector(void **state)
{
    (void)state;
    struct table table;
    struct error err = {0};
    table_open(&table, ROWS_SQL, 0);
    struct segment *none = segment_of(&table, &(struct rows){0});
    assert_int_equal(none->rows, 0);
    struct segment *again = segment_open((struct str){none->bytes, none->len}, true, none->columns,
                                         none->columns_len, &err);
    assert_non_null(again);
    segment_free(again);
    segment_free(none);
    table_close(&table);
    table_open(&table,
               "SELECT [CASE WHEN k % 3 > 0 THEN 'element ' || k END for k in range(i * 900)]"
               " AS long FROM range(%d) t(i)",
               9);
    struct segment *segment = segment_of(&table, &table.rows);
    struct segment *copy = copy_by_reading(&table, segment, 4);
    assert_same(segment, copy);
    segment_free(copy);
    segment_free(segment);
    table_close(&table);
}

static void test_wrong_bytes_are_refused(void **state)
{
    (void)state;
    struct table table;
    struct error err = {0};
    table_open(&table, ROWS_SQL, 40);
    const struct column *columns = statement_columns(table.statement);
    size_t len = statement_columns_len(table.statement);
    struct segment *segment = segment_of(&table, &table.rows);
    struct str bytes = {segment->bytes, segment->len};
    assert_null(segment_open(bytes, true, columns, len - 1, &err));
    assert_null(segment_open(bytes, true, columns + 1, len - 1, &err));
    for (size_t cut = 0; cut < bytes.len; cut++)
        assert_null(segment_open(str_slice(bytes, 0, cut), true, columns, len, &err));
    // Any byte changed: refused, or another value that can be read.
    struct chunk *chunk = chunk_for(&table);
    uint64_t random = 1;
    size_t refused = 0;
    for (size_t at = 0; at < bytes.len; at++) {
        char before = segment->bytes[at];
        segment->bytes[at] = (char)(before ^ (char)(random_next(&random) | 1));
        struct segment *opened = segment_open(bytes, true, columns, len, &err);
        refused += opened == NULL;
        if (opened != NULL && opened->rows > 0)
            segment_read(opened, 0, opened->rows < 40 ? (size_t)opened->rows : 40, chunk);
        segment_free(opened);
        segment->bytes[at] = before;
    }
    assert_true(refused > 200);
    chunk_free(chunk);
    segment_free(segment);
    table_close(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_types_come_back),
        cmocka_unit_test(test_duckdb_finds_the_same_rows),
        cmocka_unit_test(test_selections_take_only_their_rows),
        cmocka_unit_test(test_no_rows_and_lists_longer_than_a_vector),
        cmocka_unit_test(test_wrong_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
