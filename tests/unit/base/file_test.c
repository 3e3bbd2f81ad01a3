// SPDX-License-Identifier: MIT
// The durable file layer: appending and cutting, disk errors at each call, locks, whole files and
// folders. Power loss has its own file (powerloss_test.c).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/failpoint.h"
#include "base/file.h"

static char root[64];
static char place[256]; // of the path that at() made last

static const char *at(const char *name)
{
    snprintf(place, sizeof(place), "%s/%s", root, name);
    return place;
}

static int begin(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/firesteel_file_test.XXXXXX");
    return mkdtemp(root) == NULL;
}

static int end(void **state)
{
    (void)state;
    struct error err = {0};
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

static void append_and_cut(void **state)
{
    (void)state;
    struct error err = {0};
    struct file file;
    assert_true(file_create(&file, at("f"), &err));
    assert_true(file_append(&file, "hello ", 6, &err) && file_append(&file, "world", 5, &err));
    assert_true(file_sync(&file, &err));
    assert_int_equal(file.size, 11);
    file_close(&file);
    file_close(&file); // twice is fine
    assert_true(file_open_append(&file, at("f"), -1, &err));
    assert_int_equal(file.size, 11);
    file_close(&file);
    assert_true(file_open_append(&file, at("f"), 6, &err));
    assert_int_equal(file.size, 6);
    assert_true(file_append(&file, "moon", 4, &err));
    file_close(&file);
    assert_content(at("f"), "hello moon");
    assert_false(file_open_append(&file, at("f"), 11, &err)); // shorter than what was durable
    assert_non_null(strstr(err.text, "10 bytes, but 11"));
    assert_int_equal(file.fd, -1);
    assert_false(file_open_append(&file, at("absent"), -1, &err));
    assert_int_equal(err.kind, ERROR_USER);
    assert_true(file_create(&file, at("f"), &err)); // truncates
    file_close(&file);
    assert_content(at("f"), "");
    assert_false(file_create(&file, at("no/such/folder"), &err));
}

static void disk_errors(void **state)
{
    (void)state;
    struct error err = {0};
    struct file file;
    assert_true(file_create(&file, at("f"), &err) && file_append(&file, "12345", 5, &err));
    assert_true(failpoint_arm("file.write=enospc,file.write@2=short,file.write@3=eio", &err));
    assert_false(file_append(&file, "abcdef", 6, &err));
    assert_int_equal(err.kind, ERROR_RETRY);
    assert_non_null(strstr(err.text, "No space left"));
    assert_int_equal(file.size, 5);
    assert_content(at("f"), "12345");
    assert_false(file_append(&file, "abcdef", 6, &err)); // short: half of it is there
    assert_int_equal(err.kind, ERROR_RETRY);
    assert_int_equal(file.size, 5);
    assert_content(at("f"), "12345abc");
    assert_false(file_append(&file, "abcdef", 6, &err));
    assert_int_equal(err.kind, ERROR_FATAL);
    assert_true(file_append(&file, "ABCD", 4, &err)); // room again: the same place
    assert_content(at("f"), "12345ABCD");
    failpoint_disarm();
    assert_true(
        failpoint_arm("file.fsync=eio,file.fsync@2=enospc,file.rename=eio,file.remove=crash,"
                      "file.truncate=enospc",
                      &err));
    assert_false(file_sync(&file, &err));
    assert_int_equal(err.kind, ERROR_FATAL);
    assert_false(file_sync(&file, &err)); // a failed fsync is never retried, whatever the reason
    assert_int_equal(err.kind, ERROR_FATAL);
    file_close(&file);
    char from[256];
    snprintf(from, sizeof(from), "%s", at("f"));
    assert_false(file_rename(from, at("g"), &err));
    assert_true(path_exists(from) && !path_exists(at("g")));
    assert_false(file_remove(from, &err));
    assert_true(path_exists(from));
    assert_false(file_open_append(&file, from, 2, &err));
    assert_int_equal(path_size(from), 9);
    assert_true(file_rename(from, at("g"), &err));
}

// A real disk-full: the kernel refuses the write in the middle. The file is put back as it was.
static void really_full(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct error err = {0};
        struct file file;
        struct rlimit limit = {.rlim_cur = 10000, .rlim_max = 10000};
        static char bytes[20000];
        signal(SIGXFSZ, SIG_IGN);
        if (!file_create(&file, at("f"), &err) || !file_append(&file, bytes, 4000, &err) ||
            setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(1);
        if (file_append(&file, bytes, 20000, &err) || file.size != 4000)
            _exit(2);
        if (path_size(file.path) != 4000)
            _exit(3);
        _exit(file_append(&file, bytes, 6000, &err) ? 0 : 4);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void locks(void **state)
{
    (void)state;
    struct error err = {0};
    int fd, other;
    char wanted[64];
    assert_true(file_lock(at("lock"), &fd, &err));
    assert_false(file_lock(at("lock"), &other, &err)); // the same process counts as well
    assert_int_equal(other, -1);
    assert_int_equal(err.kind, ERROR_RETRY);
    assert_int_equal(error_exit_code(&err), 75);
    snprintf(wanted, sizeof(wanted), "locked by process %d;", (int)getpid());
    assert_non_null(strstr(err.text, wanted));
    file_unlock(&fd);
    assert_int_equal(fd, -1);
    // A holder that was killed leaves no lock behind, only an old pid in the file.
    pid_t child = fork();
    if (child == 0) {
        if (!file_lock(at("lock"), &fd, &err))
            _exit(1);
        raise(SIGKILL);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    snprintf(wanted, sizeof(wanted), "%d\n", (int)child);
    assert_content(at("lock"), wanted);
    assert_true(file_lock(at("lock"), &fd, &err));
    file_unlock(&fd);
    assert_false(file_lock(at("no/folder/lock"), &fd, &err));
}

static void whole_files(void **state)
{
    (void)state;
    struct error err = {0};
    assert_true(file_write_whole(at("w"), STR("one"), &err));
    assert_content(at("w"), "one");
    // Whatever step fails, the old content or the new is there, never a mixture.
    int64_t steps;
    failpoint_crash_at_step(0);
    assert_true(file_write_whole(at("w"), STR("two"), &err));
    steps = failpoint_steps();
    assert_true(steps >= 4); // write, fsync, rename, fsync of the folder
    for (int64_t step = 1; step <= steps; step++) {
        failpoint_disarm();
        assert_true(file_write_whole(at("w"), STR("old"), &err));
        failpoint_crash_at_step(step);
        assert_false(file_write_whole(at("w"), STR("new"), &err));
        failpoint_disarm();
        assert_content(at("w"), step < steps ? "old" : "new");
    }
    struct buf buf = {0};
    assert_false(file_read_whole(at("absent"), &buf, &err));
    assert_int_equal(err.kind, ERROR_USER);
    assert_false(file_read_whole(root, &buf, &err));
    buf_clear(&buf);
}

static void folders(void **state)
{
    (void)state;
    struct error err = {0};
    AUTO(arena_clear) struct arena arena = {0};
    assert_true(folder_create(at("a/b//c/"), &err));
    assert_true(folder_create(at("a/b/c"), &err)); // again is fine
    assert_true(path_is_folder(at("a/b/c")) && !path_is_folder(at("a/x")));
    static const char *const files[] = {"b", "a", "_c", "B"};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        char name[32];
        snprintf(name, sizeof(name), "a/b/c/%s", files[i]);
        assert_true(file_write_whole(at(name), STR("x"), &err));
    }
    struct str *names;
    size_t count;
    assert_true(folder_list(at("a/b/c"), &arena, &names, &count, &err));
    assert_int_equal(count, 4); // no temporary files either
    assert_true(str_is(names[0], "B") && str_is(names[1], "_c") && str_is(names[2], "a") &&
                str_is(names[3], "b"));
    assert_false(folder_list(at("none"), &arena, &names, &count, &err));
    assert_false(folder_create(at("a/b/c/a/d"), &err)); // a file is in the way
    assert_int_equal(path_size(at("a/b/c/a")), 1);
    assert_int_equal(path_size(at("none")), -1);
    assert_true(path_modified_us(at("a/b/c/a")) > INT64_C(1600000000000000));
    assert_true(path_modified_us(at("none")) == -1);
    assert_true(path_free_bytes(root) > 0);
    assert_true(symlink("/etc", at("a/link")) == 0);
    assert_true(folder_remove_tree(at("a"), &err));
    assert_false(path_exists(at("a")));
    assert_true(path_exists("/etc")); // links are not followed
    assert_true(folder_remove_tree(at("a"), &err));
    assert_true(file_remove(at("none"), &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(append_and_cut, begin, end),
        cmocka_unit_test_setup_teardown(disk_errors, begin, end),
        cmocka_unit_test_setup_teardown(really_full, begin, end),
        cmocka_unit_test_setup_teardown(locks, begin, end),
        cmocka_unit_test_setup_teardown(whole_files, begin, end),
        cmocka_unit_test_setup_teardown(folders, begin, end),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
