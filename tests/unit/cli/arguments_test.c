// SPDX-License-Identifier: MIT
// Flags by table: every form, every kind, and what wrong use says (exit 2, nearest flag).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "cli/arguments.h"
#include "cli/command.h"

struct wanted {
    bool batch;
    const char *http;
    int64_t rows;
    double rate;
    int64_t every_us;
    struct words with;
    struct words defines;
};

static const struct flag flags[] = {
    {"batch", 0, FLAG_BOOL, NULL, "all at once", offsetof(struct wanted, batch)},
    {"http", 0, FLAG_TEXT, "ADDR", "listen", offsetof(struct wanted, http)},
    {"rows", 'n', FLAG_INT, "N", "how many", offsetof(struct wanted, rows)},
    {"rate", 0, FLAG_DOUBLE, "X", "share", offsetof(struct wanted, rate)},
    {"wait-every", 0, FLAG_DURATION, "TIME", "pause", offsetof(struct wanted, every_us)},
    {"with", 0, FLAG_PAIRS, "NAME.option=value", "override", offsetof(struct wanted, with)},
    {"define", 'D', FLAG_PAIRS, "NAME=value", "variable", offsetof(struct wanted, defines)},
};
static const struct usage usage = {.positional = "PIPELINE.sql",
                                   .positional_min = 1,
                                   .positional_max = 1,
                                   .takes_rest = true,
                                   .flags = flags,
                                   .flags_len = COUNT_OF(flags)};
static struct arena arena;
static char stream_path[] = "/tmp/firesteel_arguments.XXXXXX";
static struct buf said;

// Parses a command line given as words with zero at the end; what goes to `stream` lands in `said`.
static bool parse(int stream, char **words, struct wanted *wanted, struct arguments *arguments,
                  int *exit_code)
{
    struct error err = {0};
    int argc = 0;
    while (words[argc] != NULL)
        argc++;
    memcpy(stream_path + sizeof(stream_path) - 7, "XXXXXX", 6);
    int fd = mkstemp(stream_path);
    fflush(NULL);
    int kept = dup(stream);
    dup2(fd, stream);
    bool good = arguments_parse(&usage, argc, words, wanted, arguments, &arena, exit_code);
    fflush(NULL);
    dup2(kept, stream);
    close(kept);
    close(fd);
    buf_reset(&said);
    bool read = file_read_whole(stream_path, &said, &err);
    unlink(stream_path);
    assert_true(read);
    return good;
}

static void every_form(void **state)
{
    (void)state;
    char *words[] = {"run",        "--batch",     "a.sql",         "--http", ":80",
                     "-n",         "5",           "--rate=2.5",    "-DA=1",  "-D",
                     "B=x=y",      "--define=C=", "--wait-every",  "2s",     "--with",
                     "e.path=a b", "--with",      "e.format=json", "--",     "--x",
                     "last",       NULL};
    struct wanted wanted = {0};
    struct arguments arguments;
    int exit_code;
    assert_true(parse(STDERR_FILENO, words, &wanted, &arguments, &exit_code));
    assert_true(wanted.batch && wanted.rows == 5 && wanted.rate > 2.4);
    assert_string_equal(wanted.http, ":80");
    assert_true(wanted.every_us == 2 * US_PER_SECOND);
    assert_int_equal(wanted.defines.len, 3);
    assert_string_equal(wanted.defines.items[1], "B=x=y");
    assert_int_equal(wanted.with.len, 2);
    assert_string_equal(wanted.with.items[0], "e.path=a b");
    assert_int_equal(arguments.positional.len, 1);
    assert_string_equal(arguments.positional.items[0], "a.sql");
    assert_int_equal(arguments.rest.len, 2);
    assert_string_equal(arguments.rest.items[0], "--x");
    struct str name, value;
    assert_true(arguments_split(wanted.defines.items[1], &name, &value));
    assert_true(str_is(name, "B") && str_is(value, "x=y"));
    assert_true(arguments_split(wanted.defines.items[2], &name, &value) && value.len == 0);
    assert_false(arguments_split("=x", &name, &value));
    char *off[] = {"run", "--no-batch", "-", NULL};
    assert_true(parse(STDERR_FILENO, off, &wanted, &arguments, &exit_code));
    assert_false(wanted.batch);
    assert_string_equal(arguments.positional.items[0], "-");
}

static void wrong_use(void **state)
{
    (void)state;
    static const struct {
        char *words[5];
        const char *said;
    } cases[] = {
        {{"run", "a.sql", "--bacth"}, "unknown flag '--bacth', did you mean '--batch'?"},
        {{"run", "a.sql", "--zzz=1"}, "unknown flag '--zzz=1'; see firesteel run --help"},
        {{"run", "a.sql", "-x"}, "unknown flag '-x'"},
        {{"run", "a.sql", "--no-http"}, "unknown flag '--no-http'"},
        {{"run", "a.sql", "--http"}, "--http needs a value: --http ADDR"},
        {{"run", "a.sql", "--rows", "x"}, "--rows 'x' is not a whole number"},
        {{"run", "a.sql", "--rate=x"}, "--rate 'x' is not a number"},
        {{"run", "a.sql", "--batch=x"}, "--batch 'x' is not true or false"},
        {{"run", "a.sql", "--wait-every=1"}, "--wait-every '1' is not a length of time"},
        {{"run", "a.sql", "-D", "A"}, "--define 'A': write it as NAME=value"},
        {{"run"}, "PIPELINE.sql is missing"},
        {{"run", "a.sql", "b.sql"}, "'b.sql' is one word too many"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct wanted wanted = {0};
        struct arguments arguments;
        int exit_code = -1;
        char *words[5];
        memcpy(words, cases[i].words, sizeof(words));
        assert_false(parse(STDERR_FILENO, words, &wanted, &arguments, &exit_code));
        assert_int_equal(exit_code, 2);
        if (strstr(buf_cstr(&said), cases[i].said) == NULL)
            fail_msg("wanted '%s', got '%s'", cases[i].said, buf_cstr(&said));
    }
}

static void help_begins_with_examples(void **state)
{
    (void)state;
    char *words[] = {"version", "--help", "--unknown", NULL};
    struct wanted wanted = {0};
    struct arguments arguments;
    int exit_code = -1;
    assert_false(parse(STDOUT_FILENO, words, &wanted, &arguments, &exit_code));
    assert_int_equal(exit_code, 0);
    const char *text = buf_cstr(&said);
    const char *examples = strstr(text, "Examples:"), *list = strstr(text, "Flags:");
    assert_true(str_starts(buf_str(&said), "version - print the version\n"));
    assert_true(examples != NULL && list != NULL && examples < list);
    for (size_t i = 0; i < COUNT_OF(flags); i++) {
        char flag[32];
        snprintf(flag, sizeof(flag), "--%s ", flags[i].name);
        assert_non_null(strstr(list, flag));
    }
}

static void every_command_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < commands_len; i++) {
        assert_true(strlen(commands[i].summary) > 0 && strlen(commands[i].summary) < 90);
        assert_non_null(strstr(commands[i].examples, commands[i].name));
        assert_null(strchr(commands[i].summary, '\'')); // it stands in quotes in shell scripts
    }
    assert_non_null(command_find("version"));
    assert_null(command_find("versio"));
}

static int clear(void **state)
{
    (void)state;
    arena_clear(&arena);
    buf_clear(&said);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form),
        cmocka_unit_test(wrong_use),
        cmocka_unit_test(help_begins_with_examples),
        cmocka_unit_test(every_command_is_whole),
    };
    return cmocka_run_group_tests_name("arguments", tests, NULL, clear);
}
