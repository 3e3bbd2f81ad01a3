// SPDX-License-Identifier: MIT
// firesteel test: the .test.sql files beside pipelines. One line a test on stdout, below a failed
// one what differs and the command that repeats it.
#include "base/file.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/test_report.h"
#include "cli/test_run.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct test_flags {
    struct plan_flags plan;
    bool crash;
    const char *junit, *only;
    int64_t crash_every;
};

static const struct flag flags[] = {
    PLAN_FLAGS(struct test_flags),
    {"crash", 0, FLAG_BOOL, NULL, "each test again, killed at every commit step in turn",
     offsetof(struct test_flags, crash)},
    {"crash-every", 0, FLAG_INT, "N", "with --crash: each N-th step, begun elsewhere in each test",
     offsetof(struct test_flags, crash_every)},
    {"junit", 0, FLAG_TEXT, "FILE", "write a JUnit report", offsetof(struct test_flags, junit)},
    {"only", 0, FLAG_TEXT, "TEXT", "only tests with this in their name",
     offsetof(struct test_flags, only)},
};

#define TEST_ENDING ".test.sql"

struct found {
    struct str *paths; // in the arena
    size_t len;
    struct arena *arena;
};

static void found_add(struct found *found, struct str path)
{
    if ((found->len & (found->len + 1)) == 0 || found->len == 0) {
        struct str *grown = ARENA_ARRAY(found->arena, struct str, found->len * 2 + 2);
        for (size_t i = 0; i < found->len; i++)
            grown[i] = found->paths[i];
        found->paths = grown;
    }
    found->paths[found->len++] = arena_str(found->arena, path);
}

// Folders still to look into stand behind each other in `pending`: no recursion.
static bool find_below(struct found *found, struct str root, struct error *err)
{
    struct found pending = {.arena = found->arena};
    found_add(&pending, root);
    for (size_t next = 0; next < pending.len; next++) {
        struct str *names;
        size_t names_len;
        struct str folder = pending.paths[next];
        if (!folder_list(arena_cstr(found->arena, folder), found->arena, &names, &names_len, err))
            return false;
        for (size_t i = 0; i < names_len; i++) {
            bool is_hidden = str_starts(names[i], ".");
            const char *between = str_ends(folder, "/") ? "" : "/";
            struct str path = arena_print(found->arena, "%.*s%s%.*s", STR_ARGS(folder), between,
                                          STR_ARGS(names[i]));
            if (str_ends(path, TEST_ENDING))
                found_add(found, path);
            else if (!is_hidden && path_is_folder(path.ptr))
                found_add(&pending, path);
        }
    }
    return true;
}

static bool find_tests(const struct words *given, struct found *found, struct error *err)
{
    for (size_t i = 0; i < given->len; i++) {
        struct str path = str_of(given->items[i]);
        size_t before = found->len;
        if (path_is_folder(given->items[i])) {
            if (!find_below(found, path, err))
                return false;
        } else if (str_ends(path, TEST_ENDING)) {
            found_add(found, path);
        } else if (str_ends(path, ".sql")) {
            found_add(found,
                      arena_print(found->arena, "%.*s" TEST_ENDING, (int)path.len - 4, path.ptr));
        }
        if (found->len == before)
            return error_set_exit(err, ERROR_USER, EXIT_USAGE,
                                  "%s: no tests there; the tests of p.sql stand in p.test.sql",
                                  given->items[i]);
    }
    return true;
}

static struct str folder_of(struct str path, struct arena *arena)
{
    size_t len = path.len;
    while (len > 0 && path.ptr[len - 1] != '/')
        len--;
    return len == 0 ? STR(".") : arena_str(arena, str_slice(path, 0, len > 1 ? len - 1 : len));
}

static bool open_values(struct database **database, struct test_pipeline *pipeline,
                        struct error *err)
{
    *database = database_open((struct database_options){.threads = 1}, err);
    if (*database == NULL)
        return false;
    pipeline->connection = connection_open(*database, err);
    bool ok = pipeline->connection != NULL;
    for (size_t i = 0; ok && pipeline->plan != NULL && i < pipeline->plan->prelude_len; i++)
        ok = connection_execute(pipeline->connection,
                                arena_cstr(pipeline->arena, pipeline->plan->prelude[i]), err);
    return ok;
}

// What --only left out, for the message when it left out everything.
struct left_out {
    struct arena arena;
    struct found names;
};

static bool is_wanted(struct str name, const struct test_flags *test, struct left_out *left_out)
{
    if (test->only == NULL || memmem(name.ptr, name.len, test->only, strlen(test->only)) != NULL)
        return true;
    found_add(&left_out->names, name);
    return false;
}

static bool nothing_wanted(const struct test_flags *test, const struct left_out *left_out,
                           struct error *err)
{
    const struct found *found = &left_out->names;
    AUTO(arena_clear) struct arena arena = {0};
    const char **names = ARENA_ARRAY(&arena, const char *, found->len);
    for (size_t i = 0; i < found->len; i++)
        names[i] = found->paths[i].ptr;
    const char *nearest = nearest_name(str_of(test->only), names, found->len);
    return error_set_exit(err, ERROR_USER, EXIT_USAGE,
                          "--only '%s': none of %zu tests has this in its name%s%s%s", test->only,
                          found->len, nearest != NULL ? "; did you mean '" : "",
                          nearest != NULL ? nearest : "", nearest != NULL ? "'" : "");
}

static void run_tests(const struct test_pipeline *pipeline, const struct test_file *file,
                      const struct test_flags *test, struct left_out *left_out,
                      struct test_report *report)
{
    for (size_t t = 0; t < file->tests_len; t++) {
        if (!is_wanted(file->tests[t].name, test, left_out))
            continue;
        struct test_result result = {0};
        struct crash_choice choice = {0};
        if (test->crash) { // a sample of the steps is another one in each test
            choice.every = test->crash_every;
            choice.first = 1 + (int64_t)(report->passed + report->failed) % choice.every;
        }
        test_run(pipeline, &file->tests[t], choice, &result);
        test_report_add(report, file->path, &file->tests[t], &result);
        buf_clear(&result.message);
    }
}

// False: the file's tests could not be run at all.
static bool run_file(struct str path, const struct test_flags *test, const struct words *rest,
                     struct left_out *left_out, struct test_report *report, struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    struct test_pipeline pipeline = {.test_path = arena_cstr(&arena, path)};
    pipeline.test_folder = arena_cstr(&arena, folder_of(path, &arena));
    AUTO(buf_clear) struct buf text = {0};
    struct str stem = str_slice(path, 0, path.len - strlen(TEST_ENDING));
    const char *pipeline_path = arena_print(&arena, "%.*s.sql", STR_ARGS(stem)).ptr;
    if (!file_read_whole(pipeline.test_path, &text, err) ||
        !test_pipeline_load(pipeline_path, &test->plan, rest, &arena, &pipeline, err))
        return false;
    struct diagnostics diagnostics;
    struct test_file file;
    diagnostics_init(&diagnostics, &arena, pipeline.test_path, arena_str(&arena, buf_str(&text)));
    bool ok = test_file_parse(pipeline.test_path, &pipeline.request.variables, &arena, &diagnostics,
                              &file);
    AUTO(buf_clear) struct buf messages = {0};
    diagnostics_print(&diagnostics, command_has_color(STDERR_FILENO), &messages);
    fflush(stdout);
    fwrite(buf_cstr(&messages), 1, messages.len, stderr);
    if (!ok)
        return error_set(err, ERROR_USER, "%s has mistakes", pipeline.test_path);
    struct database *database = NULL;
    ok = open_values(&database, &pipeline, err);
    if (ok)
        run_tests(&pipeline, &file, test, left_out, report);
    connection_close(pipeline.connection);
    database_close(database);
    return ok;
}

static void set_logging(void)
{
    enum log_level level = LOG_OFF; // a test that wants an error would else fill the screen
    const char *text = getenv("LOG_LEVEL");
    if (text != NULL && !log_level_parse(str_of(text), &level))
        level = LOG_OFF;
    log_set_level(level);
}

int command_test(int argc, char **argv)
{
    struct test_flags test = {.crash_every = 1};
    struct arguments arguments;
    AUTO(arena_clear) struct arena arena = {0};
    const struct usage usage = {.positional = "FILE|DIR ..",
                                .positional_min = 1,
                                .positional_max = SIZE_MAX,
                                .takes_rest = true,
                                .flags = flags,
                                .flags_len = COUNT_OF(flags)};
    int exit_code = EXIT_DONE;
    if (!arguments_parse(&usage, argc, argv, &test, &arguments, &arena, &exit_code))
        return exit_code;
    struct error err = {0};
    struct found found = {.arena = &arena};
    set_logging();
    if (test.crash_every < 1)
        error_set_exit(&err, ERROR_USER, EXIT_USAGE, "--crash-every begins with 1");
    if (err.kind != ERROR_NONE || !find_tests(&arguments.positional, &found, &err))
        return command_fail(&err);
    struct test_report report = {0};
    struct left_out left_out = {0};
    left_out.names.arena = &left_out.arena;
    for (size_t i = 0; i < found.len; i++) {
        error_clear(&err);
        if (run_file(found.paths[i], &test, &arguments.rest, &left_out, &report, &err))
            continue;
        test_report_broken(&report, arena_cstr(&arena, found.paths[i]), err.text);
    }
    error_clear(&err);
    bool is_typo = report.passed + report.failed == 0 && test.only != NULL;
    if (is_typo)
        (void)nothing_wanted(&test, &left_out, &err);
    arena_clear(&left_out.arena);
    if (is_typo)
        return command_fail(&err);
    printf("%zu passed, %zu failed\n", report.passed, report.failed);
    bool is_written = test.junit == NULL || test_report_write(&report, test.junit, &err);
    test_report_clear(&report);
    if (!is_written)
        return command_fail(&err);
    return report.failed == 0 ? EXIT_DONE : EXIT_FAILED;
}
