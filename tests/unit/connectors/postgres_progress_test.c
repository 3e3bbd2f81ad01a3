// SPDX-License-Identifier: MIT
// The rules of the progress row, all of them, without a server.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "connectors/postgres/progress_row.h"

static const struct progress_owner owner = {.pipeline = STR("p"),
                                            .group = STR("u@d"),
                                            .checkpoint = STR("ours"),
                                            .generation = 5,
                                            .writer = "me"};
static const struct progress none = {0};

static struct progress row(const char *checkpoint, uint64_t generation, uint64_t epoch,
                           const char *writer)
{
    struct progress progress = {
        .exists = true, .has_epoch = true, .epoch = epoch, .generation = generation};
    strncpy(progress.checkpoint, checkpoint, sizeof(progress.checkpoint) - 1);
    strncpy(progress.writer, writer, sizeof(progress.writer) - 1);
    return progress;
}

static void check(struct progress now, struct progress seen, uint64_t epoch, uint64_t previous,
                  enum progress_verdict expected)
{
    assert_int_equal(progress_judge(&now, &seen, &owner, epoch, previous), expected);
}

static void test_order_of_epochs(void **state)
{
    (void)state;
    check(row("ours", 5, 7, "me"), none, 8, 7, PROGRESS_APPLY);
    check(row("ours", 5, 3, "me"), none, 8, 3, PROGRESS_APPLY); // epochs without rows between
    check(row("ours", 5, 8, "me"), none, 8, 7, PROGRESS_DONE);  // a COMMIT without an answer
    check(row("ours", 5, 9, "me"), none, 8, 7, PROGRESS_DONE);
    check(row("ours", 5, 6, "me"), none, 8, 7, PROGRESS_GAP); // the database was restored
    check(row("ours", 5, 7, "me"), none, 8, UINT64_MAX, PROGRESS_APPLY);
}

static void test_no_row(void **state)
{
    (void)state;
    check(none, none, 1, 0, PROGRESS_APPLY);
    check(none, none, 9, 0, PROGRESS_APPLY); // a sink that is new in an old pipeline
    check(none, none, 9, 8, PROGRESS_GAP);   // the database was made anew
}

static void test_another_checkpoint(void **state)
{
    (void)state;
    check(row("theirs", 1, 7, "x"), none, 8, 7, PROGRESS_FOREIGN);
    check(row("theirs", 9, 99, "me"), none, 8, 7, PROGRESS_FOREIGN);
}

static void test_generations(void **state)
{
    (void)state;
    struct progress before = row("ours", 4, 7, "last run");
    check(before, before, 8, 7, PROGRESS_APPLY);
    // The last run, still alive, delivered one more after we looked: it is in our journal, too.
    check(row("ours", 4, 8, "last run"), before, 8, 7, PROGRESS_DONE);
    check(row("ours", 6, 7, "next run"), before, 8, 7, PROGRESS_FENCED);
    check(row("ours", 6, 8, "next run"), before, 8, 7, PROGRESS_FENCED);
    // A copy of the checkpoint, started as often.
    check(row("ours", 5, 8, "twin"), before, 8, 7, PROGRESS_FENCED);
    // An older checkpoint, put back: what was there at start is not a rival ..
    struct progress newer = row("ours", 9, 7, "past");
    check(newer, newer, 8, 7, PROGRESS_APPLY);
    // .. but its run is, when it goes on.
    check(row("ours", 9, 8, "past, still alive"), newer, 8, 7, PROGRESS_FENCED);
    check(row("ours", 10, 8, "x"), newer, 8, 7, PROGRESS_FENCED);
}

static void test_adopted(void **state)
{
    (void)state;
    struct progress ahead = row("ours", 4, 10, "past");
    // `state adopt` counted the journal up to 10; its last delivery is 5.
    check(ahead, ahead, 11, 5, PROGRESS_APPLY);
    check(row("ours", 4, 12, "past"), ahead, 13, 5, PROGRESS_GAP); // not what was adopted
    struct progress open = row("ours", 5, 0, "");
    open.has_epoch = false;
    check(open, open, 11, 5, PROGRESS_APPLY);
    check(open, open, 1, 0, PROGRESS_APPLY);
}

static void test_words(void **state)
{
    (void)state;
    struct progress other = row("theirs", 6, 7, "x");
    struct error err = {0};
    assert_false(progress_refuse(PROGRESS_FOREIGN, &other, &owner, 5, &err));
    assert_int_equal(error_exit_code(&err), EXIT_REFUSED);
    assert_non_null(strstr(err.text, "checkpoint theirs"));
    assert_non_null(strstr(err.text, "firesteel state adopt"));
    assert_false(progress_refuse(PROGRESS_FENCED, &other, &owner, 5, &err));
    assert_int_equal(err.kind, ERROR_FATAL);
    assert_non_null(strstr(err.text, "generation 6"));
    assert_false(progress_refuse(PROGRESS_GAP, &other, &owner, 9, &err));
    assert_int_equal(error_exit_code(&err), EXIT_REFUSED);
    assert_non_null(strstr(err.text, "SET epoch = NULL"));
}

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *state;
        enum error_kind kind;
    } cases[] = {{"", ERROR_RETRY},      {"57P01", ERROR_RETRY}, {"57P03", ERROR_RETRY},
                 {"40P01", ERROR_RETRY}, {"55P03", ERROR_RETRY}, {"53100", ERROR_RETRY},
                 {"28P01", ERROR_USER},  {"3D000", ERROR_USER},  {"42P01", ERROR_USER},
                 {"42501", ERROR_USER},  {"23502", ERROR_DATA},  {"22P02", ERROR_DATA},
                 {"XX000", ERROR_FATAL}};
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(postgres_kind(cases[i].state), cases[i].kind);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_of_epochs),
        cmocka_unit_test(test_no_row),
        cmocka_unit_test(test_another_checkpoint),
        cmocka_unit_test(test_generations),
        cmocka_unit_test(test_adopted),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
