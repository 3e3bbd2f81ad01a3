// SPDX-License-Identifier: MIT
// `firesteel test` itself: what passes, and above all that what is wrong fails, with the place and
// the difference; files, the JUnit report, and crashes.
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
#include "cli/command.h"

static const char pipeline[] =
    "CREATE SOURCE events (id BIGINT, ts TIMESTAMP, k VARCHAR, v DOUBLE,\n"
    "  CONSTRAINT has_id EXPECT (id IS NOT NULL) ON VIOLATION DROP ROW,\n"
    "  CONSTRAINT small EXPECT (v IS NULL OR v < 1000) ON VIOLATION FAIL,\n"
    "  WATERMARK FOR ts AS ts - INTERVAL '1 minute')\n"
    "WITH (connector = 'files', path = 'nowhere/*.jsonl', format = 'json');\n"
    "CREATE SINK rows WITH (connector = 'console') AS SELECT id, k, v FROM events;\n"
    "CREATE SINK minutes WITH (connector = 'console') AS\n"
    "SELECT window_start, k, count(*) AS n FROM TUMBLE(events, ts, INTERVAL '1 minute')\n"
    "GROUP BY window_start, k;\n";

static const char good[] =
    "TEST 'one';\n"
    "INSERT INTO events VALUES ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 0.1}),\n"
    "  ({'id': 2, 'ts': '2024-01-15 10:00:02', 'k': 'a', 'v': 0.3});\n"
    "EXPECT minutes EMPTY;\n"
    "ADVANCE TIME TO TIMESTAMP '2024-01-15 11:00:00';\n"
    "EXPECT minutes ROWS (k, n) VALUES ('a', 2);\n"
    "EXPECT rows ROWS VALUES (2, 'a', 0.30000000001), (1, 'a', 0.1);\n"
    "EXPECT LEDGER events (rows_in => 2, rejected.has_id => 0);\n"
    "TEST 'two: nothing of one is left';\n"
    "EXPECT rows EMPTY;\n";

static char folder[] = "/tmp/firesteel_sql_tests.XXXXXX";
static struct buf said;

static void write_text(const char *name, const char *text)
{
    struct error err = {0};
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    char *slash = strrchr(path, '/');
    *slash = 0;
    assert_true(folder_create(path, &err));
    *slash = '/';
    assert_true(file_write_whole(path, str_of(text), &err));
}

static int start(void **state)
{
    (void)state;
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    assert_non_null(mkdtemp(folder));
    write_text("p.sql", pipeline);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    struct error err = {0};
    assert_true(folder_remove_tree(folder, &err));
    buf_clear(&said);
    return 0;
}

// Runs `firesteel test PATH [flag [value]]`; what it prints on stdout and stderr lands in `said`.
static int run(const char *name, char *flag, char *value)
{
    char path[512], output[512], command[] = "test";
    char *words[] = {command, path, flag, value, NULL};
    struct error err = {0};
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    snprintf(output, sizeof(output), "%s/output", folder);
    fflush(NULL);
    int kept_out = dup(STDOUT_FILENO), kept_err = dup(STDERR_FILENO);
    FILE *file = fopen(output, "w+e");
    assert_non_null(file);
    dup2(fileno(file), STDOUT_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    int code = command_test(flag == NULL ? 2 : value == NULL ? 3 : 4, words);
    fflush(NULL);
    dup2(kept_out, STDOUT_FILENO);
    dup2(kept_err, STDERR_FILENO);
    close(kept_out);
    close(kept_err);
    fclose(file);
    buf_reset(&said);
    assert_true(file_read_whole(output, &said, &err));
    return code;
}

static void has(const char *text)
{
    if (strstr(buf_cstr(&said), text) == NULL)
        fail_msg("no '%s' in:\n%s", text, buf_cstr(&said));
}

// A test of these steps must fail and say so.
static void fails(const char *steps, const char *line, const char *text)
{
    AUTO(buf_clear) struct buf file = {0};
    buf_print(&file, "TEST 'it';\n%s", steps);
    write_text("p.test.sql", buf_cstr(&file));
    assert_int_equal(run("p.test.sql", NULL, NULL), EXIT_FAILED);
    has(line);
    has(text);
    has("0 passed, 1 failed\n");
}

static void passes(const char *steps)
{
    AUTO(buf_clear) struct buf file = {0};
    buf_print(&file, "TEST 'it';\n%s", steps);
    write_text("p.test.sql", buf_cstr(&file));
    if (run("p.test.sql", NULL, NULL) != EXIT_DONE)
        fail_msg("%s", buf_cstr(&said));
}

#define ROW                                                                                        \
    "INSERT INTO events VALUES ({'id': 1, 'ts': '2024-01-15 10:00:01', 'k': 'a', 'v': 1.5});\n"

static void good_tests_pass(void **state)
{
    (void)state;
    write_text("p.test.sql", good);
    assert_int_equal(run("p.test.sql", NULL, NULL), EXIT_DONE);
    has("p.test.sql:1: one (");
    assert_true(str_ends(buf_str(&said), "2 passed, 0 failed\n"));
    assert_int_equal(run("p.sql", NULL, NULL), EXIT_DONE); // its tests
    has("2 passed, 0 failed\n");
}

static void wrong_rows_fail(void **state)
{
    (void)state;
    fails(ROW "EXPECT rows ROWS VALUES (2, 'a', 1.5);\n", "p.test.sql:3: it",
          "- (2, 'a', 1.5)\n    + (1, 'a', 1.5)\n");
    has("again: firesteel test ");
    has("--only 'it'");
    fails(ROW "EXPECT rows EMPTY;\n", ":3: it", "0 missing (-), 1 extra (+)");
    fails("EXPECT rows ROWS VALUES (1, 'a', 1.5);\n", ":2: it", "1 missing (-), 0 extra (+)");
    fails(ROW ROW "EXPECT rows ROWS VALUES (1, 'a', 1.5);\n", ":4: it", "0 missing (-), 1 extra");
    fails(ROW "EXPECT rows ROWS VALUES (1, 'a', 1.5), (1, 'a', 1.5);\n", ":3: it", "1 missing");
    fails(ROW "EXPECT rows ROWS VALUES (1, 'a', NULL);\n", ":3: it", "- (1, 'a', NULL)");
    fails(ROW "EXPECT rows ROWS VALUES (1, 'a', 1.500001);\n", ":3: it", "1 missing");
}

static void wrong_ledgers_fail(void **state)
{
    (void)state;
    fails(ROW "EXPECT LEDGER events (rows_in => 1, passed => 2);\n", ":3: it",
          "events: passed is 1, expected 2");
    fails(ROW "EXPECT LEDGER events (rows => 1);\n", ":3: it", "the ledger has no rows of events");
    fails(ROW "EXPECT LEDGER nothing (rows_in => 1);\n", ":3: it", "the ledger has no rows_in");
}

static void errors_are_expected_or_fail(void **state)
{
    (void)state;
    static const char big[] = "INSERT INTO events VALUES ({'id': 1, 'v': 5000});\n";
    AUTO(buf_clear) struct buf steps = {0};
    buf_print(&steps, "%sEXPECT ERROR 'small';\n", big);
    passes(buf_cstr(&steps));
    buf_reset(&steps);
    buf_print(&steps, "%sEXPECT ERROR 'other';\n", big);
    fails(buf_cstr(&steps), ":3: it", "expected an error with 'other', it is: ");
    buf_reset(&steps);
    buf_print(&steps, "%sEXPECT rows EMPTY;\n", big);
    fails(buf_cstr(&steps), ":2: it", "small"); // the step that failed, not the EXPECT
    buf_reset(&steps);
    buf_print(&steps, "EXPECT rows EMPTY;\n%s", big);
    fails(buf_cstr(&steps), ":3: it", "small"); // also when nothing asks
    fails(ROW "EXPECT ERROR 'small';\n", ":3: it", "no error came");
}

static void names_are_checked(void **state)
{
    (void)state;
    fails("INSERT INTO nobody VALUES ({'id': 1});\nEXPECT rows EMPTY;\n", ":2: it",
          "there is no source nobody");
    fails("EXPECT nobody EMPTY;\n", ":2: it", "there is no sink nobody");
    fails("EXPECT rows ROWS (idd) VALUES (1);\n", ":2: it",
          "rows has no column idd; it has id, k, v");
    fails("INSERT INTO events VALUES (1);\nEXPECT rows EMPTY;\n", ":2: it", "a row is a struct");
    fails("INSERT INTO events FROM 'absent.jsonl';\nEXPECT rows EMPTY;\n", ":2: it",
          "absent.jsonl");
}

static void payloads_and_fixtures(void **state)
{
    (void)state;
    write_text("fixtures/two.jsonl", "{\"id\":1}\r\n\n{\"id\":2}");
    passes("INSERT INTO events FROM 'fixtures/two.jsonl';\n"
           "INSERT INTO events VALUES ('{\"id\":3}'), ('no json'), ({'id': 4});\n"
           "EXPECT rows ROWS (id) VALUES (1), (2), (3), (4);\n"
           "EXPECT LEDGER events (rows_in => 6, undecodable => 2);\n");
}

static void settings_of_a_test(void **state)
{
    (void)state;
    passes("SET execution = 'batch';\n" ROW "EXPECT minutes ROWS (k, n) VALUES ('a', 1);\n");
    fails("SET executions = 'batch';\n" ROW "EXPECT minutes EMPTY;\n", ":1: it", "executions");
}

static void mistakes_of_the_file(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "TEST 'it';\nEXPECTS rows EMPTY;\n",
        "TEST 'it';\nEXPECT rows ROWS VALUES ();\n",
        "EXPECT rows EMPTY;\n",
        "TEST 'it';\nADVANCE TIME TO TIMESTAMP 'noon';\nEXPECT rows EMPTY;\n",
        "TEST 'it';\nADVANCE CLOCK BY INTERVAL '1 month';\nEXPECT rows EMPTY;\n",
        "TEST 'it';\n" ROW, // expects nothing
        "-- no test\n",
        "TEST 'it';\n" ROW "SET execution = 'batch';\nEXPECT rows EMPTY;\n",
        "TEST 'it;\nEXPECT rows EMPTY;\n",
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        write_text("p.test.sql", wrong[i]);
        assert_int_equal(run("p.test.sql", NULL, NULL), EXIT_FAILED);
        has("error E01");
        has("p.test.sql: cannot be run");
        has("0 passed, 1 failed\n");
    }
    write_text("lonely.test.sql", good); // without its pipeline
    assert_int_equal(run("lonely.test.sql", NULL, NULL), EXIT_FAILED);
    has("lonely.sql");
}

static void folders_are_searched(void **state)
{
    (void)state;
    write_text("p.test.sql", good);
    write_text("deep/down/p.sql", pipeline);
    write_text("deep/down/p.test.sql", good);
    assert_int_equal(run("", NULL, NULL), EXIT_DONE);
    has("4 passed, 0 failed\n");
    char only[] = "--only", two[] = "two:";
    assert_int_equal(run("", only, two), EXIT_DONE);
    has("2 passed, 0 failed\n");
    assert_int_equal(run("absent.sql", NULL, NULL), EXIT_FAILED);
    assert_int_equal(run("absent.txt", NULL, NULL), EXIT_USAGE);
}

static void junit(void **state)
{
    (void)state;
    char flag[] = "--junit", path[512];
    struct error err = {0};
    snprintf(path, sizeof(path), "%s/report.xml", folder);
    write_text("p.test.sql", "TEST 'a < b & c';\nEXPECT rows ROWS VALUES (1, '<', 2);\n"
                             "TEST 'good';\nEXPECT rows EMPTY;\n");
    assert_int_equal(run("p.test.sql", flag, path), EXIT_FAILED);
    buf_reset(&said);
    assert_true(file_read_whole(path, &said, &err));
    has("<testsuite name=\"firesteel\" tests=\"2\" failures=\"1\">");
    has("name=\"a &lt; b &amp; c\"");
    has("- (1, &apos;&lt;&apos;, 2.0)");
    has("name=\"good\" time=");
}

static void crashes_are_gone_through(void **state)
{
    (void)state;
    char flag[] = "--crash";
    write_text("p.test.sql", good);
    assert_int_equal(run("p.test.sql", flag, NULL), EXIT_DONE);
    has(" crashes, ");
    assert_null(strstr(buf_cstr(&said), "(0 crashes"));
    has("2 passed, 0 failed\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(good_tests_pass, start, stop),
        cmocka_unit_test_setup_teardown(wrong_rows_fail, start, stop),
        cmocka_unit_test_setup_teardown(wrong_ledgers_fail, start, stop),
        cmocka_unit_test_setup_teardown(errors_are_expected_or_fail, start, stop),
        cmocka_unit_test_setup_teardown(names_are_checked, start, stop),
        cmocka_unit_test_setup_teardown(payloads_and_fixtures, start, stop),
        cmocka_unit_test_setup_teardown(settings_of_a_test, start, stop),
        cmocka_unit_test_setup_teardown(mistakes_of_the_file, start, stop),
        cmocka_unit_test_setup_teardown(folders_are_searched, start, stop),
        cmocka_unit_test_setup_teardown(junit, start, stop),
        cmocka_unit_test_setup_teardown(crashes_are_gone_through, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
