// SPDX-License-Identifier: MIT
// The journal under every crash and every kind of damage. What may come out after a reopen is
// always stated by what the writer was told: an append that returned true is there; one that failed
// may be there or not, as a whole, and nothing else may.
#include "base/failpoint.h"
#include "base/hash.h"
#include "base/log.h"
#include "engine/journal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// What a visit saw: epochs from base_epoch to last_epoch, each with the payload that belongs to it.
struct seen {
    bool has_base;
    uint64_t base_epoch, last_epoch;
    bool is_wrong;
};

static char folder[256];

static void payload_of(bool is_base, uint64_t epoch, struct buf *out)
{
    buf_print(out, "%s of epoch %llu:", is_base ? "base" : "frame", (unsigned long long)epoch);
    for (uint64_t i = 0; i < 5 + epoch % 7; i++)
        buf_add_u32(out, (uint32_t)(epoch * 1000 + i));
}

static bool visit(void *context, bool is_base, uint64_t epoch, struct str payload,
                  struct error *err)
{
    (void)err;
    struct seen *seen = context;
    AUTO(buf_clear) struct buf expected = {0};
    payload_of(is_base, epoch, &expected);
    if (!str_equal(payload, buf_str(&expected)) || is_base == seen->has_base ||
        (!is_base && epoch != seen->last_epoch + 1))
        seen->is_wrong = true;
    if (is_base) {
        seen->has_base = true;
        seen->base_epoch = epoch;
    }
    seen->last_epoch = epoch;
    return true;
}

static struct journal *open_journal(struct seen *seen, struct error *err)
{
    *seen = (struct seen){0};
    *err = (struct error){0};
    return journal_open(folder, visit, seen, err);
}

static bool append(struct journal *journal, uint64_t epoch, struct error *err)
{
    AUTO(buf_clear) struct buf payload = {0};
    payload_of(false, epoch, &payload);
    return journal_append(journal, epoch, buf_str(&payload), err);
}

static bool rebase(struct journal *journal, uint64_t epoch, struct error *err)
{
    AUTO(buf_clear) struct buf payload = {0};
    payload_of(true, epoch, &payload);
    return journal_rebase(journal, epoch, buf_str(&payload), err);
}

static void remove_folder(void)
{
    struct error err = {0};
    assert_true(folder_remove_tree(folder, &err));
}

// What a writer was told, so what must and what may be found.
struct promise {
    bool is_open;      // the checkpoint exists for sure
    bool has_base;     // some rebase returned true
    uint64_t sure;     // newest epoch that must be there
    uint64_t possible; // newest epoch that may be there
};

// One life of a job: open, go on from what is there for `frames` epochs with a rebase each third.
static void live(struct promise *promise, int frames)
{
    struct seen seen;
    struct error err;
    struct journal *journal = open_journal(&seen, &err);
    if (journal == NULL)
        return;
    promise->is_open = true;
    assert_false(seen.is_wrong);
    uint64_t epoch = seen.last_epoch;
    bool good = true;
    if (journal_is_new(journal)) {
        good = rebase(journal, 0, &err);
        promise->has_base |= good;
    }
    for (int i = 0; good && i < frames; i++) {
        promise->possible = epoch + 1;
        good = append(journal, epoch + 1, &err);
        if (!good)
            break;
        promise->sure = ++epoch;
        if (epoch % 3 == 0)
            good = rebase(journal, epoch, &err);
    }
    journal_close(journal);
}

// Opens without failpoints and compares with the promise.
static void check_promise(const struct promise *promise, const char *where)
{
    struct seen seen;
    struct error err;
    struct journal *journal = open_journal(&seen, &err);
    if (journal == NULL)
        fail_msg("%s: does not open again: %s", where, err.text);
    if (seen.is_wrong || (promise->has_base && !seen.has_base) || seen.last_epoch < promise->sure ||
        seen.last_epoch > promise->possible)
        fail_msg("%s: wrong %d, base %d, epoch %llu, wanted %llu..%llu", where, seen.is_wrong,
                 seen.has_base, (unsigned long long)seen.last_epoch,
                 (unsigned long long)promise->sure, (unsigned long long)promise->possible);
    journal_close(journal);
}

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_OFF);
    snprintf(folder, sizeof(folder), "%s/firesteel-journal-%d",
             getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp", (int)getpid());
    failpoint_disarm();
    file_track_unsynced(false);
    remove_folder();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    failpoint_disarm();
    file_track_unsynced(false);
    remove_folder();
    return 0;
}

static void test_reopen_gives_what_was_written(void **state)
{
    (void)state;
    struct seen seen;
    struct error err;
    struct journal *journal = open_journal(&seen, &err);
    assert_non_null(journal);
    assert_true(journal_is_new(journal));
    assert_int_equal(journal_identity(journal)->generation, 1);
    char uuid[37];
    memcpy(uuid, journal_identity(journal)->uuid, sizeof(uuid));
    assert_int_equal(strlen(uuid), 36);
    assert_true(rebase(journal, 0, &err));
    assert_int_equal(journal_frame_bytes(journal), 0);
    for (uint64_t epoch = 1; epoch <= 5; epoch++)
        assert_true(append(journal, epoch, &err));
    assert_true(journal_frame_bytes(journal) > 5 * 32);
    journal_close(journal);

    journal = open_journal(&seen, &err);
    assert_non_null(journal);
    assert_false(journal_is_new(journal));
    assert_false(seen.is_wrong);
    assert_int_equal(seen.last_epoch, 5);
    assert_int_equal(journal_identity(journal)->generation, 2);
    assert_string_equal(journal_identity(journal)->uuid, uuid);
    assert_true(rebase(journal, 5, &err));
    assert_true(append(journal, 6, &err));
    journal_close(journal);

    char path[300];
    snprintf(path, sizeof(path), "%s/journal-00000001", folder);
    assert_false(path_exists(path));
    struct journal_identity identity;
    int64_t torn;
    seen = (struct seen){0};
    assert_true(journal_read(folder, visit, &seen, &identity, &torn, &err));
    assert_int_equal(seen.base_epoch, 5);
    assert_int_equal(seen.last_epoch, 6);
    assert_int_equal(identity.generation, 2);
    assert_int_equal(torn, 0);
}

static void test_second_start_is_turned_away(void **state)
{
    (void)state;
    struct seen seen;
    struct error err;
    struct journal *journal = open_journal(&seen, &err);
    assert_non_null(journal);
    assert_null(open_journal(&seen, &err));
    assert_int_equal(error_exit_code(&err), EXIT_LATER);
    char pid[16];
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    assert_non_null(strstr(err.text, pid));
    journal_close(journal);
}

static bool refuse(void *context, bool is_base, uint64_t epoch, struct str payload,
                   struct error *err)
{
    (void)context, (void)is_base, (void)epoch, (void)payload;
    return error_set(err, ERROR_USER, "another plan");
}

static void test_refused_start_raises_no_generation(void **state)
{
    (void)state;
    struct promise promise = {0};
    live(&promise, 2);
    struct error err = {0};
    assert_null(journal_open(folder, refuse, NULL, &err));
    assert_string_equal(err.text, "another plan");
    struct journal_identity identity;
    struct seen seen = {0};
    int64_t torn;
    assert_true(journal_read(folder, visit, &seen, &identity, &torn, &err));
    assert_int_equal(identity.generation, 1);
    assert_int_equal(seen.last_epoch, 2);
    check_promise(&promise, "after a refused start"); // and the lock is free again
}

// Crash at the k-th step of a life of 7 epochs, for every k; each step is a failpoint of the
// journal or an operation of the file layer. A dead process does nothing more.
static void crash_everywhere(bool loses_unsynced)
{
    char where[128];
    struct promise counted = {0};
    failpoint_crash_at_step(0);
    live(&counted, 7);
    int64_t steps = failpoint_steps();
    failpoint_disarm();
    assert_true(steps > 60);
    for (int64_t step = 1; step <= steps; step++) {
        remove_folder();
        struct promise promise = {0};
        file_track_unsynced(loses_unsynced);
        failpoint_crash_at_step(step);
        live(&promise, 7);
        snprintf(where, sizeof(where), "step %lld at %s%s", (long long)step, failpoint_last(),
                 loses_unsynced ? ", power loss" : "");
        failpoint_disarm();
        if (loses_unsynced)
            file_drop_unsynced();
        file_track_unsynced(false);
        check_promise(&promise, where);
        // Life goes on from there.
        live(&promise, 2);
        check_promise(&promise, where);
    }
}

static void test_crash_at_every_step(void **state)
{
    (void)state;
    crash_everywhere(false);
}

static void test_power_loss_at_every_step(void **state)
{
    (void)state;
    crash_everywhere(true);
}

// A crash, then crashes during the recovery from it, three deep, all with power loss.
static void test_crash_during_recovery(void **state)
{
    (void)state;
    uint64_t random = 20240115;
    for (int round = 0; round < 40; round++) {
        remove_folder();
        struct promise promise = {0};
        live(&promise, 4);
        for (int depth = 0; depth < 4; depth++) {
            file_track_unsynced(true);
            failpoint_crash_at_step((int64_t)(random_next(&random) % (depth == 0 ? 60 : 14)) + 1);
            live(&promise, 7);
            failpoint_disarm();
            file_drop_unsynced();
            file_track_unsynced(false);
        }
        char where[32];
        snprintf(where, sizeof(where), "round %d", round);
        check_promise(&promise, where);
    }
}

// A killed process leaves a whole frame that was never fsynced. The next start counts it and acts
// on it, so a power loss after that start must not take it back.
static void test_found_frame_is_made_durable(void **state)
{
    (void)state;
    struct seen seen;
    struct error err = {0};
    struct promise promise = {0};
    live(&promise, 1);
    file_track_unsynced(true);
    assert_true(failpoint_arm("journal.before_fsync=crash", &err));
    live(&promise, 1); // the kill
    failpoint_disarm();
    struct journal *journal = open_journal(&seen, &err);
    assert_non_null(journal);
    assert_int_equal(seen.last_epoch, 2);
    journal_close(journal);
    file_drop_unsynced();
    file_track_unsynced(false);
    promise.sure = promise.possible = 2;
    check_promise(&promise, "power loss after a start");
}

static void test_every_failpoint_is_passed(void **state)
{
    (void)state;
    static const char *const names[] = {
        "journal.before_write",   "journal.inside_write",   "journal.before_fsync",
        "journal.after_fsync",    "journal.rebase_written", "journal.rebase_renamed",
        "journal.rebase_removed",
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        for (int passage = 1; passage <= 2; passage++) {
            char spec[64];
            struct error err = {0};
            remove_folder();
            struct promise promise = {0};
            snprintf(spec, sizeof(spec), "%s@%d=crash", names[i], passage);
            assert_true(failpoint_arm(spec, &err));
            live(&promise, 7);
            failpoint_disarm();
            if (promise.sure == 7)
                fail_msg("%s was never passed", spec);
            check_promise(&promise, spec);
        }
    }
}

static void test_full_disk_may_be_repeated(void **state)
{
    (void)state;
    static const char *const specs[] = {"file.write=enospc", "file.write@2=enospc",
                                        "file.write=short", "file.write@2=short"};
    struct seen seen;
    struct error err;
    struct journal *journal = open_journal(&seen, &err);
    assert_non_null(journal);
    assert_true(rebase(journal, 0, &err));
    uint64_t epoch = 0;
    for (size_t i = 0; i < COUNT_OF(specs); i++) {
        int64_t bytes = journal_frame_bytes(journal);
        assert_true(failpoint_arm(specs[i], &err));
        assert_false(append(journal, epoch + 1, &err));
        assert_int_equal(err.kind, ERROR_RETRY);
        assert_int_equal(journal_frame_bytes(journal), bytes);
        failpoint_disarm();
        assert_true(append(journal, ++epoch, &err));
        // The same for a base: the old file goes on.
        assert_true(failpoint_arm("file.write=enospc", &err));
        assert_false(rebase(journal, epoch, &err));
        assert_int_equal(err.kind, ERROR_RETRY);
        failpoint_disarm();
        assert_true(append(journal, ++epoch, &err));
    }
    assert_true(rebase(journal, epoch, &err));
    assert_true(append(journal, ++epoch, &err));
    journal_close(journal);
    journal = open_journal(&seen, &err);
    assert_non_null(journal);
    assert_false(seen.is_wrong);
    assert_int_equal(seen.last_epoch, epoch);
    journal_close(journal);
}

static void test_failed_fsync_ends_the_journal(void **state)
{
    (void)state;
    struct seen seen;
    struct error err;
    struct journal *journal = open_journal(&seen, &err);
    assert_non_null(journal);
    assert_true(rebase(journal, 0, &err));
    assert_true(failpoint_arm("file.fsync=eio", &err));
    assert_false(append(journal, 1, &err));
    assert_int_equal(err.kind, ERROR_FATAL);
    failpoint_disarm();
    assert_false(append(journal, 1, &err)); // never repeated
    assert_int_equal(err.kind, ERROR_FATAL);
    assert_false(rebase(journal, 1, &err));
    journal_close(journal);
    journal = open_journal(&seen, &err);
    assert_non_null(journal);
    assert_false(seen.is_wrong);
    journal_close(journal);
}

static void test_reserve_is_made_and_given_back(void **state)
{
    (void)state;
    struct seen seen;
    struct error err;
    char path[300];
    snprintf(path, sizeof(path), "%s/reserve", folder);
    struct journal *journal = open_journal(&seen, &err);
    assert_non_null(journal);
    assert_int_equal(path_size(path), 1 << 20);
    assert_true(journal_use_reserve(journal, &err));
    assert_int_equal(path_size(path), -1);
    journal_close(journal);
    journal = open_journal(&seen, &err);
    assert_non_null(journal);
    assert_int_equal(path_size(path), 1 << 20);
    journal_close(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reopen_gives_what_was_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_second_start_is_turned_away, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_start_raises_no_generation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_failpoint_is_passed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_crash_at_every_step, setup, teardown),
        cmocka_unit_test_setup_teardown(test_power_loss_at_every_step, setup, teardown),
        cmocka_unit_test_setup_teardown(test_crash_during_recovery, setup, teardown),
        cmocka_unit_test_setup_teardown(test_found_frame_is_made_durable, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk_may_be_repeated, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failed_fsync_ends_the_journal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reserve_is_made_and_given_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
