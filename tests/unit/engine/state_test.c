// SPDX-License-Identifier: MIT
// What a user does with a checkpoint by hand: adopt (the sink does not fit it, and that is
// accepted) and export (what is in it). The sink of adopt's tests is the real files sink, since its
// memory of checkpoint and epoch is what adopt is about.
#include "engine/adopt.h"
#include "engine/epoch_export.h"
#include "job_case.h"

#define ROUND_ROWS 10

static const char to_files[] =
    "SET pipeline = 'p';\n"
    "SET checkpoint = '${FOLDER}/checkpoint';\n"
    "SET future_skew = none;\n"
    "CREATE SOURCE events (id BIGINT)\n"
    "WITH (connector = 'memory', format = 'json');\n"
    "CREATE SINK \"o 1\" WITH (connector = 'files', path = '${FOLDER}/out/',\n"
    "  format = 'json') FROM events;\n";

static void must(struct job_case *job_case, bool ok)
{
    if (!ok)
        fail_msg("%s", job_case->err.text);
}

static void close_job(struct job_case *job_case)
{
    job_close(job_case->job);
    job_case->job = NULL;
}

static void round_of(struct job_case *job_case, int from)
{
    int64_t rows;
    for (int i = from; i < from + ROUND_ROWS; i++)
        case_add("events", 0, "{\"id\": %d}", i);
    must(job_case, case_open(job_case));
    must(job_case, job_step(job_case->job, &rows, &job_case->err));
    must(job_case, job_commit(job_case->job, &job_case->err));
}

static const char *below(struct job_case *job_case, const char *name)
{
    return arena_print(&job_case->arena, "%s/%s", job_case->folder, name).ptr;
}

// Lines of all files of the sink, and how many files there are.
static size_t lines_out(struct job_case *job_case, size_t *files)
{
    struct str *names;
    size_t len, lines = 0;
    const char *folder = below(job_case, "out");
    *files = 0;
    must(job_case, folder_list(folder, &job_case->arena, &names, &len, &job_case->err));
    for (size_t i = 0; i < len; i++) {
        if (!str_ends(names[i], ".json"))
            continue;
        AUTO(buf_clear) struct buf text = {0};
        const char *path = arena_print(&job_case->arena, "%s/%.*s", folder, STR_ARGS(names[i])).ptr;
        must(job_case, file_read_whole(path, &text, &job_case->err));
        for (size_t c = 0; c < text.len; c++)
            lines += text.ptr[c] == '\n';
        (*files)++;
    }
    return lines;
}

static void refused(struct job_case *job_case)
{
    assert_false(case_open(job_case));
    assert_int_equal(error_exit_code(&job_case->err), EXIT_REFUSED);
    error_clear(&job_case->err);
}

static void adopt(struct job_case *job_case, const char *says)
{
    AUTO(buf_clear) struct buf report = {0};
    must(job_case, adopt_sinks(job_case->plan, &report, &job_case->err));
    if (strstr(buf_cstr(&report), says) == NULL)
        fail_msg("'%s' is not in: %s", says, buf_cstr(&report));
}

static void test_adopt_after_a_new_checkpoint(void **state)
{
    (void)state;
    struct job_case job_case;
    size_t files;
    case_begin(&job_case, to_files);
    round_of(&job_case, 0);
    close_job(&job_case);
    adopt(&job_case, "nothing to accept");
    must(&job_case, folder_remove_tree(below(&job_case, "checkpoint"), &job_case.err));
    refused(&job_case);
    refused(&job_case); // a refusal changes nothing
    adopt(&job_case, "was written by checkpoint");
    round_of(&job_case, 10); // reads all 20 again: that is what was accepted
    close_job(&job_case);
    assert_int_equal(lines_out(&job_case, &files), 10 + 20);
    assert_int_equal(files, 2);
    adopt(&job_case, "nothing to accept");
    case_end(&job_case);
}

static void copy(struct job_case *job_case, const char *from, const char *to)
{
    char command[700];
    snprintf(command, sizeof(command), "rm -rf '%s' && cp -r '%s' '%s'", below(job_case, to),
             below(job_case, from), below(job_case, to));
    assert_int_equal(system(command), 0);
}

static void test_adopt_after_an_older_copy(void **state)
{
    (void)state;
    struct job_case job_case;
    size_t files;
    case_begin(&job_case, to_files);
    round_of(&job_case, 0);
    close_job(&job_case);
    copy(&job_case, "checkpoint", "copy");
    round_of(&job_case, 10);
    round_of(&job_case, 20);
    close_job(&job_case);
    assert_int_equal(lines_out(&job_case, &files), 30);
    assert_int_equal(files, 3);
    copy(&job_case, "copy", "checkpoint");
    refused(&job_case);
    adopt(&job_case, "holds epoch 3, the checkpoint ended at 1; it goes on with epoch 4");
    round_of(&job_case, 30); // 10..39 in a file of its own: nothing is overwritten
    assert_int_equal(lines_out(&job_case, &files), 30 + 30);
    assert_int_equal(files, 4);
    close_job(&job_case);
    round_of(&job_case, 40); // and from here on as ever
    close_job(&job_case);
    assert_int_equal(lines_out(&job_case, &files), 70);
    case_end(&job_case);
}

static void test_adopt_needs_a_checkpoint_and_the_lock(void **state)
{
    (void)state;
    struct job_case job_case;
    AUTO(buf_clear) struct buf report = {0};
    case_begin(&job_case, to_files);
    assert_false(adopt_sinks(job_case.plan, &report, &job_case.err));
    assert_int_equal(error_exit_code(&job_case.err), EXIT_FAILED);
    error_clear(&job_case.err);
    round_of(&job_case, 0);
    assert_false(adopt_sinks(job_case.plan, &report, &job_case.err));
    assert_int_equal(error_exit_code(&job_case.err), EXIT_LATER);
    case_end(&job_case);
}

// ---- Export
// --------------------------------------------------------------------------------------
static const char with_state[] =
    "SET checkpoint = '${FOLDER}/checkpoint';\n"
    "SET journal_bytes = 2000;\n"
    "SET lanes = 2;\n"
    "SET future_skew = none;\n"
    "CREATE SOURCE events (id BIGINT, t TIMESTAMP FORMAT 'unix_ms',\n"
    "  CONSTRAINT small EXPECT (id < 1000) ON VIOLATION DROP ROW,\n"
    "  WATERMARK FOR t AS t - INTERVAL '20 seconds')\n"
    "WITH (connector = 'memory', format = 'json');\n"
    "CREATE SINK sums WITH (connector = 'memory') AS SELECT window_start, id % 3 AS k,\n"
    "  count(*) AS n, sum(id) AS s FROM TUMBLE(events, t, INTERVAL '10 seconds') GROUP BY ALL;\n"
    "CREATE SINK middles WITH (connector = 'memory') AS SELECT window_start, median(id) AS m\n"
    "  FROM TUMBLE(events, t, INTERVAL '10 seconds') GROUP BY ALL;\n";

static void expect(struct job_case *job_case, const char *expected, const char *select,
                   const char *file)
{
    struct error err = {0};
    bool is_null;
    AUTO(buf_clear) struct buf sql = {0}, text = {0};
    buf_print(&sql, "SELECT (%s)::VARCHAR FROM '%s/%s.parquet'", select, below(job_case, "export"),
              file);
    struct database *database = database_open((struct database_options){.threads = 1}, &err);
    struct connection *connection = connection_open(database, &err);
    if (!connection_query_text(connection, buf_cstr(&sql), &text, &is_null, &err))
        fail_msg("%s: %s", buf_cstr(&sql), err.text);
    assert_string_equal(is_null ? "NULL" : buf_cstr(&text), expected);
    connection_close(connection);
    database_close(database);
}

// Twelve rounds of one row a second: windows have closed, bases were written, panes are open.
static void test_export_is_what_the_job_holds(void **state)
{
    (void)state;
    struct job_case job_case;
    AUTO(buf_clear) struct buf report = {0};
    case_begin(&job_case, with_state);
    for (int round = 0; round < 12; round++) {
        int64_t rows;
        for (int i = round * 10; i < round * 10 + 10; i++)
            case_add("events", (uint32_t)i % 2, "{\"id\": %d, \"t\": %lld}", i,
                     (long long)(CLOCK_START_US / 1000 + i * 1000));
        case_add("events", 0, "{\"id\": 5000, \"t\": %lld}", (long long)(CLOCK_START_US / 1000));
        must(&job_case, case_open(&job_case));
        must(&job_case, job_step(job_case.job, &rows, &job_case.err));
        must(&job_case, job_commit(job_case.job, &job_case.err));
    }
    int64_t in_state = case_ledger(&job_case, "sums", "in_state");
    assert_true(in_state > 0 && in_state < 60);
    const char *folder = below(&job_case, "checkpoint");
    // Beside the running job, first without the pipeline.
    must(&job_case, state_export(folder, NULL, below(&job_case, "export"), &report, &job_case.err));
    assert_false(path_exists(below(&job_case, "export/groups.sums.parquet")));
    must(&job_case,
         state_export(folder, job_case.plan, below(&job_case, "export"), &report, &job_case.err));
    char number[32];
    snprintf(number, sizeof(number), "%lld", (long long)in_state);
    expect(&job_case, number, "sum(r0)::BIGINT", "groups.sums");
    expect(&job_case, number, "count(*)", "rows.middles");
    // Rows in time order: the newest ones are in state, so their sum is known.
    int64_t sum = 0;
    for (int64_t i = 120 - in_state; i < 120; i++)
        sum += i;
    snprintf(number, sizeof(number), "%lld", (long long)sum);
    expect(&job_case, number, "sum(r1)::BIGINT", "groups.sums");
    expect(&job_case, "0:72 1:60",
           "string_agg(\"partition\" || ':' || \"offset\", ' ' ORDER BY \"partition\")",
           "positions");
    expect(&job_case, "2024-01-15 10:31:59", "max(newest_event_time)", "positions");
    expect(&job_case, "2024-01-15 10:31:38", "max(watermark)", "watermarks");
    expect(&job_case, "12", "max(rows) FILTER (WHERE term = 'rejected.small')", "ledger");
    expect(&job_case, "132", "max(rows) FILTER (WHERE term = 'rows_in')", "ledger");
    case_end(&job_case);
}

// ---- Quarantine outside the checkpoint
// -------------------------------------------------------------------------------------
static const char to_quarantine[] =
    "SET pipeline = 'p'; SET future_skew = none;\n"
    "SET checkpoint = '${FOLDER}/checkpoint'; SET quarantine = '${FOLDER}/bad';\n"
    "CREATE SOURCE events (id BIGINT) WITH (connector = 'memory', format = 'json');\n"
    "CREATE SINK o WITH (connector = 'memory') FROM events;\n";

static void bad_rows(struct job_case *job_case, int from)
{
    int64_t rows;
    for (int i = from; i < from + ROUND_ROWS; i++)
        case_add("events", 0, "{\"id\": \"bad %d\"}", i);
    must(job_case, case_open(job_case));
    must(job_case, job_step(job_case->job, &rows, &job_case->err));
    must(job_case, job_commit(job_case->job, &job_case->err));
}

static int64_t rows_quarantined(struct job_case *job_case)
{
    AUTO(buf_clear) struct buf sql = {0};
    AUTO(buf_clear) struct buf value = {0};
    bool is_null;
    int64_t rows = -1;
    struct database *database =
        database_open((struct database_options){.threads = 1}, &job_case->err);
    struct connection *connection = connection_open(database, &job_case->err);
    buf_print(&sql, "SELECT count(DISTINCT raw) FROM read_parquet('%s/*.parquet')",
              below(job_case, "bad"));
    must(job_case,
         connection_query_text(connection, buf_cstr(&sql), &value, &is_null, &job_case->err));
    assert_true(str_parse_int64(buf_str(&value), &rows));
    connection_close(connection);
    database_close(database);
    return rows;
}

// R6b for rejected rows: an older copy must not take its next bad rows for those of the files that
// are there already.
static void no_rejected_row_is_lost(void **state)
{
    (void)state;
    struct job_case job_case;
    case_begin(&job_case, to_quarantine);
    bad_rows(&job_case, 0);
    close_job(&job_case);
    copy(&job_case, "checkpoint", "copy");
    bad_rows(&job_case, 10);
    close_job(&job_case);
    assert_int_equal(rows_quarantined(&job_case), 20);
    copy(&job_case, "copy", "checkpoint");
    refused(&job_case);
    adopt(&job_case, "the quarantine: holds epoch 2, the checkpoint ended at 1");
    bad_rows(&job_case, 20); // with those of 10.. read again
    close_job(&job_case);
    assert_int_equal(rows_quarantined(&job_case), 30);
    // A new checkpoint beside the same folder: names of its own.
    must(&job_case, folder_remove_tree(below(&job_case, "checkpoint"), &job_case.err));
    bad_rows(&job_case, 30);
    close_job(&job_case);
    assert_int_equal(rows_quarantined(&job_case), 40);
    case_end(&job_case);
}

// ---- A changed pipeline
// -------------------------------------------------------------------------------------
static const char deduplicates[] =
    "SET checkpoint = '${FOLDER}/checkpoint'; SET future_skew = none;\n"
    "CREATE SOURCE events (id BIGINT, other BIGINT, t TIMESTAMP,\n"
    "  WATERMARK FOR t AS t - INTERVAL '1 hour') WITH (connector = 'memory', format = 'json');\n"
    "CREATE VIEW fresh AS SELECT * FROM DEDUP(events, id);\n"
    "CREATE SINK o WITH (connector = 'memory') FROM fresh;\n";

static void add_event(struct job_case *job_case, int id)
{
    int64_t rows;
    case_add("events", 0, "{\"id\": %d, \"other\": %d, \"t\": \"2024-01-15 10:30:00\"}", id, id);
    must(job_case, job_step(job_case->job, &rows, &job_case->err));
    must(job_case, job_commit(job_case->job, &job_case->err));
}

// What was given up stays given up: the next start neither refuses nor brings old keys back.
static void dropped_state_stays_dropped(void **state)
{
    (void)state;
    struct job_case job_case;
    case_begin(&job_case, deduplicates);
    must(&job_case, case_open(&job_case));
    add_event(&job_case, 1);
    close_job(&job_case);

    AUTO(buf_clear) struct buf changed = {0};
    const char *at = strstr(deduplicates, "(events, id)");
    buf_print(&changed, "%.*s(events, other)%s", (int)(at - deduplicates), deduplicates,
              at + strlen("(events, id)"));
    job_case.plan = case_plan(&job_case, buf_cstr(&changed));
    assert_false(case_open(&job_case));
    assert_int_equal(error_exit_code(&job_case.err), EXIT_PIPELINE);
    assert_non_null(
        strstr(job_case.err.text, "dedup of fresh: keys (id BIGINT) -> (other BIGINT)"));
    assert_non_null(strstr(job_case.err.text, "--drop-state 'fresh'"));
    error_clear(&job_case.err);

    job_case.options.drop_state = "fresh";
    must(&job_case, case_open(&job_case));
    add_event(&job_case, 1); // its keys were given up: not a duplicate
    assert_int_equal(case_ledger(&job_case, "fresh", "duplicate"), 0);
    close_job(&job_case);

    job_case.options.drop_state = "";
    must(&job_case, case_open(&job_case));
    add_event(&job_case, 1);
    assert_int_equal(case_ledger(&job_case, "fresh", "duplicate"), 1);
    case_end(&job_case);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adopt_after_a_new_checkpoint),
        cmocka_unit_test(test_adopt_after_an_older_copy),
        cmocka_unit_test(test_adopt_needs_a_checkpoint_and_the_lock),
        cmocka_unit_test(test_export_is_what_the_job_holds),
        cmocka_unit_test(no_rejected_row_is_lost),
        cmocka_unit_test(dropped_state_stays_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
