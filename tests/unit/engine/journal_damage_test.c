// SPDX-License-Identifier: MIT
// Damage: every byte of a small checkpoint flipped, every length cut, every tail zeroed. Allowed is
// the same content, the content without a last frame that the damage touched, or a refusal that
// names the file and the repair. Then the repair itself is held to what it promises.
#include "base/hash.h"
#include "base/log.h"
#include "engine/journal_format.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAMES 4

static char folder[256], journal_file[300], generation_file[300];
static struct buf journal_bytes, generation_bytes;
static size_t record_at[FRAMES + 2]; // start of the base, of frame 1 .., and the end

struct found {
    uint64_t epochs; // base counts as 0, frames as 1..
    bool has_base, is_wrong;
};

static struct str payload_of(bool is_base, uint64_t epoch, char *text, size_t size)
{
    int len = snprintf(text, size, "%s payload %d", is_base ? "base" : "frame", (int)epoch);
    return (struct str){text, (size_t)len};
}

static bool visit(void *context, bool is_base, uint64_t epoch, struct str payload,
                  struct error *err)
{
    (void)err;
    struct found *found = context;
    char text[64];
    found->is_wrong |= !str_equal(payload, payload_of(is_base, epoch, text, sizeof(text)));
    found->is_wrong |= is_base == found->has_base || (!is_base && epoch != found->epochs + 1);
    found->has_base = true;
    found->epochs = epoch;
    return true;
}

static void put(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

static void put_back(void)
{
    put(journal_file, journal_bytes.ptr, journal_bytes.len);
    put(generation_file, generation_bytes.ptr, generation_bytes.len);
}

static int group_setup(void **state)
{
    (void)state;
    struct error err = {0};
    log_set_level(LOG_OFF);
    snprintf(folder, sizeof(folder), "%s/firesteel-damage-%d",
             getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp", (int)getpid());
    snprintf(journal_file, sizeof(journal_file), "%s/journal-00000001", folder);
    snprintf(generation_file, sizeof(generation_file), "%s/generation", folder);
    assert_true(folder_remove_tree(folder, &err));
    struct found found = {0};
    char text[64];
    struct journal *journal = journal_open(folder, visit, &found, &err);
    assert_non_null(journal);
    record_at[0] = JOURNAL_HEADER_BYTES;
    assert_true(journal_rebase(journal, 0, payload_of(true, 0, text, sizeof(text)), &err));
    for (uint64_t epoch = 1; epoch <= FRAMES; epoch++) {
        record_at[epoch] = (size_t)path_size(journal_file);
        assert_true(
            journal_append(journal, epoch, payload_of(false, epoch, text, sizeof(text)), &err));
    }
    record_at[FRAMES + 1] = (size_t)path_size(journal_file);
    journal_close(journal);
    assert_true(file_read_whole(journal_file, &journal_bytes, &err));
    assert_true(file_read_whole(generation_file, &generation_bytes, &err));
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    struct error err = {0};
    buf_clear(&journal_bytes);
    buf_clear(&generation_bytes);
    return folder_remove_tree(folder, &err) ? 0 : 1;
}

// Opens what is there. damage_at: first byte of the journal file that may differ.
static bool check_open(size_t damage_at, const char *what, size_t byte)
{
    struct found found = {0}, read = {0};
    struct error err = {0};
    struct journal_identity identity;
    int64_t torn;
    bool readable = journal_read(folder, visit, &read, &identity, &torn, &err);
    struct journal *journal = journal_open(folder, visit, &found, &err);
    if ((journal != NULL) != readable)
        fail_msg("%s at %zu: read-only and writing reader disagree: %s", what, byte, err.text);
    if (journal == NULL) {
        if (error_exit_code(&err) != EXIT_REFUSED || strstr(err.text, folder) == NULL ||
            strstr(err.text, "estore") == NULL)
            fail_msg("%s at %zu: refusal does not help: %s", what, byte, err.text);
        return false;
    }
    journal_close(journal);
    if (found.is_wrong || !found.has_base || found.epochs != read.epochs)
        fail_msg("%s at %zu: wrong content", what, byte);
    // Only a frame that the damage reaches, with nothing whole behind it, may be missing.
    if (found.epochs < FRAMES && record_at[found.epochs + 1] > damage_at)
        fail_msg("%s at %zu: epoch %d is gone", what, byte, (int)found.epochs + 1);
    if (found.epochs < FRAMES && record_at[found.epochs + 2] <= damage_at)
        fail_msg("%s at %zu: epoch %d is gone too early", what, byte, (int)found.epochs + 1);
    return true;
}

static void test_flipped_bits(void **state)
{
    (void)state;
    char *bytes = journal_bytes.ptr;
    size_t refused = 0;
    for (size_t at = 0; at < journal_bytes.len; at++) {
        for (int bit = 0; bit < 8; bit += 3) {
            put_back();
            bytes[at] = (char)(bytes[at] ^ (1 << bit));
            put(journal_file, bytes, journal_bytes.len);
            bytes[at] = (char)(bytes[at] ^ (1 << bit));
            bool opened = check_open(at, "flip", at);
            // With whole frames behind it the start must refuse, never shorten.
            if (opened && at < record_at[FRAMES])
                fail_msg("flip at %zu went unseen", at);
            refused += !opened;
        }
    }
    assert_true(refused > 0);
    put_back();
}

static void test_cut_lengths(void **state)
{
    (void)state;
    for (size_t len = 0; len < journal_bytes.len; len++) {
        put_back();
        put(journal_file, journal_bytes.ptr, len);
        // A name without a whole base is no crash, and everything behind a base is.
        bool opened = check_open(len, "cut", len);
        assert_int_equal(opened, len >= record_at[1]);
    }
    put_back();
}

static void test_zero_and_garbage_tails(void **state)
{
    (void)state;
    uint64_t random = 7;
    char *bytes = heap_new(journal_bytes.len + 4096);
    for (int garbage = 0; garbage < 2; garbage++) {
        for (size_t from = 0; from <= journal_bytes.len; from++) {
            put_back();
            memcpy(bytes, journal_bytes.ptr, journal_bytes.len);
            for (size_t i = from; i < journal_bytes.len + 4096; i++)
                bytes[i] = garbage ? (char)random_next(&random) : 0;
            put(journal_file, bytes, journal_bytes.len + 4096);
            assert_int_equal(check_open(from, "tail", from), from >= record_at[1]);
        }
    }
    heap_free(bytes);
    put_back();
}

static void test_zeroed_bytes_inside(void **state)
{
    (void)state;
    char *bytes = heap_new(journal_bytes.len);
    for (size_t from = 0; from + 8 <= journal_bytes.len; from++) {
        memcpy(bytes, journal_bytes.ptr, journal_bytes.len);
        memset(bytes + from, 0, 8);
        put_back();
        put(journal_file, bytes, journal_bytes.len);
        check_open(from, "zeros", from);
    }
    heap_free(bytes);
    put_back();
}

static void test_a_record_missing_in_the_middle(void **state)
{
    (void)state;
    char *bytes = heap_new(journal_bytes.len);
    size_t gap = record_at[3] - record_at[2];
    memcpy(bytes, journal_bytes.ptr, record_at[2]);
    memcpy(bytes + record_at[2], journal_bytes.ptr + record_at[3],
           journal_bytes.len - record_at[3]);
    put(journal_file, bytes, journal_bytes.len - gap);
    assert_false(check_open(record_at[2], "gap", record_at[2]));
    heap_free(bytes);
    put_back();
}

static void test_generation_damage(void **state)
{
    (void)state;
    struct error err = {0};
    char *bytes = generation_bytes.ptr;
    for (size_t at = 0; at < generation_bytes.len; at++) {
        put_back();
        bytes[at] = (char)(bytes[at] ^ 1);
        put(generation_file, bytes, generation_bytes.len);
        bytes[at] = (char)(bytes[at] ^ 1);
        assert_false(check_open(journal_bytes.len, "generation", at));
        put(generation_file, bytes, at);
        assert_false(check_open(journal_bytes.len, "generation cut", at));
    }
    put_back();
    assert_true(file_remove(generation_file, &err));
    assert_false(check_open(journal_bytes.len, "no generation", 0));
    AUTO(buf_clear) struct buf report = {0};
    assert_true(journal_repair(folder, &report, &err));
    assert_non_null(strstr(buf_cstr(&report), "generation 1001"));
    assert_true(check_open(journal_bytes.len, "repaired generation", 0));
    put_back();
}

static void test_newer_version_is_refused_with_both(void **state)
{
    (void)state;
    struct error err = {0};
    AUTO(buf_clear) struct buf bytes = {0};
    buf_add_str(&bytes, buf_str(&journal_bytes));
    bytes.ptr[8] = 9;
    uint32_t crc = crc32c(0, bytes.ptr, JOURNAL_HEADER_BYTES - 4);
    memcpy(bytes.ptr + JOURNAL_HEADER_BYTES - 4, &crc, sizeof(crc));
    put(journal_file, bytes.ptr, bytes.len);
    struct found found = {0};
    assert_null(journal_open(folder, visit, &found, &err));
    assert_int_equal(error_exit_code(&err), EXIT_REFUSED);
    assert_non_null(strstr(err.text, "version 9"));
    assert_non_null(strstr(err.text, "version 1"));
    // Repair must not "cure" a file that is only too new.
    AUTO(buf_clear) struct buf report = {0};
    assert_false(journal_repair(folder, &report, &err));
    put_back();
}

static void test_repair(void **state)
{
    (void)state;
    struct error err = {0};
    char aside[320];
    snprintf(aside, sizeof(aside), "%s.damaged", journal_file);
    for (size_t at = 0; at < journal_bytes.len; at += 5) {
        AUTO(buf_clear) struct buf report = {0};
        put_back();
        assert_true(file_remove(aside, &err));
        journal_bytes.ptr[at] ^= 4;
        put(journal_file, journal_bytes.ptr, journal_bytes.len);
        bool repaired = journal_repair(folder, &report, &err);
        bool is_kept = path_exists(aside);
        journal_bytes.ptr[at] ^= 4;
        if (at < record_at[1]) { // nothing to stand on
            assert_false(repaired);
            assert_int_equal(error_exit_code(&err), EXIT_REFUSED);
            continue;
        }
        assert_true(repaired);
        assert_int_equal(is_kept, at < record_at[FRAMES]);
        struct found found = {0};
        struct journal *journal = journal_open(folder, visit, &found, &err);
        assert_non_null(journal);
        journal_close(journal);
        assert_false(found.is_wrong);
        assert_true(record_at[found.epochs + 1] <= at && at < record_at[found.epochs + 2]);
    }
    AUTO(buf_clear) struct buf report = {0};
    put_back();
    assert_true(file_remove(aside, &err));
    assert_true(journal_repair(folder, &report, &err));
    assert_non_null(strstr(buf_cstr(&report), "nothing to repair"));
}

// A new file without a base, the old one still there: repair goes back to the old one.
static void test_repair_goes_back_to_an_older_file(void **state)
{
    (void)state;
    struct error err = {0};
    char newer[300];
    snprintf(newer, sizeof(newer), "%s/journal-00000002", folder);
    put_back();
    put(newer, journal_bytes.ptr, 40);
    assert_false(check_open(0, "newer file", 0));
    AUTO(buf_clear) struct buf report = {0};
    assert_true(journal_repair(folder, &report, &err));
    assert_false(path_exists(newer));
    assert_true(check_open(journal_bytes.len, "older file", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_cut_lengths),
        cmocka_unit_test(test_zero_and_garbage_tails),
        cmocka_unit_test(test_zeroed_bytes_inside),
        cmocka_unit_test(test_a_record_missing_in_the_middle),
        cmocka_unit_test(test_generation_damage),
        cmocka_unit_test(test_newer_version_is_refused_with_both),
        cmocka_unit_test(test_repair),
        cmocka_unit_test(test_repair_goes_back_to_an_older_file),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
