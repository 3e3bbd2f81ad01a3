// SPDX-License-Identifier: MIT
// firesteel check: every mistake of every file, nothing is run. Messages go to stderr, or as JSON
// (one object a file) to stdout.
#include "cli/command.h"
#include "cli/load_plan.h"
#include <stdio.h>
#include <unistd.h>

struct check_flags {
    bool json, batch;
    struct plan_flags plan;
};

static const struct flag flags[] = {
    PLAN_FLAGS(struct check_flags),
    {"batch", 0, FLAG_BOOL, NULL, "check for run --batch", offsetof(struct check_flags, batch)},
    {"json", 0, FLAG_BOOL, NULL, "messages as JSON on stdout", offsetof(struct check_flags, json)},
};

static void print_summary(const char *path, const struct plan *plan,
                          const struct diagnostics *diagnostics)
{
    size_t warnings =
        diagnostics->len -
        (diagnostics->errors < diagnostics->len ? diagnostics->errors : diagnostics->len);
    if (diagnostics->errors > 0) {
        fprintf(stderr, "%s: %zu error%s\n", path, diagnostics->errors,
                diagnostics->errors == 1 ? "" : "s");
        return;
    }
    printf("%s: ok, %zu source%s, %zu sink%s", path, plan->sources_len,
           plan->sources_len == 1 ? "" : "s", plan->sinks_len, plan->sinks_len == 1 ? "" : "s");
    if (warnings > 0)
        printf(", %zu warning%s", warnings, warnings == 1 ? "" : "s");
    printf("\n");
}

static int check_file(const char *path, const struct check_flags *check, const struct words *rest)
{
    AUTO(arena_clear) struct arena arena = {0};
    struct plan_request request;
    struct error err = {0};
    int execution = check->batch ? EXECUTION_BATCH : -1;
    if (!load_request(path, &check->plan, rest, execution, &arena, &request, &err))
        return command_fail(&err);
    struct diagnostics diagnostics;
    diagnostics_init(&diagnostics, &arena, path, request.text);
    const struct plan *plan = plan_build(&request, &arena, &diagnostics);
    AUTO(buf_clear) struct buf out = {0};
    if (check->json) {
        diagnostics_print_json(&diagnostics, &out);
        fwrite(out.ptr, 1, out.len, stdout);
    } else {
        diagnostics_print(&diagnostics, command_has_color(STDERR_FILENO), &out);
        fwrite(buf_cstr(&out), 1, out.len, stderr);
        print_summary(path, plan, &diagnostics);
    }
    return plan != NULL ? EXIT_DONE : EXIT_PIPELINE;
}

int command_check(int argc, char **argv)
{
    struct check_flags check = {0};
    struct arguments arguments;
    AUTO(arena_clear) struct arena arena = {0};
    const struct usage usage = {.positional = "PIPELINE.sql ..",
                                .positional_min = 1,
                                .positional_max = SIZE_MAX,
                                .takes_rest = true,
                                .flags = flags,
                                .flags_len = COUNT_OF(flags)};
    int exit_code = EXIT_DONE;
    if (!arguments_parse(&usage, argc, argv, &check, &arguments, &arena, &exit_code))
        return exit_code;
    int worst = EXIT_DONE;
    for (size_t i = 0; i < arguments.positional.len; i++) {
        exit_code = check_file(arguments.positional.items[i], &check, &arguments.rest);
        worst = exit_code > worst ? exit_code : worst;
    }
    return worst;
}
