// SPDX-License-Identifier: MIT
// firesteel replay: quarantined rows through the pipeline again, each exactly once: how far it came
// is in the checkpoint, so it can be killed and started again. It takes the checkpoint's lock, so
// the pipeline itself must not be running (exit 75 names the process that is).
#include "base/log.h"
#include "cli/command.h"
#include "cli/load_plan.h"
#include "engine/job.h"
#include <stdio.h>

struct replay_flags {
    struct plan_flags plan;
    bool ledger;
};

static const struct flag flags[] = {
    PLAN_FLAGS(struct replay_flags),
    {"ledger", 0, FLAG_BOOL, NULL, "print the ledger on stdout at the end",
     offsetof(struct replay_flags, ledger)},
};

static bool replay(const struct plan *plan, const struct replay_flags *given, struct error *err)
{
    struct job_options options = {
        .execution = EXECUTION_ONCE, .clock = &clock_system, .drop_state = "", .replay = true};
    struct job *job = job_open(plan, &options, err);
    if (job == NULL)
        return false;
    bool ok = job_run(job, err);
    struct job_progress progress;
    job_progress(job, &progress);
    if (ok)
        printf("%lld rows sent through again\n", (long long)progress.rows_total);
    if (given->ledger) {
        AUTO(buf_clear) struct buf out = {0};
        job_print_ledger(job, &out);
        fwrite(out.ptr, 1, out.len, stdout);
    }
    job_close(job);
    return ok;
}

int command_replay(int argc, char **argv)
{
    struct replay_flags given = {0};
    struct arguments arguments;
    AUTO(arena_clear) struct arena arena = {0};
    const struct usage usage = {.positional = "PIPELINE.sql",
                                .positional_min = 1,
                                .positional_max = 1,
                                .takes_rest = true,
                                .flags = flags,
                                .flags_len = COUNT_OF(flags)};
    int exit_code = EXIT_DONE;
    if (!arguments_parse(&usage, argc, argv, &given, &arguments, &arena, &exit_code))
        return exit_code;
    struct error err = {0};
    const struct plan *plan = load_plan(arguments.positional.items[0], &given.plan, &arguments.rest,
                                        -1, &arena, &exit_code);
    if (plan == NULL)
        return exit_code;
    if (plan->settings.execution == EXECUTION_BATCH) {
        error_set(&err, ERROR_USER,
                  "replay %s: a batch pipeline replaces its output, run it again instead",
                  arguments.positional.items[0]);
        return command_fail(&err);
    }
    log_set_pipeline(arena_cstr(&arena, plan->settings.pipeline));
    return replay(plan, &given, &err) ? EXIT_DONE : command_fail(&err);
}
