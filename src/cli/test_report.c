// SPDX-License-Identifier: MIT
// What people and build servers read. XML by hand: five characters to escape, and control
// characters, which XML 1.0 cannot hold in any form, become spaces.
#include "cli/test_report.h"
#include "base/file.h"
#include <stdio.h>

static void add_xml(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '&')
            buf_add_cstr(out, "&amp;");
        else if (c == '<')
            buf_add_cstr(out, "&lt;");
        else if (c == '>')
            buf_add_cstr(out, "&gt;");
        else if (c == '"')
            buf_add_cstr(out, "&quot;");
        else if (c == '\'')
            buf_add_cstr(out, "&apos;");
        else
            buf_add_char(out, (unsigned char)c < 0x20 && c != '\n' && c != '\t' ? ' ' : c);
    }
}

static void add_case(struct test_report *report, const char *path, struct str name,
                     int64_t elapsed_us, struct str failure)
{
    buf_add_cstr(&report->cases, "  <testcase classname=\"");
    add_xml(&report->cases, str_of(path));
    buf_add_cstr(&report->cases, "\" name=\"");
    add_xml(&report->cases, name);
    buf_print(&report->cases, "\" time=\"%.3f\"", (double)elapsed_us / 1e6);
    if (failure.len == 0) {
        buf_add_cstr(&report->cases, "/>\n");
        return;
    }
    int64_t end = str_find(failure, '\n');
    buf_add_cstr(&report->cases, ">\n    <failure message=\"");
    add_xml(&report->cases, end < 0 ? failure : str_slice(failure, 0, (size_t)end));
    buf_add_cstr(&report->cases, "\">");
    add_xml(&report->cases, failure);
    buf_add_cstr(&report->cases, "</failure>\n  </testcase>\n");
}

static void print_indented(struct str text)
{
    while (text.len > 0) {
        int64_t end = str_find(text, '\n');
        size_t len = end < 0 ? text.len : (size_t)end;
        printf("    %.*s\n", (int)len, text.ptr);
        text = str_slice(text, end < 0 ? len : len + 1, text.len);
    }
}

// As a word of the shell.
static void print_quoted(struct str text)
{
    putchar('\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'')
            printf("'\\''");
        else
            putchar(text.ptr[i]);
    }
    putchar('\'');
}

void test_report_add(struct test_report *report, const char *path, const struct test *test,
                     const struct test_result *result)
{
    long long elapsed_ms = (long long)(result->elapsed_us / US_PER_MS);
    struct str failure = {0};
    if (result->is_failed) {
        report->failed++;
        failure = result->message.len > 0 ? buf_str(&result->message) : STR("failed");
        printf("FAILED  %s:%zu: %.*s (%lld ms)\n", path, result->line, STR_ARGS(test->name),
               elapsed_ms);
        print_indented(failure);
        printf("    again: firesteel test %s --only ", path);
        print_quoted(test->name);
        printf("\n");
    } else {
        report->passed++;
        printf("ok      %s:%zu: %.*s (", path, test->line, STR_ARGS(test->name));
        if (result->crashes > 0)
            printf("%lld crashes, ", (long long)result->crashes);
        printf("%lld ms)\n", elapsed_ms);
    }
    fflush(stdout);
    add_case(report, path, test->name, result->elapsed_us, failure);
}

void test_report_broken(struct test_report *report, const char *path, const char *text)
{
    report->failed++;
    printf("FAILED  %s: cannot be run\n", path);
    print_indented(str_of(text));
    fflush(stdout);
    add_case(report, path, STR("the file"), 0, str_of(text));
}

bool test_report_write(const struct test_report *report, const char *path, struct error *err)
{
    AUTO(buf_clear) struct buf out = {0};
    buf_print(&out,
              "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
              "<testsuite name=\"firesteel\" tests=\"%zu\" failures=\"%zu\">\n",
              report->passed + report->failed, report->failed);
    buf_add_str(&out, buf_str(&report->cases));
    buf_add_cstr(&out, "</testsuite>\n");
    return file_write_whole(path, buf_str(&out), err);
}

void test_report_clear(struct test_report *report)
{
    buf_clear(&report->cases);
}
