// SPDX-License-Identifier: MIT
// Log lines: levels, both forms, one event one line. Standard error goes to a file meanwhile.
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
#include "base/log.h"

static char path[] = "/tmp/firesteel_log_test.XXXXXX";

// Runs `write` with stderr in a file and gives what was written.
static const char *lines_of(void (*write_lines)(void), struct buf *out)
{
    struct error err = {0};
    int fd = mkstemp(path);
    int kept = dup(STDERR_FILENO);
    dup2(fd, STDERR_FILENO);
    write_lines();
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(fd);
    buf_reset(out);
    bool good = file_read_whole(path, out, &err);
    unlink(path);
    memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
    assert_true(good);
    return buf_cstr(out);
}

static void two_lines(void)
{
    log_debug("hidden");
    log_error("cannot read\n%s", "file=x");
}

static void human(void **state)
{
    (void)state;
    struct buf out = {0};
    log_set_level(LOG_INFO);
    log_set_pipeline("devices");
    const char *text = lines_of(two_lines, &out);
    assert_non_null(strstr(text, "Z ERROR devices: cannot read file=x\n"));
    assert_null(strstr(text, "hidden"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); // one line
    log_set_level(LOG_OFF);
    assert_string_equal(lines_of(two_lines, &out), "");
    log_set_level(LOG_INFO);
    buf_clear(&out);
}

static void json(void **state)
{
    (void)state;
    struct buf out = {0};
    log_set_json(true);
    const char *text = lines_of(two_lines, &out);
    log_set_json(false);
    assert_memory_equal(text, "{\"@timestamp\":\"", 15);
    assert_non_null(strstr(text, "\"log.level\":\"ERROR\",\"message\":\"cannot read\\nfile=x\""));
    assert_non_null(strstr(text, "\"service.name\":\"devices\""));
    assert_string_equal(text + strlen(text) - 2, "}\n");
    buf_clear(&out);
}

static void levels(void **state)
{
    (void)state;
    enum log_level level;
    assert_true(log_level_parse(STR("warn"), &level));
    assert_int_equal(level, LOG_WARN);
    assert_false(log_level_parse(STR("loud"), &level));
    log_set_level(LOG_DEBUG);
    assert_int_equal(log_level(), LOG_DEBUG);
    log_set_level(LOG_INFO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(human),
        cmocka_unit_test(json),
        cmocka_unit_test(levels),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
