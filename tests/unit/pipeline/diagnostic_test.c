// SPDX-License-Identifier: MIT
// Messages: line and column in characters, caret under the word, order of the file; and the
// catalogue has a page for every code that stands anywhere in the sources.
#include "base/file.h"
#include "pipeline/diagnostic.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void test_print(void **state)
{
    (void)state;
    AUTO(arena_clear) struct arena arena = {0};
    AUTO(buf_clear) struct buf out = {0};
    const char *text = "first\n\t\xc3\xa4\xc3\xb6 word\r\nlast";
    struct diagnostics diagnostics;
    diagnostics_init(&diagnostics, &arena, "p.sql", str_of(text));
    diagnostic_add(&diagnostics, "E0002", strlen(text), 1, NULL, "at the end");
    diagnostic_add(&diagnostics, "W0001", 12, 100, "do %d", "careful %d", 7);
    diagnostic_add(&diagnostics, "W0001", 12, 100, NULL, "careful %d", 7); // the same again
    diagnostic_add(&diagnostics, "E0003", SIZE_MAX, 1, NULL, "nowhere");
    assert_int_equal(diagnostics.errors, 2);
    diagnostics_print(&diagnostics, false, &out);
    assert_string_equal(buf_cstr(&out), "p.sql:2:5: warning W0001: careful 7\n"
                                        "    2 | \t\xc3\xa4\xc3\xb6 word\n"
                                        "      | \t   ^^^^\n"
                                        "      = do %d\n"
                                        "p.sql:3:5: error E0002: at the end\n"
                                        "    3 | last\n"
                                        "      |     ^\n"
                                        "p.sql: error E0003: nowhere\n");
    struct error err = {0};
    assert_false(diagnostics_to_error(&diagnostics, &err));
    assert_string_equal(err.code, "E0002");
    assert_string_equal(err.text, "p.sql:3:5: at the end");
    assert_int_equal(err.kind, ERROR_USER);
}

static void test_json(void **state)
{
    (void)state;
    AUTO(arena_clear) struct arena arena = {0};
    AUTO(buf_clear) struct buf out = {0};
    struct diagnostics diagnostics;
    diagnostics_init(&diagnostics, &arena, "p.sql", STR("a\nb"));
    diagnostic_add(&diagnostics, "E0002", 2, 1, "say \"c\"", "no \"b\"");
    diagnostics_print_json(&diagnostics, &out);
    assert_string_equal(buf_cstr(&out),
                        "{\"file\":\"p.sql\",\"errors\":1,\"messages\":[\n"
                        "{\"severity\":\"error\",\"code\":\"E0002\",\"line\":2,\"column\":1,"
                        "\"offset\":2,\"length\":1,\"text\":\"no \\\"b\\\"\",\"cure\":\"say "
                        "\\\"c\\\"\"}]}\n");
}

// A line of any length, a place anywhere: nothing is read outside and the caret line stays short.
static void test_long_line(void **state)
{
    (void)state;
    AUTO(arena_clear) struct arena arena = {0};
    char text[1000];
    memset(text, 'x', sizeof(text));
    for (size_t place = 0; place <= sizeof(text); place += 50) {
        AUTO(buf_clear) struct buf out = {0};
        struct diagnostics diagnostics;
        diagnostics_init(&diagnostics, &arena, "p.sql", (struct str){text, sizeof(text)});
        diagnostic_add(&diagnostics, "E0002", place, 5000, NULL, "long");
        diagnostics_print(&diagnostics, false, &out);
        assert_true(out.len < 700);
        assert_non_null(memchr(out.ptr, '^', out.len));
    }
}

static bool is_code(const char *at)
{
    if (at[0] != '"' || (at[1] != 'E' && at[1] != 'W') || at[6] != '"')
        return false;
    for (int i = 2; i < 6; i++)
        if (at[i] < '0' || at[i] > '9')
            return false;
    return true;
}

static void test_every_code_has_a_page(void **state)
{
    (void)state;
    AUTO(arena_clear) struct arena arena = {0};
    struct str *files = NULL;
    size_t files_len = 0, codes = 0;
    struct error err = {0};
    assert_true(folder_list("src/pipeline", &arena, &files, &files_len, &err));
    for (size_t i = 0; i < files_len; i++) {
        AUTO(buf_clear) struct buf text = {0};
        struct str path = arena_print(&arena, "src/pipeline/%.*s", STR_ARGS(files[i]));
        if (!str_ends(path, ".c") || str_ends(path, "/diagnostic_pages.c"))
            continue;
        assert_true(file_read_whole(path.ptr, &text, &err));
        for (const char *at = buf_cstr(&text); strlen(at) > 7; at++) {
            at = strchr(at, '"');
            if (at == NULL || strlen(at) < 7)
                break;
            if (!is_code(at))
                continue;
            char code[6] = {0};
            memcpy(code, at + 1, 5);
            codes++;
            if (diagnostic_page(code) == NULL)
                fail_msg("%s uses %s, which has no page in diagnostic_pages.c", path.ptr, code);
        }
    }
    assert_true(codes > 100);
    assert_null(diagnostic_page("E9999"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_every_code_has_a_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
