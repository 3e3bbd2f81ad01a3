// SPDX-License-Identifier: MIT
// Exactly once, as a whole: a job with every kind of state (dedup keys, folded groups, kept rows,
// rows that wait for a join, history, rows to deliver, quarantine) is killed at each of its
// failpoints in turn, with the power cut as well, and opened again. What the sinks hold, what is in
// quarantine and what the ledger says must be what an undisturbed run leaves.
//
// Rows are at most 3 s out of order and the watermark is 20 s behind, so no row is late only
// because a trigger was cut otherwise after a crash; rows an hour old are late in any cut.
// FIRESTEEL_EVERY_STEP=1 takes each step; else every few, other ones in each test.
#include "job_case.h"

#define ROUNDS 14
#define ROUND_ROWS 12
#define PARTITIONS 2
#define STEPS_MAX 100000

static const char pipeline[] =
    "SET checkpoint = '${FOLDER}/checkpoint';\n"
    "SET journal_bytes = 6000;\n"
    "SET lanes = 2;\n"
    "SET future_skew = none;\n"
    "SET commit_interval = INTERVAL '5 milliseconds';\n"
    "CREATE SOURCE events (id BIGINT, k VARCHAR, v BIGINT, t TIMESTAMP FORMAT 'unix_ms',\n"
    "  CONSTRAINT has_k EXPECT (k IS NOT NULL) ON VIOLATION QUARANTINE,\n"
    "  CONSTRAINT small EXPECT (v < 1000) ON VIOLATION DROP ROW,\n"
    "  WATERMARK FOR t AS t - INTERVAL '20 seconds')\n"
    "WITH (connector = 'memory', format = 'json');\n"
    "CREATE VIEW fresh LATE INTO late AS SELECT * FROM DEDUP(events, id);\n"
    "CREATE VIEW per_k AS SELECT window_start, window_end, k, count(*) AS n, sum(v) AS s,\n"
    "  arg_max(id, v * 1000000 + id) AS f FROM TUMBLE(fresh, t, INTERVAL '10 seconds') GROUP BY "
    "ALL;\n"
    "CREATE VIEW all_k AS SELECT window_start, window_end, count(DISTINCT k) AS d, sum(v) AS s\n"
    "  FROM TUMBLE(fresh, t, INTERVAL '10 seconds') GROUP BY ALL;\n"
    "CREATE SINK late WITH (connector = 'memory');\n"
    "CREATE SINK plain WITH (connector = 'memory') AS SELECT id, upper(k) AS k FROM fresh\n"
    "  WHERE v % 7 <> 0;\n"
    "CREATE SINK groups WITH (connector = 'memory') FROM per_k;\n"
    "CREATE SINK middles WITH (connector = 'memory') AS SELECT window_start, k, median(v) AS m\n"
    "  FROM HOP(fresh, t, INTERVAL '5 seconds', INTERVAL '10 seconds') GROUP BY ALL;\n"
    "CREATE SINK trend WITH (connector = 'memory') AS SELECT window_start, k, n,\n"
    "  sum(n) OVER (PARTITION BY k ORDER BY window_start ROWS BETWEEN 2 PRECEDING AND CURRENT "
    "ROW)\n"
    "  AS n3 FROM per_k;\n"
    "CREATE SINK shares WITH (connector = 'memory') AS SELECT p.window_start, p.k, p.s, a.s AS "
    "of,\n"
    "  a.d FROM per_k p JOIN all_k a ON p.window_start = a.window_start AND\n"
    "  p.window_end = a.window_end;\n";

static const char *const sinks[] = {"late", "plain", "groups", "middles", "trend", "shares"};

// Round r's rows; the same in every run.
static void add_round(int round)
{
    for (int i = 0; i < ROUND_ROWS; i++) {
        int n = round * ROUND_ROWS + i;
        uint32_t partition = (uint32_t)(n % PARTITIONS);
        int id = n % 10 == 9 ? n - 3 : n;
        int64_t time_ms = CLOCK_START_US / 1000 + (int64_t)id * 600 - id * 7919 % 3000;
        char key[16];
        snprintf(key, sizeof(key), n % 23 == 5 ? "null" : "\"k%d\"", id % 3);
        if (n % 31 == 7)
            case_add("events", partition, "{\"id\": %d, \"k\"", n);
        else if (round >= 9 && i == 4) // an hour old
            case_add("events", partition, "{\"id\": %d, \"k\": \"old\", \"v\": 1, \"t\": %lld}",
                     10000 + n, (long long)(time_ms - 3600000));
        else
            case_add("events", partition, "{\"id\": %d, \"k\": %s, \"v\": %d, \"t\": %lld}", id,
                     key, n % 29 == 3 ? 5000 : id * 13 % 101, (long long)time_ms);
    }
}

// ---- One life
// ------------------------------------------------------------------------------------
struct outcome {
    struct str rows[COUNT_OF(sinks)];
    struct str quarantine, ledger;
    int64_t steps;
};

struct life {
    struct job_case job_case;
    int64_t crash_step;  // 0: undisturbed
    int64_t second_step; // counted from the first crash; 0: none
    bool has_threads;    // as `run --once` does it, not step by step
    char died_at[64];    // the last failpoint
};

static void arm_second(struct life *life)
{
    if (life->second_step == 0 || life->job_case.crashes > 1)
        return;
    failpoint_crash_at_step(life->second_step);
}

// Until it works: each attempt of a dead process is followed by that of the next one.
static void must(struct life *life, bool (*act)(struct job_case *))
{
    struct job_case *job_case = &life->job_case;
    while (!case_open(job_case) || !act(job_case)) {
        if (!case_is_crash(job_case) || job_case->crashes > 2)
            fail_msg("crash at step %lld (%s) and %lld: %s", (long long)life->crash_step,
                     life->died_at, (long long)life->second_step, job_case->err.text);
        if (job_case->crashes == 0)
            snprintf(life->died_at, sizeof(life->died_at), "%s", failpoint_last());
        case_die(job_case);
        arm_second(life);
    }
}

static bool step(struct job_case *job_case)
{
    int64_t rows;
    return job_step(job_case->job, &rows, &job_case->err);
}

static bool commit(struct job_case *job_case)
{
    return step(job_case) && job_commit(job_case->job, &job_case->err);
}

// Past all rows, not the end of time: the watermark is part of what is compared.
static bool close_windows(struct job_case *job_case)
{
    return commit(job_case) &&
           job_advance_time(job_case->job, CLOCK_START_US + 3600 * US_PER_SECOND, &job_case->err) &&
           job_commit(job_case->job, &job_case->err) && job_commit(job_case->job, &job_case->err);
}

static void collect(struct job_case *job_case, struct outcome *outcome)
{
    for (size_t s = 0; s < COUNT_OF(sinks); s++)
        outcome->rows[s] = case_rows(job_case, sinks[s], "\"_watermark\"");
    outcome->quarantine = case_quarantine(job_case);
    AUTO(buf_clear) struct buf ledger = {0};
    job_print_ledger_json(job_case->job, &ledger);
    outcome->ledger = arena_str(&job_case->arena, buf_str(&ledger));
}

static bool run(struct job_case *job_case)
{
    return job_run(job_case->job, &job_case->err);
}

// Readers, lanes and delivery at once, triggers of a few rows, a commit whenever it is time: where
// the n-th failpoint lies differs from run to run, the result must not.
static void run_once(struct life *life)
{
    struct job_case *job_case = &life->job_case;
    job_case->plan->settings.trigger_rows = 4;
    job_case->plan->settings.strict = true; // a ledger that does not add up is an error
    job_case->options.is_test = false;
    job_case->options.execution = EXECUTION_ONCE;
    for (int round = 0; round < ROUNDS; round++)
        add_round(round);
    must(life, run);
    job_close(job_case->job);
    job_case->job = NULL;
    job_case->options.is_test = true;
    job_case->options.execution = EXECUTION_STREAM;
}

static void run_by_steps(struct life *life)
{
    for (int round = 0; round < ROUNDS; round++) {
        add_round(round);
        must(life, round % 3 == 2 ? commit : step);
    }
}

static void live(struct life *life, struct outcome *outcome)
{
    case_begin(&life->job_case, pipeline);
    file_track_unsynced(true);
    failpoint_disarm();
    failpoint_crash_at_step(life->crash_step);
    if (life->has_threads)
        run_once(life);
    else
        run_by_steps(life);
    must(life, close_windows);
    *outcome = (struct outcome){.steps = failpoint_steps()};
    failpoint_disarm();
    collect(&life->job_case, outcome);
}

static void compare(const struct life *life, const char *what, struct str expected,
                    struct str actual)
{
    if (str_equal(expected, actual))
        return;
    fail_msg("crash at step %lld (%s) and %lld changed %s:\n--- undisturbed\n%.*s\n--- now\n%.*s",
             (long long)life->crash_step, life->died_at, (long long)life->second_step, what,
             STR_ARGS(expected), STR_ARGS(actual));
}

static void compare_all(const struct life *life, const struct outcome *expected,
                        const struct outcome *actual)
{
    for (size_t s = 0; s < COUNT_OF(sinks); s++)
        compare(life, sinks[s], expected->rows[s], actual->rows[s]);
    compare(life, "the quarantine", expected->quarantine, actual->quarantine);
    compare(life, "the ledger", expected->ledger, actual->ledger);
}

static int64_t stride(int64_t few)
{
    const char *every = getenv("FIRESTEEL_EVERY_STEP");
    return every != NULL && every[0] != 0 ? 1 : few;
}

// ---- Tests
// ---------------------------------------------------------------------------------------
// The oracle of the oracle: an undisturbed run gives what this file can count by itself.
static void test_undisturbed(void **state)
{
    (void)state;
    struct life life = {0};
    struct outcome outcome;
    live(&life, &outcome);
    struct job_case *job_case = &life.job_case;
    int64_t malformed = 0, invalid = 0, dropped = 0, old = 0, duplicate = 0;
    bool seen[ROUNDS * ROUND_ROWS] = {false};
    for (int n = 0; n < ROUNDS * ROUND_ROWS; n++) {
        int id = n % 10 == 9 ? n - 3 : n;
        if (n % 31 == 7)
            malformed++;
        else if (n / ROUND_ROWS >= 9 && n % ROUND_ROWS == 4)
            old++;
        else if (n % 23 == 5)
            invalid++;
        else if (n % 29 == 3)
            dropped++;
        else if (seen[id])
            duplicate++;
        else
            seen[id] = true;
    }
    assert_int_equal(case_ledger(job_case, "events", "rows_in"), ROUNDS * ROUND_ROWS);
    assert_int_equal(case_ledger(job_case, "events", "undecodable"), malformed);
    assert_int_equal(case_ledger(job_case, "events", "rejected"), invalid + dropped);
    assert_int_equal(case_ledger(job_case, "fresh", "late"), old);
    assert_int_equal(case_ledger(job_case, "fresh", "duplicate"), duplicate);
    assert_int_equal(memory_sink_rows(STR("late")), old);
    for (size_t s = 0; s < COUNT_OF(sinks); s++)
        assert_true(outcome.rows[s].len > 0);
    assert_true(outcome.quarantine.len > 0);
    assert_true(outcome.steps > 100);
    case_end(job_case);
}

static void crash_everywhere(bool has_threads, int64_t first, int64_t every, int64_t second_step)
{
    struct life calm = {.has_threads = has_threads};
    struct outcome expected;
    live(&calm, &expected);
    int64_t crashes = 0;
    for (int64_t at = first; at <= expected.steps && at < STEPS_MAX; at += every) {
        struct life life = {.has_threads = has_threads,
                            .crash_step = at,
                            .second_step =
                                second_step > 0 ? 1 + (at * 7 + crashes) % second_step : 0};
        struct outcome outcome;
        live(&life, &outcome);
        assert_true(has_threads || life.job_case.crashes > 0);
        compare_all(&life, &expected, &outcome);
        crashes += life.job_case.crashes;
        case_end(&life.job_case);
    }
    assert_true(crashes > 0);
    print_message("%lld steps, %lld crashes\n", (long long)expected.steps, (long long)crashes);
    case_end(&calm.job_case);
}

static void test_crash_at_each_step(void **state)
{
    (void)state;
    crash_everywhere(false, 1, stride(23), 0);
}

// The recovery itself is killed, too.
static void test_crash_while_recovering(void **state)
{
    (void)state;
    crash_everywhere(false, 3, stride(53), 40);
}

static void test_crash_with_threads(void **state)
{
    (void)state;
    crash_everywhere(true, 2, stride(41), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_undisturbed),
        cmocka_unit_test(test_crash_at_each_step),
        cmocka_unit_test(test_crash_while_recovering),
        cmocka_unit_test(test_crash_with_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
