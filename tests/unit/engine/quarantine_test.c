// SPDX-License-Identifier: MIT
// Quarantine: what goes in comes out of the Parquet file once, in the input's order, whatever crash
// comes in between.
#include "base/failpoint.h"
#include "base/file.h"
#include "engine/quarantine.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UUID "0a1b2c3d-0000-4000-8000-000000000000"
static char folder[256];

static int setup(void **state)
{
    (void)state;
    struct error err = {0};
    snprintf(folder, sizeof(folder), "%s/firesteel-quarantine-%d",
             getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp", (int)getpid());
    return folder_remove_tree(folder, &err) ? 0 : 1;
}

static int teardown(void **state)
{
    (void)state;
    struct error err = {0};
    failpoint_disarm();
    return folder_remove_tree(folder, &err) ? 0 : 1;
}

static void query(struct database *database, const char *expected, const char *format, ...)
{
    char sql[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sql, sizeof(sql), format, arguments);
    va_end(arguments);
    struct error err = {0};
    bool is_null;
    AUTO(buf_clear) struct buf text = {0};
    struct connection *connection = connection_open(database, &err);
    assert_non_null(connection);
    if (!connection_query_text(connection, sql, &text, &is_null, &err))
        fail_msg("%s: %s", sql, err.text);
    assert_string_equal(is_null ? "NULL" : buf_cstr(&text), expected);
    connection_close(connection);
}

static void add(struct quarantine *quarantine, const char *partition, int64_t offset)
{
    struct str reasons[] = {STR("has_id"), STR("a reason longer than twelve bytes")};
    char raw[64];
    int len = snprintf(raw, sizeof(raw), "{\"bad\": \"%s\", \"at\": %d", partition, (int)offset);
    quarantine_add(quarantine, (struct str){raw, (size_t)len}, STR("events"), str_of(partition),
                   offset, 1705314600000000, reasons, (size_t)(offset % 3 == 0 ? 2 : 1));
}

static struct database *open_database(void)
{
    struct error err = {0};
    struct database *database = database_open((struct database_options){.threads = 1}, &err);
    assert_non_null(database);
    return database;
}

static void test_rows_come_back_in_order(void **state)
{
    (void)state;
    struct error err = {0};
    struct quarantine *first = quarantine_new(), *second = quarantine_new();
    for (int64_t i = 4999; i >= 0; i--)
        add(i % 2 == 0 ? first : second, i < 2500 ? "a" : "b", i);
    quarantine_move(first, second);
    assert_int_equal(quarantine_rows(second), 0);
    assert_int_equal(quarantine_rows(first), 5000);
    struct segment *segment = quarantine_take_segment(first, 7);
    assert_non_null(segment);
    assert_int_equal(quarantine_rows(first), 0);
    assert_null(quarantine_take_segment(first, 8));
    // As from a frame.
    struct segment *again =
        quarantine_open_segment((struct str){segment->bytes, segment->len}, &err);
    assert_non_null(again);
    struct database *database = open_database();
    struct quarantine_writer *writer = quarantine_writer_new(database, &err);
    assert_non_null(writer);
    assert_true(quarantine_write(writer, folder, UUID, 7, again, &err));
    const char *from = "FROM read_parquet('%s/part-0a1b2c3d-000000000007.parquet')";
    char sql[512];
    snprintf(sql, sizeof(sql),
             "SELECT count(*) || ' ' || sum(\"offset\") || ' ' || "
             "count(topic) || ' ' || min(epoch) || ' ' || max(epoch) %s",
             from);
    query(database, "5000 12497500 0 7 7", sql, folder);
    snprintf(sql, sizeof(sql), "SELECT list(\"offset\") = range(5000) FROM (SELECT \"offset\" %s)",
             from);
    query(database, "true", sql, folder);
    snprintf(sql, sizeof(sql),
             "SELECT decode(raw) || source || \"partition\" || \"at\"::VARCHAR || "
             "reasons::VARCHAR %s WHERE \"offset\" = 3000",
             from);
    query(database,
          "{\"bad\": \"b\", \"at\": 3000eventsb2024-01-15 10:30:00"
          "[has_id, a reason longer than twelve bytes]",
          sql, folder);
    quarantine_writer_free(writer);
    database_close(database);
    segment_free(segment);
    segment_free(again);
    quarantine_free(first);
    quarantine_free(second);
}

static void test_each_crash_leaves_each_row_once(void **state)
{
    (void)state;
    struct error err = {0};
    struct database *database = open_database();
    struct quarantine_writer *writer = quarantine_writer_new(database, &err);
    assert_non_null(writer);
    struct quarantine *quarantine = quarantine_new();
    add(quarantine, "a", 1);
    struct segment *segment = quarantine_take_segment(quarantine, 1);
    bool is_done = false;
    for (int64_t step = 1; !is_done; step++) {
        assert_true(folder_remove_tree(folder, &err));
        failpoint_crash_at_step(step);
        is_done = quarantine_write(writer, folder, UUID, 1, segment, &err);
        assert_true(is_done || step < 12);
        failpoint_disarm();
        assert_true(quarantine_write(writer, folder, UUID, 1, segment, &err));
        query(database, "1", "SELECT count(*) FROM read_parquet('%s/*.parquet')", folder);
    }
    segment_free(segment);
    quarantine_free(quarantine);
    quarantine_writer_free(writer);
    database_close(database);
}

static void test_list_is_in_order_of_epochs(void **state)
{
    (void)state;
    struct error err = {0};
    AUTO(arena_clear) struct arena arena = {0};
    struct str *paths;
    size_t len;
    assert_true(quarantine_list(folder, true, &arena, &paths, &len, &err));
    assert_int_equal(len, 0);
    struct database *database = open_database();
    struct quarantine_writer *writer = quarantine_writer_new(database, &err);
    struct quarantine *quarantine = quarantine_new();
    static const uint64_t epochs[] = {10, 9, 100};
    for (size_t i = 0; i < COUNT_OF(epochs); i++) {
        add(quarantine, "a", 1);
        struct segment *segment = quarantine_take_segment(quarantine, epochs[i]);
        assert_true(quarantine_write(writer, folder, UUID, epochs[i], segment, &err));
        segment_free(segment);
    }
    assert_true(quarantine_list(folder, true, &arena, &paths, &len, &err));
    assert_int_equal(len, 3);
    assert_true(str_ends(paths[0], "000009.parquet"));
    assert_true(str_ends(paths[1], "000010.parquet"));
    assert_true(str_ends(paths[2], "000100.parquet"));
    quarantine_free(quarantine);
    quarantine_writer_free(writer);
    database_close(database);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows_come_back_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_each_crash_leaves_each_row_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_is_in_order_of_epochs, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
