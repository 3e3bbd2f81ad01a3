// SPDX-License-Identifier: MIT
// Files as a source beyond the contract: growing folders, files that change, long lines, patterns.
#include "connector_case.h"
#include "connectors/files/listing.h"
#include <fcntl.h>
#include <sys/stat.h>

static struct clock clock_fake;

static struct source *open_files(const char *options, const char *format, enum execution execution,
                                 struct error *err)
{
    struct source_context context = {.name = STR("events"),
                                     .execution = execution,
                                     .clock = &clock_fake,
                                     .format = str_of(format)};
    clock_fake.simulated = true;
    return source_open("files", options, &context, err);
}

// One read; its payloads joined with '|'.
static enum read_state read_text(struct source *source, size_t bytes_max, struct buf *out)
{
    struct error err = {0};
    struct batch *batch = batch_new();
    enum read_state state;
    const struct source_type *type = source_type_find(STR("files"));
    CHECK(type->read(source, batch, 1000, bytes_max, &state, &err));
    buf_reset(out);
    for (size_t i = 0; i < batch->rows; i++)
        buf_print(out, "%s%lld:%.*s", i > 0 ? "|" : "", (long long)batch->offsets[i],
                  (int)batch->payloads[i].len, batch->payloads[i].ptr);
    batch_free(batch);
    return state;
}

static void close_files(struct source *source)
{
    source_type_find(STR("files"))->close(source);
}

static void growing_folder_is_followed(void **state)
{
    (void)state;
    struct error err = {0};
    AUTO(buf_clear) struct buf rows = {0};
    clock_fake.now_us = 0;
    struct source *source =
        open_files("path={root}/in/*.jsonl;settle=2 seconds", "json", EXECUTION_STREAM, &err);
    CHECK(source != NULL);
    assert_int_equal(read_text(source, 1 << 20, &rows), READ_IDLE); // not even the folder is there
    write_text("in/b.jsonl", STR("{}\n"));
    write_text("in/a.jsonl", STR("[1]\n"));
    assert_int_equal(read_text(source, 1 << 20, &rows), READ_IDLE); // too fresh
    clock_fake.now_us += 1 * US_PER_SECOND;
    write_text("in/b.jsonl", STR("{}\n{}\n")); // still growing: waits on
    assert_int_equal(read_text(source, 1 << 20, &rows), READ_IDLE);
    clock_fake.now_us += 1 * US_PER_SECOND;
    assert_int_equal(read_text(source, 1 << 20, &rows), READ_ROWS);
    assert_string_equal(buf_cstr(&rows), "1:[1]");
    clock_fake.now_us += 1 * US_PER_SECOND;
    assert_int_equal(read_text(source, 1 << 20, &rows), READ_ROWS);
    assert_string_equal(buf_cstr(&rows), "1:{}|2:{}");
    assert_int_equal(read_text(source, 1 << 20, &rows), READ_IDLE);
    close_files(source);
}

struct standing {
    struct partition partitions[4];
    size_t len;
};

// Reads some rows of what is there and returns where it stands.
static void stand(struct standing *standing, size_t rows_max)
{
    struct error err = {0};
    const struct source_type *type = source_type_find(STR("files"));
    struct source *source = open_files("path={root}/in", "json", EXECUTION_ONCE, &err);
    struct batch *batch = batch_new();
    enum read_state read_state;
    CHECK(type->read(source, batch, rows_max, 1 << 20, &read_state, &err));
    const struct partition *partitions;
    CHECK(type->list(source, &partitions, &standing->len, &err));
    for (size_t i = 0; i < standing->len; i++) {
        standing->partitions[i] = partitions[i];
        standing->partitions[i].name = arena_str(&case_arena, partitions[i].name);
        standing->partitions[i].mark = arena_str(&case_arena, partitions[i].mark);
    }
    batch_free(batch);
    close_files(source);
}

static bool resume(const struct standing *standing, struct buf *rows, struct error *err)
{
    const struct source_type *type = source_type_find(STR("files"));
    struct source *source = open_files("path={root}/in", "json", EXECUTION_ONCE, err);
    bool is_done = type->seek(source, standing->partitions, standing->len, err);
    if (is_done)
        read_text(source, 1 << 20, rows);
    close_files(source);
    return is_done;
}

static void age(const char *name, int seconds)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000000 + seconds}};
    assert_int_equal(utimensat(AT_FDCWD, at(name), times, 0), 0);
}

static void changed_files_are_refused(void **state)
{
    (void)state;
    AUTO(buf_clear) struct buf rows = {0};
    struct error err = {0};
    struct standing standing;
    write_text("in/a", STR("1\n2\n3\n4\n"));
    age("in/a", 0);
    stand(&standing, 2);
    CHECK(resume(&standing, &rows, &err));
    assert_string_equal(buf_cstr(&rows), "3:3|4:4");

    write_text("in/a", STR("1\n"));
    assert_false(resume(&standing, &rows, &err));
    assert_int_equal(error_exit_code(&err), EXIT_REFUSED);
    assert_non_null(strstr(err.text, "in/a is shorter"));

    write_text("in/a", STR("5\n6\n7\n8\n")); // same size, other content
    age("in/a", 7);
    assert_false(resume(&standing, &rows, &err));
    assert_int_equal(error_exit_code(&err), EXIT_REFUSED);
    assert_non_null(strstr(err.text, "in/a was changed"));

    CHECK(file_remove(at("in/a"), &err));
    assert_false(resume(&standing, &rows, &err));
    assert_int_equal(error_exit_code(&err), EXIT_REFUSED);
    assert_non_null(strstr(err.text, "is gone"));
}

static void done_files_may_go(void **state)
{
    (void)state;
    AUTO(buf_clear) struct buf rows = {0};
    struct error err = {0};
    struct standing standing;
    write_text("in/a", STR("1\n"));
    stand(&standing, 10);
    CHECK(file_remove(at("in/a"), &err));
    write_text("in/b", STR("2\n"));
    CHECK(resume(&standing, &rows, &err));
    assert_string_equal(buf_cstr(&rows), "1:2");
}

static void long_lines_come_whole(void **state)
{
    (void)state;
    struct error err = {0};
    AUTO(buf_clear) struct buf text = {0};
    AUTO(buf_clear) struct buf rows = {0};
    buf_add_cstr(&text, "a\n");
    for (int i = 0; i < 300000; i++)
        buf_add_char(&text, 'x');
    buf_add_cstr(&text, "\nb\n");
    write_text("in/a", buf_str(&text));
    struct source *source = open_files("path={root}/in/a", "json", EXECUTION_ONCE, &err);
    buf_reset(&text);
    while (read_text(source, 100, &rows) == READ_ROWS) // far smaller than the line
        buf_print(&text, "%s|", buf_cstr(&rows));
    assert_int_equal(text.len, 4 + 3 + 300000 + 4);
    assert_memory_equal(text.ptr, "1:a|2:xxx", 9);
    assert_memory_equal(text.ptr + text.len - 8, "xxx|3:b|", 8);
    close_files(source);
}

static void giant_lines_are_cut_and_spoilt(void **state)
{
    (void)state;
    struct error err = {0};
    size_t len = ((size_t)64 << 20) + 1000;
    struct buf text = {0};
    buf_reserve(&text, len + 10);
    memset(text.ptr, 'x', len);
    memcpy(text.ptr + len, "\nlast\n", 6);
    text.len = len + 6;
    write_text("in/a", buf_str(&text));
    buf_clear(&text);
    const struct source_type *type = source_type_find(STR("files"));
    struct source *source = open_files("path={root}/in/a", "json", EXECUTION_ONCE, &err);
    struct batch *batch = batch_new();
    enum read_state read_state;
    CHECK(type->read(source, batch, 100, (size_t)256 << 20, &read_state, &err));
    assert_int_equal(batch->rows, 2);
    assert_int_equal(batch->payloads[0].len, 64 << 20);
    assert_int_equal((unsigned char)batch->payloads[0].ptr[(64 << 20) - 1], 0xff);
    assert_int_equal(batch->payloads[1].len, 4);
    batch_free(batch);
    close_files(source);
}

static void csv_header_and_byte_order_mark(void **state)
{
    (void)state;
    struct error err = {0};
    AUTO(buf_clear) struct buf rows = {0};
    write_text("in/a.csv", STR("\xef\xbb\xbfid,\"na\nme\"\r\n1,\"x\ny\"\r\n5\" pipe,z\n\n2,b"));
    struct source *source = open_files("path={root}/in/a.csv", "csv", EXECUTION_ONCE, &err);
    read_text(source, 1 << 20, &rows);
    assert_string_equal(buf_cstr(&rows), "3:1,\"x\ny\"|5:5\" pipe,z|7:2,b");
    close_files(source);
    source = open_files("path={root}/in/a.csv;header=false", "csv", EXECUTION_ONCE, &err);
    read_text(source, 1 << 20, &rows);
    assert_string_equal(buf_cstr(&rows), "1:id,\"na\nme\"|3:1,\"x\ny\"|5:5\" pipe,z|7:2,b");
    close_files(source);
}

static void patterns_choose_files(void **state)
{
    (void)state;
    static const char *const files[] = {"in/a.json",       "in/b.csv",       "in/d=1/c.json",
                                        "in/d=1/e/f.json", "in/_tmp/g.json", "in/.h.json",
                                        "in/d-1/i.json"};
    for (size_t i = 0; i < COUNT_OF(files); i++)
        write_text(files[i], STR("1\n"));
    static const struct {
        const char *pattern, *expected;
    } tries[] = {
        {"in", "in/a.json in/b.csv in/d-1/i.json in/d=1/c.json in/d=1/e/f.json"},
        {"in/", "in/a.json in/b.csv in/d-1/i.json in/d=1/c.json in/d=1/e/f.json"},
        {"in/*.json", "in/a.json"},
        {"in/**/*.json", "in/a.json in/d-1/i.json in/d=1/c.json in/d=1/e/f.json"},
        {"in/*/*.json", "in/d-1/i.json in/d=1/c.json"},
        {"*/d=?/**", "in/d=1/c.json in/d=1/e/f.json"},
        {"in/[b-z].csv", "in/b.csv"},
        {"in/_tmp/*", "in/_tmp/g.json"},
        {"in/.h*", "in/.h.json"},
        {"in/b.csv", "in/b.csv"},
        {"nowhere/*", ""},
        {"in/b.csv/x", ""},
    };
    for (size_t i = 0; i < COUNT_OF(tries); i++) {
        struct error err = {0};
        struct listed *found;
        size_t len;
        AUTO(buf_clear) struct buf text = {0};
        CHECK(listing_make(str_of(tries[i].pattern), root, &case_arena, &found, &len, &err));
        for (size_t k = 0; k < len; k++)
            buf_print(&text, "%s%.*s", k > 0 ? " " : "", STR_ARGS(found[k].path));
        assert_string_equal(buf_cstr(&text), tries[i].expected);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, case_begin, case_end)

// Root reads everything: these reads run as somebody else.
static enum error_kind list_kind(const char *options, enum execution execution, struct error *err)
{
    bool is_root = geteuid() == 0;
    const struct partition *partitions;
    size_t len;
    *err = (struct error){0};
    struct source *source = open_files(options, "json", execution, err);
    assert_non_null(source);
    if (is_root)
        assert_int_equal(seteuid(65534), 0);
    bool ok = source_type_find(STR("files"))->list(source, &partitions, &len, err);
    if (!ok) // the same again: a caller may pass over the first
        ok = source_type_find(STR("files"))->list(source, &partitions, &len, err);
    if (is_root)
        assert_int_equal(seteuid(0), 0);
    close_files(source);
    return ok ? ERROR_NONE : err->kind;
}

static void unreadable_is_not_empty(void **state)
{
    (void)state;
    struct error err = {0};
    write_text("in/a.jsonl", STR("{}\n"));
    write_text("in/below/b.jsonl", STR("{}\n"));
    assert_int_equal(chmod(root, 0755), 0);
    assert_int_equal(list_kind("path={root}/in", EXECUTION_ONCE, &err), ERROR_NONE);
    static const int modes[] = {0, 0444}; // not to be listed; listed, but nothing in it can be seen
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        assert_int_equal(chmod(at("in/below"), (mode_t)modes[i]), 0);
        assert_int_equal(list_kind("path={root}/in", EXECUTION_STREAM, &err), ERROR_RETRY);
        assert_non_null(strstr(err.text, "in/below"));
        assert_non_null(strstr(err.text, "Permission denied"));
        assert_int_equal(list_kind("path={root}/in", EXECUTION_ONCE, &err), ERROR_FATAL);
        assert_int_equal(list_kind("path={root}/in/*/*.jsonl", EXECUTION_BATCH, &err), ERROR_FATAL);
    }
    assert_int_equal(chmod(at("in"), 0), 0);
    assert_int_equal(list_kind("path={root}/in/below", EXECUTION_BATCH, &err), ERROR_FATAL);
    assert_int_equal(chmod(at("in"), 0755), 0);
    assert_int_equal(chmod(at("in/below"), 0755), 0);
}

static void missing_path_is_an_error(void **state)
{
    (void)state;
    struct error err = {0};
    write_text("events/day/a.jsonl", STR("{}\n"));
    assert_int_equal(chmod(root, 0755), 0);
    assert_int_equal(list_kind("path={root}/evnts/day", EXECUTION_ONCE, &err), ERROR_USER);
    assert_non_null(strstr(err.text, at("evnts/day")));
    assert_non_null(strstr(err.text, at("events/day")));
    assert_int_equal(list_kind("path={root}/events/dya", EXECUTION_BATCH, &err), ERROR_USER);
    assert_non_null(strstr(err.text, at("events/day")));
    assert_int_equal(list_kind("path={root}/other", EXECUTION_BATCH, &err), ERROR_USER);
    assert_null(strstr(err.text, "did you mean"));
    assert_int_equal(list_kind("path={root}/evnts;missing=ok", EXECUTION_BATCH, &err), ERROR_NONE);
    assert_int_equal(list_kind("path={root}/evnts/*.jsonl", EXECUTION_BATCH, &err), ERROR_NONE);
    assert_int_equal(list_kind("path={root}/evnts", EXECUTION_STREAM, &err), ERROR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(growing_folder_is_followed),
        TEST(changed_files_are_refused),
        TEST(done_files_may_go),
        TEST(long_lines_come_whole),
        TEST(giant_lines_are_cut_and_spoilt),
        TEST(csv_header_and_byte_order_mark),
        TEST(patterns_choose_files),
        TEST(unreadable_is_not_empty),
        TEST(missing_path_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
