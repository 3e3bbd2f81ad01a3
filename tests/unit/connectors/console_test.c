// SPDX-License-Identifier: MIT
// The console sink's output, byte by byte.
#include "connector_case.h"
#include <fcntl.h>

// What the sink prints for the rows of the query.
static const char *printed(const char *options, const char *sql)
{
    struct error err = {0};
    struct segment *segments[4];
    struct column *columns = NULL;
    size_t columns_len;
    size_t len = segments_of(sql, segments, COUNT_OF(segments), &columns, &columns_len);
    struct sink_context context = {.name = STR("screen"),
                                   .clock = &clock_system,
                                   .columns = columns,
                                   .columns_len = columns_len};
    struct sink *sink = sink_open("console", options, &context, &err);
    CHECK(sink != NULL);
    struct delivery delivery = {
        .epoch = 3, .segments = (const struct segment *const *)segments, .segments_len = len};
    for (size_t i = 0; i < len; i++)
        delivery.rows += segments[i]->rows;
    fflush(stdout);
    int screen = dup(STDOUT_FILENO);
    int file = open(at("screen"), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    dup2(file, STDOUT_FILENO);
    bool is_done = sink_type_find(STR("console"))->deliver(sink, &delivery, &err);
    dup2(screen, STDOUT_FILENO);
    close(file);
    close(screen);
    CHECK(is_done);
    sink_type_find(STR("console"))->close(sink);
    for (size_t i = 0; i < len; i++)
        segment_free(segments[i]);
    AUTO(buf_clear) struct buf text = {0};
    CHECK(file_read_whole(at("screen"), &text, &err));
    return arena_cstr(&case_arena, buf_str(&text));
}

static void table_looks_like_sparks(void **state)
{
    (void)state;
    assert_string_equal(printed("rows=2",
                                "SELECT * FROM (VALUES (1, 'é', TIMESTAMP '2024-01-15 10:30:00'), "
                                "(22222, E'a\\nb\\033', NULL), (3, 'c', NULL)) t(i, text, t)"),
                        "-------------------------------------------\n"
                        "Batch: 3\n"
                        "-------------------------------------------\n"
                        "+-----+--------+-------------------+\n"
                        "|i    |text    |t                  |\n"
                        "+-----+--------+-------------------+\n"
                        "|1    |é       |2024-01-15 10:30:00|\n"
                        "|22222|a\\nb\\x1b|NULL               |\n"
                        "+-----+--------+-------------------+\n"
                        "only showing top 2 rows\n\n");
}

static void truncated_values_align_right(void **state)
{
    (void)state;
    assert_string_equal(
        printed("truncate=true", "SELECT 1 AS i, 'abcdefghijklmnopqrstuvwxyz' AS s"),
        "-------------------------------------------\n"
        "Batch: 3\n"
        "-------------------------------------------\n"
        "+---+--------------------+\n"
        "|  i|                   s|\n"
        "+---+--------------------+\n"
        "|  1|abcdefghijklmnopq...|\n"
        "+---+--------------------+\n\n");
}

static void json_prints_every_row(void **state)
{
    (void)state;
    assert_string_equal(printed("format=json;rows=1", "SELECT i, NULL::VARCHAR AS n FROM range(3) "
                                                      "t(i)"),
                        "{\"i\":0,\"n\":null}\n{\"i\":1,\"n\":null}\n{\"i\":2,\"n\":null}\n");
}

static void nothing_prints_nothing(void **state)
{
    (void)state;
    assert_string_equal(printed("", "SELECT 1 AS i WHERE false"), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, case_begin, case_end)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(table_looks_like_sparks),
                                       TEST(truncated_values_align_right),
                                       TEST(json_prints_every_row), TEST(nothing_prints_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
