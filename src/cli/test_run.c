// SPDX-License-Identifier: MIT
// A test as a small driver of the job. With --crash every step is followed by a commit, so that at
// a crash at most one step is undone: after reopening, that step is done again, and the result must
// be that of a run without a crash, whatever the crash point was. (With many steps in one commit
// the new run would cut the input into other triggers, which may rightly change what is late.)
// The crash is an error out of a failpoint; all later passages fail too until the job is closed.
#include "cli/test_run.h"
#include "base/failpoint.h"
#include "base/file.h"
#include "cli/test_plan.h"
#include "cli/test_rows.h"
#include "connectors/table/memory.h"
#include "engine/job.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLOCK_START_US INT64_C(1704067200000000) // 2024-01-01 00:00:00
#define CRASHES_MAX 10000

struct runner {
    const struct test_pipeline *pipeline;
    const struct test *test;
    struct test_result *result;
    struct arena arena; // of this run
    const struct plan *plan;
    struct clock clock;
    char folder[256];
    struct job *job;
    bool is_batch, has_run; // batch: the run happens at the first EXPECT
    bool commits_each;      // --crash
    int64_t crash_step;     // 0: none
    bool has_crashed;
    char crash_name[64];
    int64_t event_time_us; // furthest ADVANCE TIME so far
    struct error pending;  // of a step, until EXPECT ERROR asks for it
    size_t pending_line;
};

bool test_pipeline_load(const char *path, const struct plan_flags *flags, const struct words *rest,
                        struct arena *arena, struct test_pipeline *pipeline, struct error *err)
{
    pipeline->arena = arena;
    if (!load_request(path, flags, rest, -1, arena, &pipeline->request, err))
        return false;
    AUTO(buf_clear) struct buf errors = {0};
    pipeline->plan = test_plan_build(&pipeline->request, NULL, 0, arena, &errors);
    pipeline->plan_errors = arena_str(arena, buf_str(&errors));
    return true;
}

// ---- Records
// -------------------------------------------------------------------------------------
static bool add_fixture(struct runner *runner, const struct step *step, struct error *err)
{
    bool is_absolute = str_starts(step->value, "/");
    struct str path = is_absolute
                          ? step->value
                          : arena_print(&runner->arena, "%s/%.*s", runner->pipeline->test_folder,
                                        STR_ARGS(step->value));
    AUTO(buf_clear) struct buf text = {0};
    if (!file_read_whole(arena_cstr(&runner->arena, path), &text, err))
        return false;
    struct str rest = buf_str(&text);
    size_t lines_max = 1, lines = 0;
    for (size_t i = 0; i < rest.len; i++)
        lines_max += rest.ptr[i] == '\n';
    struct str *payloads = ARENA_ARRAY(&runner->arena, struct str, lines_max);
    while (rest.len > 0) {
        int64_t end = str_find(rest, '\n');
        size_t len = end < 0 ? rest.len : (size_t)end;
        bool has_return = len > 0 && rest.ptr[len - 1] == '\r';
        payloads[lines++] = (struct str){rest.ptr, len - (has_return ? 1 : 0)};
        rest = str_slice(rest, end < 0 ? len : len + 1, rest.len);
    }
    memory_source_add(step->name, step->partition, payloads, lines);
    return true;
}

// SELECT (a), (b), ..: a row is a struct, which becomes JSON, or a text or BLOB, the payload
// itself.
static struct statement *prepare_rows(struct runner *runner, const struct step *step,
                                      const struct statement *plain, struct error *err)
{
    AUTO(buf_clear) struct buf sql = {0};
    const struct column *columns = plain != NULL ? statement_columns(plain) : NULL;
    for (size_t i = 0; i < step->rows_len; i++) {
        bool is_struct = columns != NULL && columns[i].type->kind == TYPE_STRUCT;
        buf_print(&sql, "%s%s(%.*s)%s", i == 0 ? "SELECT " : ", ", is_struct ? "to_json(" : "",
                  STR_ARGS(step->rows[i]), is_struct ? ")" : "");
    }
    return statement_prepare(runner->pipeline->connection, buf_cstr(&sql), err);
}

static bool add_chunk(struct runner *runner, const struct step *step, const struct chunk *chunk,
                      struct error *err)
{
    struct str *payloads = ARENA_ARRAY(&runner->arena, struct str, chunk->columns_len);
    for (size_t i = 0; i < chunk->columns_len; i++) {
        const struct vector *vector = &chunk->columns[i];
        if (!type_is_string(vector->type->kind) || vector_is_null(vector, 0))
            return error_set(err, ERROR_USER,
                             "row %zu is %s: a row is a struct {'column': value, ..}, or a text or "
                             "BLOB with the payload itself",
                             i + 1, vector->type->sql);
        payloads[i] = string_cell_str(&((struct string_cell *)vector->data)[0]);
    }
    memory_source_add(step->name, step->partition, payloads, chunk->columns_len);
    return true;
}

static bool add_values(struct runner *runner, const struct step *step, struct error *err)
{
    struct statement *plain = prepare_rows(runner, step, NULL, err);
    struct statement *statement = plain != NULL ? prepare_rows(runner, step, plain, err) : NULL;
    const struct chunk *chunk = NULL;
    bool ok = statement != NULL && statement_execute(statement, err);
    if (ok && (chunk = statement_next(statement)) != NULL)
        ok = add_chunk(runner, step, chunk, err);
    statement_free(plain);
    statement_free(statement);
    return ok || error_wrap(err, "the rows for %.*s", STR_ARGS(step->name));
}

static bool add_rows(struct runner *runner, const struct step *step, struct error *err)
{
    const struct plan_source *source = NULL;
    for (size_t s = 0; s < runner->plan->sources_len; s++)
        if (str_equal_nocase(runner->plan->sources[s].name, step->name))
            source = &runner->plan->sources[s];
    if (source == NULL)
        return error_set(err, ERROR_USER, "there is no source %.*s", STR_ARGS(step->name));
    if (runner->is_batch && runner->has_run)
        return error_set(err, ERROR_USER, "a batch run has all its input before the first EXPECT");
    struct step named = *step;
    named.name = source->name; // the memory instance is named as the source is written there
    return step->kind == STEP_INSERT_FROM ? add_fixture(runner, &named, err)
                                          : add_values(runner, &named, err);
}

// ---- Steps
// ---------------------------------------------------------------------------------------
static bool open_job(struct runner *runner, struct error *err)
{
    if (runner->job != NULL)
        return true;
    struct job_options options = {.execution =
                                      runner->is_batch ? EXECUTION_BATCH : EXECUTION_STREAM,
                                  .is_test = !runner->is_batch, // a batch run reads by itself
                                  .clock = &runner->clock,
                                  .drop_state = ""};
    runner->job = job_open(runner->plan, &options, err);
    return runner->job != NULL;
}

static void close_job(struct runner *runner)
{
    job_close(runner->job);
    runner->job = NULL;
    runner->has_run = false;
}

static bool advance_time(struct runner *runner, int64_t time_us, struct error *err)
{
    if (runner->is_batch)
        return true; // every window closes at the end
    runner->event_time_us = time_us > runner->event_time_us ? time_us : runner->event_time_us;
    return open_job(runner, err) && job_advance_time(runner->job, time_us, err);
}

static bool take_rows(struct runner *runner, struct error *err)
{
    int64_t rows;
    return runner->is_batch || (open_job(runner, err) && job_step(runner->job, &rows, err));
}

// What comes before an expectation is looked at.
static bool settle(struct runner *runner, struct error *err)
{
    if (!open_job(runner, err))
        return false;
    if (!runner->is_batch)
        return job_commit(runner->job, err);
    if (runner->has_run)
        return true;
    for (size_t s = 0; s < runner->plan->sources_len; s++)
        memory_source_finish(runner->plan->sources[s].name);
    runner->has_run = true;
    return job_run(runner->job, err);
}

static bool act(struct runner *runner, const struct step *step, struct error *err)
{
    bool ok = true;
    switch (step->kind) {
    case STEP_SET:
        return true;
    case STEP_INSERT_VALUES:
    case STEP_INSERT_FROM:
    case STEP_ADVANCE_CLOCK:
        ok = take_rows(runner, err);
        break;
    case STEP_ADVANCE_TIME:
        ok = advance_time(runner, step->time_us, err);
        break;
    case STEP_EXPECT_ROWS:
    case STEP_EXPECT_LEDGER:
    case STEP_EXPECT_ERROR:
        return settle(runner, err);
    }
    return ok && (!runner->commits_each || runner->is_batch || settle(runner, err));
}

static bool is_crash(const struct runner *runner, const struct error *err)
{
    return runner->crash_step > 0 && !runner->has_crashed && strstr(err->text, "failpoint ");
}

// As a new process would: the checkpoint is what is left, and what the outside keeps (memory).
static bool act_again(struct runner *runner, const struct step *step, int64_t before_us,
                      struct error *err)
{
    snprintf(runner->crash_name, sizeof(runner->crash_name), "%s", failpoint_last());
    close_job(runner);
    failpoint_disarm();
    runner->has_crashed = true;
    error_clear(err);
    if (before_us != TIME_MIN_US && !advance_time(runner, before_us, err))
        return false;
    return act(runner, step, err);
}

static bool do_step(struct runner *runner, const struct step *step, struct error *err)
{
    int64_t before_us = runner->event_time_us;
    bool is_insert = step->kind == STEP_INSERT_VALUES || step->kind == STEP_INSERT_FROM;
    if (is_insert && !add_rows(runner, step, err))
        return false;
    if (step->kind == STEP_ADVANCE_CLOCK)
        runner->clock.now_us += step->time_us;
    return act(runner, step, err) ||
           (is_crash(runner, err) && act_again(runner, step, before_us, err));
}

// ---- Expectations
// --------------------------------------------------------------------------------
static void fail(struct runner *runner, size_t line, const char *text)
{
    runner->result->is_failed = true;
    runner->result->line = line;
    buf_add_cstr(&runner->result->message, text);
}

static bool expect_ledger(struct runner *runner, const struct step *step, struct error *err)
{
    AUTO(buf_clear) struct buf diff = {0};
    struct str relation = step->name;
    for (size_t r = 0; r < runner->plan->relations_len; r++)
        if (str_equal_nocase(runner->plan->relations[r].name, step->name))
            relation = runner->plan->relations[r].name;
    for (size_t t = 0; t < step->terms_len; t++) {
        int64_t value;
        const struct step_term *term = &step->terms[t];
        if (!job_ledger_value(runner->job, relation, term->name, &value))
            return error_set(err, ERROR_USER, "the ledger has no %.*s of %.*s",
                             STR_ARGS(term->name), STR_ARGS(step->name));
        if (value != term->value)
            buf_print(&diff, "%.*s: %.*s is %lld, expected %lld\n", STR_ARGS(step->name),
                      STR_ARGS(term->name), (long long)value, (long long)term->value);
    }
    if (diff.len > 0) {
        job_print_ledger(runner->job, &diff);
        fail(runner, step->line, buf_cstr(&diff));
    }
    return true;
}

static bool expect_rows(struct runner *runner, const struct step *step, struct error *err)
{
    bool is_same = false;
    AUTO(buf_clear) struct buf diff = {0};
    if (!test_rows_compare(runner->pipeline->connection, runner->plan, step, &diff, &is_same, err))
        return false;
    if (!is_same)
        fail(runner, step->line, buf_cstr(&diff));
    return true;
}

static void expect_error(struct runner *runner, const struct step *step)
{
    AUTO(buf_clear) struct buf text = {0};
    if (runner->pending.kind == ERROR_NONE) {
        buf_print(&text, "no error came, expected one with '%.*s'\n", STR_ARGS(step->value));
        fail(runner, step->line, buf_cstr(&text));
        return;
    }
    size_t len = strlen(runner->pending.text);
    if (step->value.len > 0 &&
        memmem(runner->pending.text, len, step->value.ptr, step->value.len) == NULL) {
        buf_print(&text, "expected an error with '%.*s', it is: %s\n", STR_ARGS(step->value),
                  runner->pending.text);
        fail(runner, step->line, buf_cstr(&text));
    }
    error_clear(&runner->pending);
    close_job(runner); // what follows is a new start
}

// False: the test has failed.
static bool run_step(struct runner *runner, const struct step *step)
{
    struct error *pending = &runner->pending;
    bool is_expectation = step->kind == STEP_EXPECT_ROWS || step->kind == STEP_EXPECT_LEDGER;
    if (pending->kind == ERROR_NONE && !do_step(runner, step, pending))
        runner->pending_line = step->line;
    if (step->kind == STEP_EXPECT_ERROR)
        expect_error(runner, step);
    if (!is_expectation)
        return !runner->result->is_failed; // an error waits for the next EXPECT
    bool ok = pending->kind == ERROR_NONE &&
              (step->kind == STEP_EXPECT_ROWS ? expect_rows(runner, step, pending)
                                              : expect_ledger(runner, step, pending));
    if (!ok) {
        fail(runner, runner->pending_line > 0 ? runner->pending_line : step->line, pending->text);
        buf_add_char(&runner->result->message, '\n');
    }
    return !runner->result->is_failed;
}

// ---- A run
// ---------------------------------------------------------------------------------------
static bool make_folder(struct runner *runner, struct error *err)
{
    const char *given = getenv("TMPDIR");
    bool has_memory = access("/dev/shm", W_OK) == 0; // fsync costs nothing there
    const char *parent = given != NULL && given[0] != 0 ? given : has_memory ? "/dev/shm" : "/tmp";
    snprintf(runner->folder, sizeof(runner->folder), "%.200s/firesteel_test.XXXXXX", parent);
    return mkdtemp(runner->folder) != NULL ||
           error_set(err, ERROR_FATAL, "cannot make a folder in %s", parent);
}

static size_t sets_len(const struct test *test)
{
    size_t len = 0;
    while (len < test->steps_len && test->steps[len].kind == STEP_SET)
        len++;
    return len;
}

static void make_plan(struct runner *runner)
{
    const struct test *test = runner->test;
    const struct plan *plan = runner->pipeline->plan;
    AUTO(buf_clear) struct buf errors = {0};
    buf_add_str(&errors, runner->pipeline->plan_errors);
    if (sets_len(test) > 0) {
        buf_reset(&errors);
        plan = test_plan_build(&runner->pipeline->request, test->steps, sets_len(test),
                               &runner->arena, &errors);
    }
    if (plan == NULL) {
        runner->pending_line = test->line;
        error_set(&runner->pending, ERROR_USER, "%s", buf_cstr(&errors));
        return;
    }
    runner->plan = test_plan_place(plan, runner->folder, &runner->arena);
    runner->is_batch = runner->plan->settings.execution == EXECUTION_BATCH;
}

// One passage through all steps. False: failed (said in the result).
static bool run_once(struct runner *runner)
{
    struct error err = {0};
    runner->clock = (struct clock){.simulated = true, .now_us = CLOCK_START_US};
    runner->event_time_us = TIME_MIN_US;
    if (!make_folder(runner, &err)) {
        fail(runner, runner->test->line, err.text);
        return false;
    }
    memory_clear();
    make_plan(runner);
    bool ok = true;
    for (size_t s = 0; ok && s < runner->test->steps_len; s++)
        ok = run_step(runner, &runner->test->steps[s]);
    if (ok && runner->pending.kind != ERROR_NONE) {
        fail(runner, runner->pending_line, runner->pending.text);
        buf_add_char(&runner->result->message, '\n');
        ok = false;
    }
    close_job(runner);
    memory_clear();
    failpoint_disarm(); // tidying up is no step of the pipeline
    if (!folder_remove_tree(runner->folder, &err) && ok) {
        fail(runner, runner->test->line, err.text);
        ok = false;
    }
    arena_clear(&runner->arena);
    return ok;
}

static void run_crashes(const struct test_pipeline *pipeline, const struct test *test,
                        struct crash_choice choice, struct test_result *result)
{
    struct runner counting = {
        .pipeline = pipeline, .test = test, .result = result, .commits_each = true};
    failpoint_disarm();
    failpoint_crash_at_step(0);
    bool ok = run_once(&counting);
    if (!ok)
        buf_add_cstr(&result->message, "(with a commit after each step, not yet a crash)\n");
    for (int64_t step = choice.first; ok && step <= CRASHES_MAX; step += choice.every) {
        struct runner runner = {.pipeline = pipeline,
                                .test = test,
                                .result = result,
                                .commits_each = true,
                                .crash_step = step};
        failpoint_disarm();
        failpoint_crash_at_step(step);
        ok = run_once(&runner);
        if (!ok)
            buf_print(&result->message, "(crashed at step %lld, %s)\n", (long long)step,
                      runner.crash_name);
        if (ok && !runner.has_crashed)
            break; // behind the last one
        result->crashes++;
    }
    failpoint_disarm();
}

void test_run(const struct test_pipeline *pipeline, const struct test *test,
              struct crash_choice choice, struct test_result *result)
{
    int64_t begin_us = clock_monotonic_us();
    struct runner runner = {.pipeline = pipeline, .test = test, .result = result};
    if (run_once(&runner) && choice.every > 0 && !test->without_crash)
        run_crashes(pipeline, test, choice, result);
    result->elapsed_us = clock_monotonic_us() - begin_us;
}
