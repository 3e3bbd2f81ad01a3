// SPDX-License-Identifier: MIT
// Results of `firesteel test`: lines on stdout as they come, and a JUnit file at the end.
#ifndef FIRESTEEL_TEST_REPORT_H
#define FIRESTEEL_TEST_REPORT_H

#include "cli/test_run.h"

struct test_report {
    size_t passed, failed;
    struct buf cases; // <testcase> elements
};

void test_report_add(struct test_report *report, const char *path, const struct test *test,
                     const struct test_result *result);
// A file whose tests could not be run: counts as one failed test.
void test_report_broken(struct test_report *report, const char *path, const char *text);
MUST_USE bool test_report_write(const struct test_report *report, const char *path,
                                struct error *err);
void test_report_clear(struct test_report *report); // keeps the counts

#endif
