// SPDX-License-Identifier: MIT
// Files as a sink with replace_by: values of the run are replaced, others stay; a crash at any step
// is cured by the next run and never hides or halves a value's file.
#include "connector_case.h"

#define OPTIONS "path={root}/out;format=json;partition_by=day;mode=replace;replace_by=hour"

// One run; each query is a delivery of its own.
static bool run(const char *options, const char *const *queries, size_t len, struct error *err)
{
    struct segment *segments[64];
    struct column *columns = NULL;
    size_t columns_len;
    const struct sink_type *type = sink_type_find(STR("files"));
    struct sink *sink = NULL;
    bool ok = true;
    for (size_t q = 0; ok && q < len; q++) {
        size_t count =
            segments_of(queries[q], segments, COUNT_OF(segments), &columns, &columns_len);
        struct delivery delivery = {.epoch = q + 1,
                                    .segments = (const struct segment *const *)segments,
                                    .segments_len = count};
        for (size_t i = 0; i < count; i++)
            delivery.rows += segments[i]->rows;
        struct sink_context context = {.pipeline = STR("p"),
                                       .name = STR("s"),
                                       .checkpoint = STR("0123abcd-0000-4000-8000-000000000001"),
                                       .execution = EXECUTION_BATCH,
                                       .clock = &clock_system,
                                       .columns = columns,
                                       .columns_len = columns_len,
                                       .database = database};
        if (sink == NULL)
            sink = sink_open("files", options, &context, err);
        ok = sink != NULL && type->deliver(sink, &delivery, err);
        for (size_t i = 0; i < count; i++)
            segment_free(segments[i]);
    }
    ok = ok && type->finish(sink, err);
    if (sink != NULL)
        type->close(sink);
    return ok;
}

static bool run_one(const char *query, struct error *err)
{
    return run(OPTIONS, &query, 1, err);
}

static const char *content(const char *name)
{
    struct error err = {0};
    AUTO(buf_clear) struct buf text = {0};
    if (!path_exists(at(name)))
        return "(none)";
    CHECK(file_read_whole(at(name), &text, &err));
    return arena_cstr(&case_arena, buf_str(&text));
}

static void other_values_stay(void **state)
{
    (void)state;
    struct error err = {0};
    CHECK(run_one("SELECT * FROM (VALUES (1, 'a', '10'), (2, 'a', '11'), (3, 'b', '11')) t(x, day, "
                  "_replace_by)",
                  &err));
    assert_string_equal(content("out/day=a/part-10.json"), "{\"x\":1}\n");
    // Hour 11 has no row in folder b any more, and one in a new folder.
    CHECK(run_one("SELECT * FROM (VALUES (4, 'a', '11'), (5, 'c', '11')) t(x, day, _replace_by)",
                  &err));
    assert_string_equal(content("out/day=a/part-10.json"), "{\"x\":1}\n");
    assert_string_equal(content("out/day=a/part-11.json"), "{\"x\":4}\n");
    assert_string_equal(content("out/day=b/part-11.json"), "(none)");
    assert_string_equal(content("out/day=c/part-11.json"), "{\"x\":5}\n");
    assert_true(path_exists(at("out/day=a/_SUCCESS")));
    assert_true(path_exists(at("out/day=c/_SUCCESS")));
}

static void nothing_read_replaces_nothing(void **state)
{
    (void)state;
    struct error err = {0};
    CHECK(run_one("SELECT 1 AS x, 'a' AS day, '10' AS _replace_by", &err));
    CHECK(run_one("SELECT 1 AS x, 'a' AS day, '10' AS _replace_by WHERE false", &err));
    assert_string_equal(content("out/day=a/part-10.json"), "{\"x\":1}\n");
}

// Hour 10 was read and has no row any more, 11 was not read.
static void what_a_query_names_goes(void **state)
{
    (void)state;
    struct error err = {0};
    const char *rows =
        "SELECT 1 AS x, 'a' AS day, '1:0' AS _replace_by UNION ALL SELECT 2, 'a', '11'";
    const char *none = "SELECT 1 AS x, 'a' AS day, '1:0' AS _replace_by WHERE false";
    CHECK(run_one(rows, &err));
    assert_string_equal(content("out/day=a/part-1%3A0.json"), "{\"x\":1}\n");
    CHECK(run(OPTIONS ";replaces=SELECT '1:' || 0 UNION ALL SELECT NULL", &none, 1, &err));
    assert_string_equal(content("out/day=a/part-1%3A0.json"), "(none)");
    assert_string_equal(content("out/day=a/part-11.json"), "{\"x\":2}\n");
    assert_true(path_exists(at("out/day=a/_SUCCESS")));
    assert_false(run(OPTIONS ";replaces=SELECT x FROM nowhere", &none, 1, &err));
    assert_non_null(strstr(err.text, "option replaces"));
}

static void deliveries_become_one_file(void **state)
{
    (void)state;
    struct error err = {0};
    static const char *const queries[] = {
        "SELECT 1 AS x, 'a' AS day, '10' AS _replace_by",
        "SELECT * FROM (VALUES (2, 'a', '10'), (3, 'a', '11')) t(x, day, _replace_by)",
        "SELECT 4 AS x, 'a' AS day, '10' AS _replace_by",
    };
    CHECK(run(OPTIONS, queries, COUNT_OF(queries), &err));
    assert_string_equal(content("out/day=a/part-10.json"), "{\"x\":1}\n{\"x\":2}\n{\"x\":4}\n");
    assert_string_equal(content("out/day=a/part-11.json"), "{\"x\":3}\n");
    CHECK(run("path={root}/csv;format=csv;mode=replace;replace_by=hour", queries, 3, &err));
    assert_string_equal(content("csv/part-10.csv"), "x,day\n1,a\n2,a\n4,a\n");
    CHECK(
        run("path={root}/parquet;partition_by=day;mode=replace;replace_by=hour", queries, 3, &err));
    AUTO(buf_clear) struct buf text = {0};
    query(&text,
          arena_print(&case_arena, "SELECT string_agg(x, ',' ORDER BY x) FROM read_parquet('%s')",
                      at("parquet/day=a/part-10.snappy.parquet"))
              .ptr);
    assert_string_equal(buf_cstr(&text), "1,2,4");
}

static void a_crash_hides_nothing(void **state)
{
    (void)state;
    struct error err = {0};
    const char *first =
        "SELECT * FROM (VALUES (1, 'a', '10'), (2, 'b', '10')) t(x, day, _replace_by)";
    const char *second =
        "SELECT * FROM (VALUES (3, 'a', '10'), (4, 'b', '10')) t(x, day, _replace_by)";
    bool is_over = false;
    int64_t step = 0;
    while (!is_over && step < 200) {
        failpoint_disarm();
        CHECK(run_one(first, &err));
        failpoint_crash_at_step(++step);
        is_over = run_one(second, &err);
        failpoint_disarm();
        error_clear(&err);
        const char *a = content("out/day=a/part-10.json"), *b = content("out/day=b/part-10.json");
        assert_true(strcmp(a, "{\"x\":1}\n") == 0 || strcmp(a, "{\"x\":3}\n") == 0);
        assert_true(strcmp(b, "{\"x\":2}\n") == 0 || strcmp(b, "{\"x\":4}\n") == 0);
        CHECK(run_one(second, &err));
        assert_string_equal(content("out/day=a/part-10.json"), "{\"x\":3}\n");
        assert_string_equal(content("out/day=b/part-10.json"), "{\"x\":4}\n");
        assert_false(path_exists(at("out/.staging-p.s")));
    }
    assert_true(is_over);
    assert_true(step > 8);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *options, *word;
    } wrong[] = {
        {"path={root}/out;mode=append;replace_by=hour", "mode = 'replace'"},
        {"path={root}/out;mode=replace;replace_by=hour;name=x", "leave name out"},
        {"path={root}/out;mode=replace;replaces=SELECT 1", "goes with replace_by"},
        {"path={root}/out;mode=replace;partition_by=_replace_by;replace_by=hour", "twice"},
    };
    const char *rows = "SELECT 1 AS x, 'a' AS day, '10' AS _replace_by";
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct error err = {0};
        assert_false(run(wrong[i].options, &rows, 1, &err));
        assert_int_equal(err.kind, ERROR_USER);
        if (strstr(err.text, wrong[i].word) == NULL)
            fail_msg("%s: %s", wrong[i].options, err.text);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, case_begin, case_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(other_values_stay),          TEST(nothing_read_replaces_nothing),
        TEST(deliveries_become_one_file), TEST(a_crash_hides_nothing),
        TEST(wrong_options_are_refused),  TEST(what_a_query_names_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
