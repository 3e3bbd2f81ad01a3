// SPDX-License-Identifier: MIT
// The watermark's rules, one test each (head of watermark.c). Times are whole seconds.
#include "engine/watermark.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

#define S US_PER_SECOND
static const struct watermark_options options = {
    .delay_us = 10 * S, .idle_timeout_us = 30 * S, .future_skew_us = -1};

// Rows of one partition with these times, as a lane sees them; now in seconds too.
static void see(struct watermark *watermark, uint32_t partition, int64_t now, size_t len,
                const int64_t *times)
{
    int64_t cells[16];
    assert_true(len <= COUNT_OF(cells));
    for (size_t i = 0; i < len; i++)
        cells[i] = times[i] == TIME_MAX_US ? times[i] : times[i] * S;
    struct vector vector = {.data = cells};
    struct watermark_tally tally = {0};
    watermark_tally_add(&tally, &(struct rows_part){.count = len}, &vector, NULL, partition, NULL,
                        watermark_limit_us(watermark, now * S));
    watermark_observe(watermark, &tally, now * S);
    watermark_tally_clear(&tally);
}
#define SEE(watermark, partition, now, ...)                                                        \
    see(watermark, partition, now, COUNT_OF(((int64_t[]){__VA_ARGS__})), (int64_t[]){__VA_ARGS__})

static size_t add(struct watermark *watermark, const char *name, int64_t now)
{
    return watermark_partition(watermark, str_of(name), now * S);
}

static void test_minimum_of_partitions_less_the_delay(void **state)
{
    (void)state;
    struct watermark *watermark = watermark_new(options);
    assert_int_equal(watermark_us(watermark), TIME_MIN_US);
    assert_int_equal(add(watermark, "a", 0), 0);
    assert_int_equal(add(watermark, "b", 0), 1);
    assert_int_equal(add(watermark, "a", 0), 0); // known
    SEE(watermark, 0, 0, 100, 300, 200);
    assert_false(watermark_advance(watermark, 0)); // b has no row yet
    SEE(watermark, 1, 0, 150);
    assert_true(watermark_advance(watermark, 0));
    assert_int_equal(watermark_us(watermark), 140 * S);
    assert_int_equal(watermark_holder(watermark, 0), 1);
    SEE(watermark, 1, 0, 120); // older than its maximum
    assert_false(watermark_advance(watermark, 0));
    assert_int_equal(watermark_us(watermark), 140 * S);
    assert_int_equal(add(watermark, "c", 0), 2);
    SEE(watermark, 2, 0, 50); // a new partition far behind: never back
    assert_false(watermark_advance(watermark, 0));
    assert_int_equal(watermark_us(watermark), 140 * S);
    assert_int_equal(watermark_partition_max_us(watermark, 0), 300 * S);
    watermark_free(watermark);
}

static void test_idle_needs_the_end_and_the_timeout(void **state)
{
    (void)state;
    struct watermark *watermark = watermark_new(options);
    add(watermark, "a", 0);
    add(watermark, "b", 0); // never has a row
    SEE(watermark, 0, 0, 100);
    assert_false(watermark_advance(watermark, 40 * S)); // b is not at its end: it may be slow
    watermark_position(watermark, 1, true, false);
    assert_false(watermark_is_idle(watermark, 1, 29 * S));
    assert_true(watermark_is_idle(watermark, 1, 30 * S));
    assert_true(watermark_advance(watermark, 30 * S));
    assert_int_equal(watermark_us(watermark), 90 * S);
    // Rows wake it up.
    SEE(watermark, 1, 31, 95);
    SEE(watermark, 0, 31, 500);
    assert_false(watermark_advance(watermark, 31 * S));
    // All idle: it stays.
    watermark_position(watermark, 0, true, false);
    assert_false(watermark_advance(watermark, 1000 * S));
    assert_int_equal(watermark_us(watermark), 90 * S);
    assert_int_equal(watermark_holder(watermark, 1000 * S), -1);
    watermark_free(watermark);

    struct watermark_options never = options;
    never.idle_timeout_us = -1;
    watermark = watermark_new(never);
    add(watermark, "a", 0);
    watermark_position(watermark, 0, true, false);
    assert_false(watermark_is_idle(watermark, 0, 1000000 * S));
    watermark_free(watermark);
}

static void test_broken_clocks_do_not_move_it(void **state)
{
    (void)state;
    struct watermark_options skewed = options;
    skewed.future_skew_us = 300 * S;
    struct watermark *watermark = watermark_new(skewed);
    add(watermark, "a", 1000);
    SEE(watermark, 0, 1000, 1300, 1301, 900, TIME_MAX_US);
    assert_true(watermark_advance(watermark, 1000));
    assert_int_equal(watermark_us(watermark), 1290 * S); // exactly at the limit still counts
    assert_int_equal(watermark_future_rows(watermark), 2);
    watermark_free(watermark);

    watermark = watermark_new(options); // no skew set: only infinity is no time
    add(watermark, "a", 0);
    SEE(watermark, 0, 0, 99999, TIME_MAX_US);
    assert_true(watermark_advance(watermark, 0));
    assert_int_equal(watermark_us(watermark), 99989 * S);
    assert_int_equal(watermark_future_rows(watermark), 1);
    watermark_free(watermark);
}

static void test_once_does_not_wait_at_the_end(void **state)
{
    (void)state;
    struct watermark_options once = options;
    once.is_once = true;
    struct watermark *watermark = watermark_new(once);
    add(watermark, "a", 0);
    add(watermark, "b", 0);
    SEE(watermark, 0, 0, 100);
    watermark_position(watermark, 0, true, false);
    watermark_position(watermark, 1, true, false); // empty
    assert_true(watermark_advance(watermark, 0));  // the last rows of a still count
    assert_int_equal(watermark_us(watermark), 90 * S);
    assert_false(watermark_advance(watermark, 0));
    watermark_free(watermark);
}

// Files that are read to the end leave the field: in any order, and in one trigger or many.
static void test_done_partitions_in_any_order(void **state)
{
    (void)state;
    for (int order = 0; order < 3; order++) {
        struct watermark *watermark = watermark_new(options);
        add(watermark, "a", 0);
        add(watermark, "b", 0);
        for (uint32_t i = 0; i < 2; i++) {
            uint32_t partition = order == 1 ? 1 - i : i;
            SEE(watermark, partition, 0, partition == 0 ? 100 : 200);
            watermark_position(watermark, partition, true, true);
            if (order < 2)
                watermark_advance(watermark, 0);
        }
        watermark_advance(watermark, 0);
        assert_int_equal(watermark_us(watermark), 190 * S);
        // A file that appears later holds it only until it was read.
        add(watermark, "c", 5);
        SEE(watermark, 2, 5, 195);
        assert_false(watermark_advance(watermark, 5));
        SEE(watermark, 2, 5, 300);
        watermark_position(watermark, 2, true, true);
        assert_true(watermark_advance(watermark, 5));
        assert_int_equal(watermark_us(watermark), 290 * S);
        watermark_free(watermark);
    }
}

static void test_tally_by_row_with_nulls_and_skips(void **state)
{
    (void)state;
    struct watermark *watermark = watermark_new(options);
    for (int i = 0; i < 3; i++)
        add(watermark, (const char *[]){"a", "b", "c"}[i], 0);
    int64_t times[] = {100 * S, 900 * S, 300 * S, 400 * S, 800 * S, 500 * S};
    uint64_t validity = ~UINT64_C(2); // row 1 is NULL
    uint32_t partitions[] = {0, 0, 1, 2, 2, 2};
    uint16_t selection[] = {0, 1, 2, 4, 5};
    uint8_t skip[] = {0, 0, 0, 1, 0}; // of selected rows: row 4
    struct vector vector = {.data = times, .validity = &validity};
    struct watermark_tally tally = {0};
    watermark_tally_add(&tally, &(struct rows_part){.selection = selection, .count = 5}, &vector,
                        partitions, 0, skip, TIME_MAX_US - 1);
    assert_int_equal(tally.rows[0], 2);
    watermark_observe(watermark, &tally, 0);
    assert_int_equal(tally.rows[0], 0);
    assert_int_equal(watermark_partition_max_us(watermark, 0), 100 * S);
    assert_int_equal(watermark_partition_max_us(watermark, 1), 300 * S);
    assert_int_equal(watermark_partition_max_us(watermark, 2), 500 * S);
    watermark_tally_clear(&tally);
    watermark_free(watermark);
}

static void test_restart_keeps_everything(void **state)
{
    (void)state;
    struct error err = {0};
    AUTO(buf_clear) struct buf base = {0};
    AUTO(buf_clear) struct buf frame = {0};
    struct watermark *watermark = watermark_new(options);
    for (int i = 0; i < 40; i++) { // enough to grow
        char name[16] = "partition-00";
        name[10] = (char)('0' + i / 10);
        name[11] = (char)('0' + i % 10);
        assert_int_equal(add(watermark, name, 0), i);
        SEE(watermark, (uint32_t)i, 0, 100 + i);
    }
    watermark_position(watermark, 7, true, true);
    assert_true(watermark_advance(watermark, 0));
    watermark_encode(watermark, true, &base);
    SEE(watermark, 0, 0, 700);
    watermark_advance(watermark, 0);
    watermark_encode(watermark, false, &frame);
    assert_true(frame.len < base.len / 10); // only what changed

    struct watermark *again = watermark_new(options);
    add(again, "new", 0);
    assert_true(watermark_decode(again, buf_str(&base), 0, &err));
    assert_int_equal(watermark_us(again), 90 * S);
    assert_true(watermark_decode(again, buf_str(&frame), 0, &err));
    assert_int_equal(watermark_us(again), 91 * S);
    assert_int_equal(watermark_partitions_len(again), 41);
    assert_int_equal(watermark_partition_max_us(again, add(again, "partition-00", 0)), 700 * S);
    assert_true(watermark_is_idle(again, add(again, "partition-07", 0), 0));
    assert_false(watermark_is_idle(again, add(again, "partition-08", 0), 0));
    for (size_t cut = 0; cut < frame.len; cut++)
        assert_false(watermark_decode(again, str_slice(buf_str(&frame), 0, cut), 0, &err));
    watermark_free(again);
    watermark_free(watermark);
}

static void test_end_of_time_and_words(void **state)
{
    (void)state;
    AUTO(buf_clear) struct buf text = {0};
    struct watermark *watermark = watermark_new(options);
    add(watermark, "input/3", 0);
    SEE(watermark, 0, 0, 1705314600);
    watermark_advance(watermark, 0);
    watermark_position(watermark, 0, true, false);
    watermark_explain(watermark, 10 * S, &text);
    assert_string_equal(buf_cstr(&text),
                        "watermark: 2024-01-15T10:29:50.000Z; held back by input/3, whose newest "
                        "event is of 2024-01-15T10:30:00.000Z; at its end, idle in 20s");
    watermark_raise(watermark, 1705314500 * S); // lower: nothing
    assert_int_equal(watermark_us(watermark), 1705314590 * S);
    watermark_raise(watermark, 1705314595 * S);
    assert_int_equal(watermark_us(watermark), 1705314595 * S);
    watermark_finish(watermark);
    assert_int_equal(watermark_us(watermark), TIME_MAX_US);
    assert_false(watermark_advance(watermark, 0));
    watermark_free(watermark);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_minimum_of_partitions_less_the_delay),
        cmocka_unit_test(test_idle_needs_the_end_and_the_timeout),
        cmocka_unit_test(test_broken_clocks_do_not_move_it),
        cmocka_unit_test(test_once_does_not_wait_at_the_end),
        cmocka_unit_test(test_done_partitions_in_any_order),
        cmocka_unit_test(test_tally_by_row_with_nulls_and_skips),
        cmocka_unit_test(test_restart_keeps_everything),
        cmocka_unit_test(test_end_of_time_and_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
