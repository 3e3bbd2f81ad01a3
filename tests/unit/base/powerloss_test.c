// SPDX-License-Identifier: MIT
// Simulated power loss: what was not fsynced is gone, names as well as bytes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/failpoint.h"
#include "base/file.h"

static char root[64];
static char place[256];

static const char *at(const char *name)
{
    snprintf(place, sizeof(place), "%s/%s", root, name);
    return place;
}

static int begin(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/firesteel_powerloss.XXXXXX");
    if (mkdtemp(root) == NULL)
        return 1;
    file_track_unsynced(true);
    return 0;
}

static int end(void **state)
{
    (void)state;
    struct error err = {0};
    file_track_unsynced(false);
    failpoint_disarm();
    return folder_remove_tree(root, &err) ? 0 : 1;
}

static void assert_content(const char *path, const char *wanted)
{
    struct buf buf = {0};
    struct error err = {0};
    if (!file_read_whole(path, &buf, &err))
        fail_msg("%s", err.text);
    assert_string_equal(buf_cstr(&buf), wanted);
    buf_clear(&buf);
}

// A file with durable bytes and a durable name.
static void make_durable(const char *name, const char *text)
{
    struct error err = {0};
    assert_true(file_write_whole(at(name), str_of(text), &err));
}

static void bytes_after_the_last_fsync(void **state)
{
    (void)state;
    struct error err = {0};
    struct file file;
    assert_true(file_create(&file, at("f"), &err) && file_append(&file, "kept", 4, &err));
    assert_true(file_sync(&file, &err) && file_sync_folder(root, &err));
    assert_true(file_append(&file, " lost", 5, &err));
    file_close(&file);
    assert_content(at("f"), "kept lost"); // until the power goes
    file_drop_unsynced();
    assert_content(at("f"), "kept");
    // Two syncs, so that the remembered bytes grow by pieces.
    assert_true(file_open_append(&file, at("f"), -1, &err));
    assert_true(file_append(&file, "-2", 2, &err) && file_sync(&file, &err));
    assert_true(file_append(&file, "-3", 2, &err) && file_sync(&file, &err));
    assert_true(file_append(&file, "-4", 2, &err));
    file_close(&file);
    file_drop_unsynced();
    assert_content(at("f"), "kept-2-3");
}

static void names_need_the_folder(void **state)
{
    (void)state;
    struct error err = {0};
    struct file file;
    assert_true(file_create(&file, at("f"), &err) && file_append(&file, "x", 1, &err));
    assert_true(file_sync(&file, &err)); // bytes, but not the name
    file_close(&file);
    file_drop_unsynced();
    assert_false(path_exists(at("f")));
    make_durable("old", "old");
    assert_true(file_remove(at("old"), &err));
    file_drop_unsynced();
    assert_content(at("old"), "old"); // the removal was not durable
    assert_true(file_remove(at("old"), &err) && file_sync_folder(root, &err));
    file_drop_unsynced();
    assert_false(path_exists(at("old")));
}

static void renames(void **state)
{
    (void)state;
    struct error err = {0};
    char from[256];
    make_durable("target", "old");
    make_durable("new", "new");
    snprintf(from, sizeof(from), "%s", at("new"));
    assert_true(file_rename(from, at("target"), &err));
    assert_content(at("target"), "new");
    file_drop_unsynced();
    assert_content(at("target"), "old");
    assert_content(at("new"), "new");
    assert_true(file_rename(from, at("target"), &err) && file_sync_folder(root, &err));
    file_drop_unsynced();
    assert_content(at("target"), "new");
    assert_false(path_exists(from));
}

static void truncation(void **state)
{
    (void)state;
    struct error err = {0};
    struct file file;
    make_durable("f", "0123456789");
    assert_true(file_open_append(&file, at("f"), 4, &err) && file_append(&file, "AB", 2, &err));
    file_close(&file);
    file_drop_unsynced();
    assert_content(at("f"), "0123456789"); // the cut was not durable
    assert_true(file_open_append(&file, at("f"), 4, &err) && file_append(&file, "AB", 2, &err));
    assert_true(file_sync(&file, &err));
    file_close(&file);
    file_drop_unsynced();
    assert_content(at("f"), "0123AB");
    assert_true(file_create(&file, at("f"), &err) && file_append(&file, "z", 1, &err));
    file_close(&file);
    file_drop_unsynced();
    assert_content(at("f"), "0123AB"); // created over it, never synced
}

static void files_of_others(void **state)
{
    (void)state;
    struct error err = {0};
    FILE *stream = fopen(at("parquet"), "w"); // as DuckDB writes one
    fputs("rows", stream);
    fclose(stream);
    assert_true(file_sync_path(at("parquet"), &err));
    file_drop_unsynced();
    assert_false(path_exists(at("parquet"))); // its folder was not synced
    stream = fopen(at("parquet"), "w");
    fputs("rows", stream);
    fclose(stream);
    assert_true(file_sync_path(at("parquet"), &err) && file_sync_folder(root, &err));
    file_drop_unsynced();
    assert_content(at("parquet"), "rows");
}

// file_write_whole must survive power loss after each of its steps: old or new, never neither.
static void whole_files_at_each_step(void **state)
{
    (void)state;
    struct error err = {0};
    bool finished = false;
    for (int64_t step = 1; !finished; step++) {
        failpoint_disarm();
        make_durable("w", "old");
        failpoint_crash_at_step(step);
        finished = file_write_whole(at("w"), STR("new"), &err);
        failpoint_disarm();
        file_drop_unsynced();
        assert_content(at("w"), finished ? "new" : "old");
        assert_true(step < 20);
    }
}

static void exit_drops(void **state)
{
    (void)state;
    make_durable("f", "kept");
    pid_t child = fork();
    if (child == 0) {
        struct error err = {0};
        struct file file;
        if (!failpoint_arm("file.fsync=exit", &err) ||
            !file_open_append(&file, at("f"), -1, &err) || !file_append(&file, " lost", 5, &err))
            _exit(1);
        _exit(file_sync(&file, &err) ? 2 : 3);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(WEXITSTATUS(status), 137);
    assert_content(at("f"), "kept");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bytes_after_the_last_fsync, begin, end),
        cmocka_unit_test_setup_teardown(names_need_the_folder, begin, end),
        cmocka_unit_test_setup_teardown(renames, begin, end),
        cmocka_unit_test_setup_teardown(truncation, begin, end),
        cmocka_unit_test_setup_teardown(files_of_others, begin, end),
        cmocka_unit_test_setup_teardown(whole_files_at_each_step, begin, end),
        cmocka_unit_test_setup_teardown(exit_drops, begin, end),
    };
    return cmocka_run_group_tests_name("powerloss", tests, NULL, NULL);
}
