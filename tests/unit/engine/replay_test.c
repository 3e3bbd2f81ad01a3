// SPDX-License-Identifier: MIT
// Replay: rows that were put aside go through a corrected pipeline again, each once, whatever crash
// comes in between; rows that are bad again are put aside again, once; the next replay finds only
// those; and the source itself stands where it stood.
//
// The second pipeline text has its constraint relaxed. Rows come in time order and nothing is late,
// unless a test says so.
#include "job_case.h"

#define BEFORE 90 // rows before the replay, 30 a commit
#define AFTER 20
#define STEPS_MAX 10000

#define PIPELINE(constraint)                                                                       \
    "SET checkpoint = '${FOLDER}/checkpoint';\n"                                                   \
    "SET journal_bytes = 3000;\n"                                                                  \
    "SET lanes = 1;\n"                                                                             \
    "SET trigger_rows = 4;\n"                                                                      \
    "SET future_skew = none;\n"                                                                    \
    "SET commit_interval = INTERVAL '1 millisecond';\n"                                            \
    "CREATE SOURCE events (id BIGINT, v BIGINT, t TIMESTAMP FORMAT 'unix_ms',\n"                   \
    "  at_offset BIGINT METADATA FROM 'offset', place VARCHAR METADATA FROM 'partition',\n"        \
    "  CONSTRAINT small EXPECT (" constraint ") ON VIOLATION QUARANTINE,\n"                        \
    "  WATERMARK FOR t AS t - INTERVAL '30 seconds')\n"                                            \
    "WITH (connector = 'memory', format = 'json');\n"                                              \
    "CREATE SINK late WITH (connector = 'memory');\n"                                              \
    "CREATE VIEW fresh LATE INTO late AS SELECT * FROM DEDUP(events, id);\n"                       \
    "CREATE SINK plain WITH (connector = 'memory') AS SELECT id, at_offset, place FROM fresh;\n"   \
    "CREATE SINK groups WITH (connector = 'memory') AS SELECT window_start, count(*) AS n,\n"      \
    "  sum(v) AS s FROM TUMBLE(fresh, t, INTERVAL '10 seconds') GROUP BY ALL;\n"

static const char strict[] = PIPELINE("v < 100");
static const char relaxed[] = PIPELINE("v < 1000");

static bool is_malformed(int n)
{
    return n % 15 == 4;
}

static bool is_odd(int n) // too large for `strict`, small enough for `relaxed`
{
    return n % 5 == 2;
}

static void add_rows(int from, int to)
{
    for (int n = from; n < to; n++) {
        long long time_ms = CLOCK_START_US / 1000 + n * 100;
        if (is_malformed(n))
            case_add("events", (uint32_t)n % 2, "{\"id\": %d, \"v\"", n);
        else
            case_add("events", (uint32_t)n % 2, "{\"id\": %d, \"v\": %d, \"t\": %lld}", n,
                     is_odd(n) ? 500 + n : n % 100, time_ms);
    }
}

static int count(bool (*is)(int), int from, int to)
{
    int len = 0;
    for (int n = from; n < to; n++)
        len += is(n) && (is == is_malformed || !is_malformed(n));
    return len;
}

// ---- Phases
// --------------------------------------------------------------------------------------
struct life {
    struct job_case job_case;
    bool has_threads; // as the command runs it: batches of 4 rows, commits inside a file
    bool replays_twice;
    int64_t crash_step;
    int64_t replayed; // rows, when nothing crashed
};

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s", job_case->err.text);                                                    \
    } while (0)

static void take(struct job_case *job_case)
{
    int64_t rows;
    MUST(case_open(job_case));
    MUST(job_step(job_case->job, &rows, &job_case->err));
    MUST(job_commit(job_case->job, &job_case->err));
}

static void close_job(struct job_case *job_case)
{
    job_close(job_case->job);
    job_case->job = NULL;
}

static void run_before(struct job_case *job_case)
{
    case_begin(job_case, strict);
    for (int n = 0; n < BEFORE; n += 30) {
        add_rows(n, n + 30);
        take(job_case);
    }
    close_job(job_case);
    job_case->plan = case_plan(job_case, relaxed);
    job_case->plan->settings.strict = true; // a ledger that does not add up is an error
}

static bool replay_once(struct life *life)
{
    struct job_case *job_case = &life->job_case;
    if (!case_open(job_case))
        return false;
    int64_t rows = 1;
    if (life->has_threads)
        return job_run(job_case->job, &job_case->err);
    life->replayed = 0;
    while (rows > 0) {
        if (!job_step(job_case->job, &rows, &job_case->err))
            return false;
        life->replayed += rows;
        if (rows > 0 && !job_commit(job_case->job, &job_case->err))
            return false;
    }
    return job_commit(job_case->job, &job_case->err);
}

static void replay(struct life *life)
{
    struct job_case *job_case = &life->job_case;
    job_case->options.replay = true;
    job_case->options.is_test = !life->has_threads;
    job_case->options.execution = life->has_threads ? EXECUTION_ONCE : EXECUTION_STREAM;
    while (!replay_once(life)) {
        if (!case_is_crash(job_case) || job_case->crashes > 0)
            fail_msg("crash at step %lld: %s", (long long)life->crash_step, job_case->err.text);
        case_die(job_case);
    }
    if (life->has_threads) {
        struct job_progress progress;
        job_progress(job_case->job, &progress);
        life->replayed = progress.rows_total;
    }
    close_job(job_case);
}

static void back_to_normal(struct job_case *job_case)
{
    job_case->options.replay = false;
    job_case->options.is_test = true;
    job_case->options.execution = EXECUTION_STREAM;
}

static void run_after(struct job_case *job_case)
{
    back_to_normal(job_case);
    add_rows(BEFORE, BEFORE + AFTER);
    take(job_case);
    MUST(job_advance_time(job_case->job, CLOCK_START_US + 3600 * US_PER_SECOND, &job_case->err));
    MUST(job_commit(job_case->job, &job_case->err));
    MUST(job_commit(job_case->job, &job_case->err));
}

// ---- Once
// ----------------------------------------------------------------------------------------
struct outcome {
    struct str plain, groups, quarantine, ledger;
    int64_t steps;
};

static void collect(struct job_case *job_case, struct outcome *outcome)
{
    outcome->plain = case_rows(job_case, "plain", NULL);
    outcome->groups = case_rows(job_case, "groups", NULL);
    outcome->quarantine = case_quarantine(job_case);
    AUTO(buf_clear) struct buf ledger = {0};
    job_print_ledger_json(job_case->job, &ledger);
    outcome->ledger = arena_str(&job_case->arena, buf_str(&ledger));
}

static void test_replay_takes_each_row_once(void **state)
{
    (void)state;
    struct life life = {0};
    struct job_case *job_case = &life.job_case;
    run_before(job_case);
    int odd = count(is_odd, 0, BEFORE), malformed = count(is_malformed, 0, BEFORE);
    assert_int_equal(memory_sink_rows(STR("plain")), BEFORE - odd - malformed);
    replay(&life);
    assert_int_equal(life.replayed, odd + malformed);
    assert_int_equal(memory_sink_rows(STR("plain")), BEFORE - malformed);
    replay(&life); // only what was bad again
    assert_int_equal(life.replayed, malformed);
    assert_int_equal(memory_sink_rows(STR("plain")), BEFORE - malformed);
    run_after(job_case);
    malformed += count(is_malformed, BEFORE, BEFORE + AFTER);
    assert_int_equal(memory_sink_rows(STR("plain")), BEFORE + AFTER - malformed);
    assert_int_equal(case_ledger(job_case, "fresh", "duplicate"), 0);
    assert_int_equal(case_ledger(job_case, "fresh", "late"), 0);
    case_end(job_case);
}

static void test_nothing_to_replay(void **state)
{
    (void)state;
    struct life life = {0};
    struct job_case *job_case = &life.job_case;
    case_begin(job_case, relaxed);
    job_case->options.replay = true;
    assert_false(case_open(job_case)); // no checkpoint: nothing is made of it
    assert_int_equal(error_exit_code(&job_case->err), EXIT_FAILED);
    error_clear(&job_case->err);
    job_case->options.replay = false;
    case_add("events", 0, "{\"id\": 1, \"v\": 1, \"t\": %lld}", (long long)CLOCK_START_US / 1000);
    take(job_case);
    close_job(job_case);
    replay(&life);
    assert_int_equal(life.replayed, 0);
    back_to_normal(job_case);
    take(job_case);
    assert_int_equal(memory_sink_rows(STR("plain")), 1);
    assert_int_equal(case_ledger(job_case, "events", "rows_in"), 1);
    case_end(job_case);
}

// What is shown of a replayed row is where it came from, not where it was kept.
static void test_rows_keep_their_place(void **state)
{
    (void)state;
    struct life life = {0};
    run_before(&life.job_case);
    replay(&life);
    struct str rows = case_rows(&life.job_case, "plain", NULL);
    char line[128]; // row 47 is the 24th of partition 1
    snprintf(line, sizeof(line), "{\"id\":47,\"at_offset\":23,\"place\":\"1\"}");
    assert_non_null(memmem(rows.ptr, rows.len, line, strlen(line)));
    case_end(&life.job_case);
}

// The watermark passed them while they lay in quarantine: they are late now, and move nothing.
static void test_replayed_rows_obey_the_watermark(void **state)
{
    (void)state;
    struct life life = {0};
    struct job_case *job_case = &life.job_case;
    run_before(job_case);
    job_case->options.replay = false;
    MUST(case_open(job_case));
    MUST(job_advance_time(job_case->job, CLOCK_START_US + 3600 * US_PER_SECOND, &job_case->err));
    MUST(job_commit(job_case->job, &job_case->err));
    struct job_progress before, after;
    job_progress(job_case->job, &before);
    close_job(job_case);
    replay(&life);
    MUST(case_open(job_case));
    job_progress(job_case->job, &after);
    assert_int_equal(before.watermark_us, after.watermark_us);
    assert_int_equal(memory_sink_rows(STR("late")), count(is_odd, 0, BEFORE));
    assert_int_equal(case_ledger(job_case, "fresh", "late"), count(is_odd, 0, BEFORE));
    case_end(job_case);
}

// Rows far in the future come out of quarantine: they must not make the real rows late.
static void test_replay_does_not_move_the_watermark(void **state)
{
    (void)state;
    struct life life = {0};
    struct job_case *job_case = &life.job_case;
    case_begin(job_case, strict);
    for (int partition = 0; partition < 2; partition++)
        case_add("events", (uint32_t)partition, "{\"id\": %d, \"v\": 200, \"t\": %lld}",
                 -1 - partition, (long long)(CLOCK_START_US / 1000 + 7200000));
    add_rows(0, 30);
    take(job_case);
    close_job(job_case);
    job_case->plan = case_plan(job_case, relaxed);
    replay(&life);
    back_to_normal(job_case);
    add_rows(30, 60);
    take(job_case);
    assert_int_equal(case_ledger(job_case, "fresh", "late"), 0);
    assert_int_equal(memory_sink_rows(STR("plain")), 62 - count(is_malformed, 0, 60));
    case_end(job_case);
}

// A view put rows aside that another sink has seen already: they cannot come again.
static void test_rows_of_views_stay(void **state)
{
    (void)state;
    struct life life = {0};
    struct job_case *job_case = &life.job_case;
    static const char views[] =
        "SET checkpoint = '${FOLDER}/checkpoint';\n"
        "CREATE SOURCE events (id BIGINT, v BIGINT) WITH (connector = 'memory', format = 'json');\n"
        "CREATE VIEW small (CONSTRAINT below EXPECT (v < 100) ON VIOLATION QUARANTINE) AS\n"
        "  SELECT * FROM events;\n"
        "CREATE SINK all_rows WITH (connector = 'memory') FROM events;\n"
        "CREATE SINK small_rows WITH (connector = 'memory') FROM small;\n";
    case_begin(job_case, views);
    case_add("events", 0, "{\"id\": 1, \"v\": 1}");
    case_add("events", 0, "{\"id\": 2, \"v\": 200}");
    take(job_case);
    close_job(job_case);
    assert_int_equal(memory_sink_rows(STR("all_rows")), 2);
    assert_int_equal(memory_sink_rows(STR("small_rows")), 1);
    replay(&life);
    assert_int_equal(life.replayed, 0);
    assert_int_equal(memory_sink_rows(STR("all_rows")), 2);
    case_end(job_case);
}

// ---- Crashes
// -------------------------------------------------------------------------------------
static void live(struct life *life, struct outcome *outcome)
{
    run_before(&life->job_case);
    file_track_unsynced(true);
    failpoint_disarm();
    failpoint_crash_at_step(life->crash_step);
    replay(life);
    if (life->replays_twice)
        replay(life);
    int64_t steps = failpoint_steps();
    failpoint_disarm();
    file_track_unsynced(false);
    run_after(&life->job_case);
    collect(&life->job_case, outcome);
    outcome->steps = steps;
}

static void compare(const struct life *life, const char *what, struct str expected,
                    struct str actual)
{
    if (!str_equal(expected, actual))
        fail_msg("crash at step %lld changed %s:\n--- undisturbed\n%.*s\n--- now\n%.*s",
                 (long long)life->crash_step, what, STR_ARGS(expected), STR_ARGS(actual));
}

static void crash_everywhere(bool has_threads, int64_t every)
{
    struct life calm = {.has_threads = has_threads};
    struct life two = {.has_threads = has_threads, .replays_twice = true};
    struct outcome expected, twice;
    live(&two, &twice);
    memory_clear();
    live(&calm, &expected);
    assert_false(str_equal(expected.ledger, twice.ledger));
    assert_true(expected.quarantine.len > 0);
    assert_true(expected.steps > 20);
    if (getenv("FIRESTEEL_EVERY_STEP") != NULL)
        every = 1;
    int64_t crashes = 0, seconds = 0;
    for (int64_t at = 1; at <= expected.steps && at < STEPS_MAX; at += every) {
        struct life life = {.has_threads = has_threads, .crash_step = at};
        struct outcome outcome;
        live(&life, &outcome);
        compare(&life, "plain", expected.plain, outcome.plain);
        compare(&life, "groups", expected.groups, outcome.groups);
        // Killed after its last commit, a replay is done: the next one is a second replay.
        bool is_second = str_equal(twice.ledger, outcome.ledger);
        seconds += is_second;
        const struct outcome *like = is_second ? &twice : &expected;
        compare(&life, "the quarantine", like->quarantine, outcome.quarantine);
        compare(&life, "the ledger", like->ledger, outcome.ledger);
        crashes += life.job_case.crashes;
        case_end(&life.job_case);
    }
    assert_true(crashes > 0 && seconds < crashes / 2 + 2);
    print_message("%lld steps, %lld crashes\n", (long long)expected.steps, (long long)crashes);
    case_end(&calm.job_case);
    case_end(&two.job_case);
}

static void test_crash_at_each_step(void **state)
{
    (void)state;
    crash_everywhere(false, 7);
}

static void test_crash_inside_a_file(void **state)
{
    (void)state;
    crash_everywhere(true, 17);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay_takes_each_row_once),
        cmocka_unit_test(test_nothing_to_replay),
        cmocka_unit_test(test_rows_keep_their_place),
        cmocka_unit_test(test_replayed_rows_obey_the_watermark),
        cmocka_unit_test(test_replay_does_not_move_the_watermark),
        cmocka_unit_test(test_rows_of_views_stay),
        cmocka_unit_test(test_crash_at_each_step),
        cmocka_unit_test(test_crash_inside_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
