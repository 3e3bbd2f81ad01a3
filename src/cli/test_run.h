// SPDX-License-Identifier: MIT
// One test: the pipeline with every source and sink replaced by connector 'memory', an own
// checkpoint in a fresh folder and a simulated clock, through the steps of the test.
#ifndef FIRESTEEL_TEST_RUN_H
#define FIRESTEEL_TEST_RUN_H

#include "cli/load_plan.h"
#include "cli/test_file.h"

struct test_pipeline { // a .sql file with its .test.sql, as read
    struct plan_request request;
    const char *test_path, *test_folder;
    struct connection *connection; // where the values of a test are evaluated
    struct arena *arena;           // lives until all tests of the file have run
    const struct plan *plan;       // without SETs of a test; NULL: it has mistakes (plan_errors)
    struct str plan_errors;
};

struct test_result {
    bool is_failed;
    size_t line;        // of the step that failed
    struct buf message; // lines
    int64_t elapsed_us;
    int64_t crashes; // --crash: how many crash points it went through
};

// Crashes at steps first, first + every, ..; every 0: none at all.
struct crash_choice {
    int64_t first, every;
};
// Reads the pipeline and makes its plan. False: it cannot be read at all.
MUST_USE bool test_pipeline_load(const char *path, const struct plan_flags *flags,
                                 const struct words *rest, struct arena *arena,
                                 struct test_pipeline *pipeline, struct error *err);
// crashes: after the plain run once more for each passage through a failpoint, failing there.
void test_run(const struct test_pipeline *pipeline, const struct test *test,
              struct crash_choice choice, struct test_result *result);

#endif
