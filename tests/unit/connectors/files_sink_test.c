// SPDX-License-Identifier: MIT
// Files as a sink beyond the contract: names and folders, text formats byte by byte, Parquet types,
// rolling, replacing the last run's output, and what is refused.
#include "connector_case.h"
#include "connectors/files/listing.h"
#include "connectors/files/naming.h"

#define CHECKPOINT "0123abcd-0000-4000-8000-000000000001"

static struct sink_context context_of(const struct column *columns, size_t columns_len,
                                      enum execution execution)
{
    return (struct sink_context){.pipeline = STR("p"),
                                 .name = STR("s"),
                                 .checkpoint = STR(CHECKPOINT),
                                 .execution = execution,
                                 .clock = &clock_system,
                                 .columns = columns,
                                 .columns_len = columns_len,
                                 .database = database};
}

// Delivers the rows of the query as one epoch; in batch also finishes.
static bool write_rows(const char *options, const char *sql, uint64_t epoch,
                       enum execution execution, struct error *err)
{
    struct segment *segments[64];
    struct column *columns = NULL;
    size_t columns_len;
    size_t len = segments_of(sql, segments, COUNT_OF(segments), &columns, &columns_len);
    struct delivery delivery = {
        .epoch = epoch, .segments = (const struct segment *const *)segments, .segments_len = len};
    for (size_t i = 0; i < len; i++)
        delivery.rows += segments[i]->rows;
    struct sink_context context = context_of(columns, columns_len, execution);
    struct sink *sink = sink_open("files", options, &context, err);
    const struct sink_type *type = sink_type_find(STR("files"));
    bool is_done = sink != NULL && type->deliver(sink, &delivery, err) &&
                   (execution != EXECUTION_BATCH || type->finish(sink, err));
    if (sink != NULL)
        type->close(sink);
    for (size_t i = 0; i < len; i++)
        segment_free(segments[i]);
    return is_done;
}

// "path path .." below the output folder, hidden and bookkeeping files left out.
static const char *listing(void)
{
    struct error err = {0};
    struct listed *files;
    size_t len;
    struct str text = {"", 0};
    CHECK(listing_make(STR("out"), root, &case_arena, &files, &len, &err));
    for (size_t i = 0; i < len; i++)
        text = arena_print(&case_arena, "%.*s%s%.*s", STR_ARGS(text), i > 0 ? " " : "",
                           (int)files[i].path.len - 4, files[i].path.ptr + 4);
    return arena_cstr(&case_arena, text);
}

static const char *content(const char *name)
{
    struct error err = {0};
    AUTO(buf_clear) struct buf text = {0};
    CHECK(file_read_whole(at(name), &text, &err));
    return arena_cstr(&case_arena, buf_str(&text));
}

static void folders_are_named_as_spark_does(void **state)
{
    (void)state;
    struct error err = {0};
    CHECK(write_rows("path={root}/out;format=json;partition_by=kind, window_start",
                     "SELECT * FROM (VALUES (1, 'a/../b', TIMESTAMP '2024-01-15 10:30:00'), "
                     "(2, NULL, TIMESTAMP '2024-01-15 10:31:00'), (3, '', NULL), "
                     "(4, '..', TIMESTAMP '2024-01-15 10:30:00.5'), "
                     "(5, 'a/../b', TIMESTAMP '2024-01-15 10:30:00'), "
                     "(6, 'x=y%', TIMESTAMP '2024-01-15 10:30:00')) t(id, kind, window_start)",
                     7, EXECUTION_STREAM, &err));
    assert_string_equal(
        listing(),
        "kind=../window_start=2024-01-15 10%3A30%3A00.5/part-00003-0123abcd-7.json "
        "kind=__HIVE_DEFAULT_PARTITION__/window_start=2024-01-15 10%3A31%3A00/"
        "part-00001-0123abcd-7.json "
        "kind=__HIVE_DEFAULT_PARTITION__/window_start=__HIVE_DEFAULT_PARTITION__/"
        "part-00002-0123abcd-7.json "
        "kind=a%2F..%2Fb/window_start=2024-01-15 10%3A30%3A00/part-00000-0123abcd-7.json "
        "kind=x%3Dy%25/window_start=2024-01-15 10%3A30%3A00/part-00004-0123abcd-7.json");
    assert_string_equal(content("out/kind=a%2F..%2Fb/window_start=2024-01-15 10%3A30%3A00/"
                                "part-00000-0123abcd-7.json"),
                        "{\"id\":1}\n{\"id\":5}\n");
}

static void text_formats_byte_by_byte(void **state)
{
    (void)state;
    struct error err = {0};
    const char *sql = "SELECT * FROM (VALUES (1, 'a,\"b'), (2, NULL)) t(id, \"na,me\")";
    CHECK(write_rows("path={root}/out;format=csv;name=x{sequence}-{epoch}-{checkpoint}", sql, 1,
                     EXECUTION_STREAM, &err));
    assert_string_equal(content("out/x00000-1-" CHECKPOINT), "id,\"na,me\"\n1,\"a,\"\"b\"\n2,\n");
    CHECK(write_rows("path={root}/out;format=lines;", "SELECT * FROM (VALUES ('a\nb'), ('c')) t(x)",
                     2, EXECUTION_STREAM, &err));
    assert_string_equal(content("out/part-00000-0123abcd-2.txt"), "a b\nc\n");
}

static void parquet_is_what_spark_reads(void **state)
{
    (void)state;
    struct error err = {0};
    AUTO(buf_clear) struct buf text = {0};
    CHECK(write_rows("path={root}/out;partition_by=p",
                     "SELECT TIMESTAMP '2024-01-15 10:30:00.123456' AS ts, 12345678901234567890::"
                     "HUGEINT AS h, {'t': TIMESTAMP '2024-01-15 10:30:00', 'l': [1, 2]} AS s, 1 AS "
                     "p, [TIMESTAMP '2024-01-15 10:30:00'] AS l",
                     3, EXECUTION_STREAM, &err));
    const char *file = arena_print(&case_arena,
                                   "FROM read_parquet('%s/out/p=1/"
                                   "part-00000-0123abcd-3.snappy.parquet', hive_partitioning = "
                                   "false)",
                                   root)
                           .ptr;
    query(&text, arena_print(&case_arena,
                             "SELECT string_agg(column_name || ' ' || column_type, ', ') FROM "
                             "(DESCRIBE SELECT * %s)",
                             file)
                     .ptr);
    assert_string_equal(buf_cstr(&text), "ts TIMESTAMP WITH TIME ZONE, h DECIMAL(38,0), s "
                                         "STRUCT(t TIMESTAMP WITH TIME ZONE, l INTEGER[]), l "
                                         "TIMESTAMP WITH TIME ZONE[]");
    query(&text, arena_print(&case_arena,
                             "SELECT ts::TIMESTAMP || '|' || h || '|' || s.t::TIMESTAMP %s", file)
                     .ptr);
    assert_string_equal(buf_cstr(&text),
                        "2024-01-15 10:30:00.123456|12345678901234567890|2024-01-15 10:30:00");
}

static void big_parts_become_several_files(void **state)
{
    (void)state;
    struct error err = {0};
    AUTO(buf_clear) struct buf text = {0};
    CHECK(write_rows("path={root}/out;roll_rows=3000;partition_by=p",
                     "SELECT i, i // 9000 AS p FROM range(10000) t(i)", 1, EXECUTION_STREAM, &err));
    query(&text, arena_print(
                     &case_arena,
                     "SELECT string_agg(n || ' ' || a || '-' || b, ', ' ORDER BY a) FROM "
                     "(SELECT count(*) n, min(i) a, max(i) b, bool_and(file_row_number + "
                     "i0 = i) FROM (SELECT *, min(i) OVER (PARTITION BY filename) i0 FROM "
                     "read_parquet('%s/out/*/*.parquet', filename = true, file_row_number = true)) "
                     "GROUP BY filename)",
                     root)
                     .ptr);
    assert_string_equal(buf_cstr(&text),
                        "3000 0-2999, 3000 3000-5999, 3000 6000-8999, 1000 9000-9999");
}

static void rolling_decides_when(void **state)
{
    (void)state;
    struct error err = {0};
    struct column column = {STR("x"), type_of("VARCHAR")};
    struct sink_context context = context_of(&column, 1, EXECUTION_STREAM);
    struct sink *sink = sink_open(
        "files", "path={root}/out;roll_rows=10;roll_bytes=1000;roll_age=1 s", &context, &err);
    CHECK(sink != NULL);
    static const struct {
        struct pending pending;
        bool expected;
    } tries[] = {
        {{.rows = 0, .is_end = true, .is_closed = true, .age_us = 1 << 30}, false},
        {{.rows = 9, .bytes = 999, .age_us = 999999}, false},
        {{.rows = 10}, true},
        {{.rows = 1, .bytes = 1000}, true},
        {{.rows = 1, .age_us = 1000000}, true},
        {{.rows = 1, .is_closed = true}, true},
        {{.rows = 1, .is_end = true}, true},
    };
    for (size_t i = 0; i < COUNT_OF(tries); i++)
        assert_int_equal(sink_type_find(STR("files"))->should_deliver(sink, &tries[i].pending),
                         tries[i].expected);
    sink_type_find(STR("files"))->close(sink);
}

// Whatever step a batch run dies at, the next run leaves exactly its own files.
static void replace_survives_every_crash(void **state)
{
    (void)state;
    const char *options = "path={root}/out;format=json;partition_by=p";
    const char *first = "SELECT i, i AS p FROM range(4) t(i)";
    const char *second = "SELECT i + 100 AS i, i AS p FROM range(2, 5) t(i)";
    const char *third = "SELECT i, i AS p FROM range(3, 7, 3) t(i)"; // not the names of the second
    int64_t step = 0;
    for (bool is_over = false; !is_over;) {
        struct error err = {0};
        CHECK(folder_remove_tree(at("out"), &err));
        CHECK(write_rows(options, first, 1, EXECUTION_BATCH, &err));
        assert_true(path_exists(at("out/_SUCCESS")));
        write_text("out/p=0/foreign.json", STR("{\"i\":-1}\n"));
        failpoint_crash_at_step(++step);
        is_over = write_rows(options, second, 1, EXECUTION_BATCH, &err);
        failpoint_disarm();
        CHECK(write_rows(options, third, 1, EXECUTION_BATCH, &err));
        assert_string_equal(listing(), "p=0/foreign.json p=3/part-00000-0123abcd-1.json "
                                       "p=6/part-00001-0123abcd-1.json");
        assert_string_equal(content("out/p=3/part-00000-0123abcd-1.json"), "{\"i\":3}\n");
        assert_true(path_exists(at("out/_SUCCESS")));
        assert_false(path_exists(at("out/.staging-p.s")));
    }
    assert_true(step > 10);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *options, *word;
    } wrong[] = {
        {"path={root}/out;partition_by=nope", "the columns are x, y"},
        {"path={root}/out;partition_by=x, y", "nothing is left"},
        {"path={root}/out;partition_by=x, X", "twice"},
        {"path={root}/out;format=lines", "exactly one VARCHAR"},
        {"path={root}/out;name=result.parquet", "{sequence}"},
        {"path={root}/out;name={sequence}{epoch}{checkpoint8}{when}", "are known"},
        {"path={root}/out;name=../{sequence}{epoch}{checkpoint8}", "begin with"},
        {"path={root}/out;name=a/{sequence}{epoch}{checkpoint8}", "'/'"},
        {"path={root}/out;compression=rar", "snappy"},
        {"path={root}/out;format=csv;compression=gzip", "parquet"},
        {"path={root}/out;mode=replace", "batch"},
        {"path=s3://", "names no bucket"},
        {"format=json", "path"},
    };
    struct column columns[] = {{STR("x"), type_of("INTEGER")}, {STR("y"), type_of("VARCHAR")}};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct error err = {0};
        struct sink_context context = context_of(columns, 2, EXECUTION_STREAM);
        assert_null(sink_open("files", wrong[i].options, &context, &err));
        assert_int_equal(err.kind, ERROR_USER);
        if (strstr(err.text, wrong[i].word) == NULL)
            fail_msg("%s: %s", wrong[i].options, err.text);
    }
}

static void too_many_folders_are_an_error(void **state)
{
    (void)state;
    struct error err = {0};
    assert_false(write_rows("path={root}/out;format=json;partition_by=p;partitions_max=10",
                            "SELECT i, i AS p FROM range(11) t(i)", 1, EXECUTION_STREAM, &err));
    assert_int_equal(err.kind, ERROR_DATA);
    assert_non_null(strstr(err.text, "column p"));
    assert_string_equal(listing(), "");
}

static void names_are_read_back(void **state)
{
    (void)state;
    struct str pattern = STR("part-{sequence}-{checkpoint8}-{epoch}.json");
    AUTO(buf_clear) struct buf name = {0};
    uint64_t epoch;
    name_print(&name, pattern, STR(CHECKPOINT), UINT64_C(123456789012), 4);
    assert_string_equal(buf_cstr(&name), "part-00004-0123abcd-123456789012.json");
    assert_true(name_parse(buf_str(&name), pattern, STR(CHECKPOINT), &epoch));
    assert_int_equal(epoch, UINT64_C(123456789012));
    static const char *const others[] = {"part-00004-0123abce-1.json",
                                         "part-00004-0123abcd-.json",
                                         "part-00004-0123abcd-1.jsonx",
                                         "part-x-0123abcd-1.json",
                                         "part-00004-0123abcd-99999999999999999999.json",
                                         ""};
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_false(name_parse(str_of(others[i]), pattern, STR(CHECKPOINT), &epoch));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, case_begin, case_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(folders_are_named_as_spark_does),
        TEST(text_formats_byte_by_byte),
        TEST(parquet_is_what_spark_reads),
        TEST(big_parts_become_several_files),
        TEST(rolling_decides_when),
        TEST(replace_survives_every_crash),
        TEST(wrong_options_are_refused),
        TEST(too_many_folders_are_an_error),
        TEST(names_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
