// SPDX-License-Identifier: MIT
// The ledger: sums that hold, each sum that fails when a row is lost or counted twice, and counts
// that survive a restart and a changed pipeline.
#include "base/arena.h"
#include "engine/ledger.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

static const struct str constraints[] = {{"has_id", 6}, {"duration", 8}};

// events -> fresh (dedup) -> per_minute (groups) -> sink per_minute; late rows -> sink late_events.
enum { EVENTS, FRESH, PER_MINUTE, SINK, LATE_SINK };

static struct ledger *make(void)
{
    struct ledger *ledger = ledger_new();
    const struct ledger_entry entries[] = {
        {.name = STR("events"),
         .from = -1,
         .late_into = -1,
         .is_one_to_one = true,
         .constraints = constraints,
         .constraints_len = 2},
        {.name = STR("fresh"), .from = EVENTS, .late_into = -1, .is_one_to_one = true},
        {.name = STR("per_minute"), .from = FRESH, .late_into = LATE_SINK},
        {.name = STR("per_minute"), .from = PER_MINUTE, .late_into = -1, .is_sink = true},
        {.name = STR("late_events"), .from = -1, .late_into = -1, .is_sink = true},
    };
    for (size_t i = 0; i < COUNT_OF(entries); i++)
        assert_int_equal(ledger_add_entry(ledger, &entries[i]), i);
    return ledger;
}

static void count(struct ledger *ledger, int64_t *lane, int entry, enum ledger_term term,
                  int64_t rows)
{
    lane[ledger_slot(ledger, entry, term)] += rows;
}

// 1,234 rows: 4 undecodable, 10 + 20 rejected, 1,200 on; 100 duplicates; 50 late; 900 closed in 30
// groups, 150 in open windows.
static struct ledger *filled(void)
{
    struct ledger *ledger = make();
    int64_t *lane = ledger_lane_new(ledger);
    count(ledger, lane, EVENTS, LEDGER_ROWS_IN, 1234);
    count(ledger, lane, EVENTS, LEDGER_UNDECODABLE, 4);
    lane[ledger_rejected_slot(ledger, EVENTS, 0)] += 10;
    lane[ledger_rejected_slot(ledger, EVENTS, 1)] += 20;
    count(ledger, lane, EVENTS, LEDGER_PASSED, 1200);
    count(ledger, lane, EVENTS, LEDGER_ROWS_OUT, 1200);
    count(ledger, lane, EVENTS, LEDGER_WARNED, 77);
    ledger_merge(ledger, lane);
    count(ledger, lane, FRESH, LEDGER_ROWS_IN, 1200);
    count(ledger, lane, FRESH, LEDGER_DUPLICATE, 100);
    count(ledger, lane, FRESH, LEDGER_PASSED, 1100);
    count(ledger, lane, FRESH, LEDGER_ROWS_OUT, 1100);
    count(ledger, lane, PER_MINUTE, LEDGER_ROWS_IN, 1100);
    count(ledger, lane, PER_MINUTE, LEDGER_LATE, 50);
    ledger_merge(ledger, lane);
    heap_free(lane);
    ledger_count(ledger, PER_MINUTE, LEDGER_PASSED, 900);
    ledger_set(ledger, PER_MINUTE, LEDGER_IN_STATE, 150);
    ledger_count(ledger, PER_MINUTE, LEDGER_MADE, 30);
    ledger_count(ledger, PER_MINUTE, LEDGER_ROWS_OUT, 30);
    ledger_count(ledger, SINK, LEDGER_ROWS_IN, 30);
    ledger_count(ledger, SINK, LEDGER_PASSED, 25);
    ledger_set(ledger, SINK, LEDGER_IN_STATE, 5);
    ledger_count(ledger, LATE_SINK, LEDGER_ROWS_IN, 50);
    ledger_count(ledger, LATE_SINK, LEDGER_PASSED, 50);
    return ledger;
}

static void assert_balances(const struct ledger *ledger)
{
    AUTO(buf_clear) struct buf problems = {0};
    if (!ledger_check(ledger, &problems))
        fail_msg("%s", buf_cstr(&problems));
}

static void test_sums_hold(void **state)
{
    (void)state;
    struct ledger *ledger = filled();
    assert_balances(ledger);
    assert_int_equal(ledger_rejected_sum(ledger, EVENTS), 30);
    assert_int_equal(ledger_value(ledger, FRESH, LEDGER_DUPLICATE), 100);
    assert_int_equal(ledger_find(ledger, STR("late_events")), LATE_SINK);
    assert_int_equal(ledger_find(ledger, STR("nobody")), -1);
    ledger_free(ledger);
}

// One row too many in any counter that a sum holds must be seen, and named.
static void test_every_term_can_fail(void **state)
{
    (void)state;
    for (int entry = EVENTS; entry <= LATE_SINK; entry++) {
        for (int term = 0; term < LEDGER_TERMS; term++) {
            bool is_sink = entry >= SINK;
            if (term == LEDGER_WARNED || (term == LEDGER_MADE && entry != PER_MINUTE) ||
                (term == LEDGER_ROWS_OUT && is_sink))
                continue;
            struct ledger *ledger = filled();
            AUTO(buf_clear) struct buf problems = {0};
            ledger_count(ledger, entry, (enum ledger_term)term, 1);
            if (ledger_check(ledger, &problems))
                fail_msg("entry %d, term %d: one row too many goes unseen", entry, term);
            assert_true(problems.len > 0);
            ledger_free(ledger);
        }
    }
    struct ledger *ledger = filled();
    AUTO(buf_clear) struct buf problems = {0};
    ledger_count(ledger, FRESH, LEDGER_DUPLICATE, -1);
    assert_false(ledger_check(ledger, &problems));
    assert_string_equal(buf_cstr(&problems),
                        "fresh: rows_in is 1200, but passed + filtered + duplicate + late + "
                        "undecodable + in_state + rejected is 1199 (difference 1)");
    ledger_free(ledger);
}

static void test_restart_keeps_the_counts(void **state)
{
    (void)state;
    struct error err = {0};
    AUTO(buf_clear) struct buf bytes = {0};
    AUTO(buf_clear) struct buf before = {0};
    AUTO(buf_clear) struct buf after = {0};
    struct ledger *ledger = filled(), *again = make();
    ledger_encode(ledger, &bytes);
    ledger_count(again, EVENTS, LEDGER_ROWS_IN, 99); // decode replaces
    assert_true(ledger_decode(again, buf_str(&bytes), &err));
    assert_balances(again);
    ledger_print_json(ledger, &before);
    ledger_print_json(again, &after);
    assert_string_equal(buf_cstr(&before), buf_cstr(&after));
    for (size_t cut = 0; cut < bytes.len; cut++)
        assert_false(ledger_decode(again, str_slice(buf_str(&bytes), 0, cut), &err));
    ledger_free(ledger);
    ledger_free(again);
}

// A second consumer and another constraint after a restart: the past must not unbalance the
// present.
static void test_changed_pipeline_balances(void **state)
{
    (void)state;
    struct error err = {0};
    AUTO(buf_clear) struct buf bytes = {0};
    AUTO(buf_clear) struct buf later = {0};
    struct ledger *ledger = filled();
    ledger_encode(ledger, &bytes);
    ledger_free(ledger);
    for (int round = 0; round < 2; round++) {
        ledger = ledger_new();
        struct str only[] = {STR("another")};
        ledger_add_entry(ledger, &(struct ledger_entry){.name = STR("events"),
                                                        .from = -1,
                                                        .late_into = -1,
                                                        .is_one_to_one = true,
                                                        .constraints = only,
                                                        .constraints_len = 1});
        ledger_add_entry(ledger,
                         &(struct ledger_entry){
                             .name = STR("raw"), .from = 0, .late_into = -1, .is_sink = true});
        assert_true(ledger_decode(ledger, buf_str(round == 0 ? &bytes : &later), &err));
        assert_balances(ledger);
        assert_int_equal(ledger_value(ledger, 1, LEDGER_ROWS_IN), round * 6);
        ledger_count(ledger, 0, LEDGER_ROWS_IN, 6);
        ledger_count(ledger, 0, LEDGER_PASSED, 6);
        ledger_count(ledger, 0, LEDGER_ROWS_OUT, 6);
        assert_false(ledger_check(ledger, NULL));
        ledger_count(ledger, 1, LEDGER_ROWS_IN, 6);
        ledger_count(ledger, 1, LEDGER_PASSED, 6);
        assert_balances(ledger);
        buf_reset(&later);
        ledger_encode(ledger, &later);
        ledger_free(ledger);
    }
}

// Upserts repeat rows: such a sink is added with from = -1 and only its own sum is held.
static void test_sink_of_upserts(void **state)
{
    (void)state;
    struct ledger *ledger = filled();
    int sink = ledger_add_entry(
        ledger, &(struct ledger_entry){
                    .name = STR("changes"), .from = -1, .late_into = -1, .is_sink = true});
    ledger_count(ledger, sink, LEDGER_ROWS_IN, 500);
    assert_false(ledger_check(ledger, NULL));
    ledger_count(ledger, sink, LEDGER_PASSED, 500);
    assert_balances(ledger);
    ledger_count_rejected(ledger, EVENTS, 1, 3);
    assert_int_equal(ledger_rejected(ledger, EVENTS, 1), 23);
    ledger_free(ledger);
}

static void test_print(void **state)
{
    (void)state;
    AUTO(buf_clear) struct buf text = {0};
    struct ledger *ledger = filled();
    ledger_print(ledger, &text);
    const char *printed = buf_cstr(&text);
    assert_non_null(strstr(printed, "\nevents: constraint duration rejected 20\n"));
    assert_non_null(
        strstr(printed, "\nevents: 1,234 rows in = 4 undecodable + 30 rejected + 1,200 passed\n"));
    assert_non_null(strstr(printed, "\nthe ledger balances\n"));
    assert_null(strstr(printed, "filtered")); // nobody has any
    ledger_count(ledger, EVENTS, LEDGER_LATE, 1);
    buf_reset(&text);
    ledger_print(ledger, &text);
    assert_non_null(strstr(buf_cstr(&text), "THE LEDGER DOES NOT BALANCE\nevents: rows_in is "));
    ledger_free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_hold),
        cmocka_unit_test(test_every_term_can_fail),
        cmocka_unit_test(test_restart_keeps_the_counts),
        cmocka_unit_test(test_changed_pipeline_balances),
        cmocka_unit_test(test_sink_of_upserts),
        cmocka_unit_test(test_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
