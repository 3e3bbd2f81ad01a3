// SPDX-License-Identifier: MIT
// firesteel plan: what the file means, as the engine reads it.
#include "cli/command.h"
#include "cli/load_plan.h"
#include <stdio.h>

struct plan_command_flags {
    bool json, batch, fingerprint;
    struct plan_flags plan;
};

static const struct flag flags[] = {
    PLAN_FLAGS(struct plan_command_flags),
    {"batch", 0, FLAG_BOOL, NULL, "as run --batch would have it",
     offsetof(struct plan_command_flags, batch)},
    {"fingerprint", 0, FLAG_BOOL, NULL, "only what decides whether a checkpoint still fits",
     offsetof(struct plan_command_flags, fingerprint)},
    {"json", 0, FLAG_BOOL, NULL, "as JSON", offsetof(struct plan_command_flags, json)},
};

// The graph, a line a node, inputs before consumers.
static void print_graph(const struct plan *plan, struct buf *out)
{
    static const char *const kinds[] = {"source", "rows", "dedup", "groups", "join", "over"};
    for (size_t i = 0; i < plan->relations_len; i++) {
        const struct relation *relation = &plan->relations[i];
        buf_print(out, "%-6s %.*s", kinds[relation->kind], STR_ARGS(relation->name));
        for (size_t k = 0; k < COUNT_OF(relation->inputs); k++)
            if (relation->inputs[k] >= 0)
                buf_print(out, "%s%.*s", k == 0 ? " <- " : ", ",
                          STR_ARGS(plan->relations[relation->inputs[k]].name));
        if (relation->late_into >= 0)
            buf_print(out, " (late -> %.*s)", STR_ARGS(plan->sinks[relation->late_into].name));
        buf_add_cstr(out, "\n      ");
        for (size_t k = 0; k < relation->columns_len; k++)
            buf_print(out, "%s %.*s %s", k > 0 ? "," : "", STR_ARGS(relation->columns[k].name),
                      relation->columns[k].type->sql);
        buf_add_char(out, '\n');
    }
    for (size_t i = 0; i < plan->view_sql_len; i++)
        buf_print(out, "view   %.*s\n", STR_ARGS(plan->view_sql[i]));
    for (size_t i = 0; i < plan->sinks_len; i++) {
        const struct plan_sink *sink = &plan->sinks[i];
        buf_print(out, "sink   %.*s", STR_ARGS(sink->name));
        if (sink->relation >= 0)
            buf_print(out, " <- %.*s", STR_ARGS(plan->relations[sink->relation].name));
        buf_print(out, " -> %s\n", sink->type->name);
    }
}

int command_plan(int argc, char **argv)
{
    struct plan_command_flags command = {0};
    struct arguments arguments;
    AUTO(arena_clear) struct arena arena = {0};
    const struct usage usage = {.positional = "PIPELINE.sql",
                                .positional_min = 1,
                                .positional_max = 1,
                                .takes_rest = true,
                                .flags = flags,
                                .flags_len = COUNT_OF(flags)};
    int exit_code = EXIT_DONE;
    if (!arguments_parse(&usage, argc, argv, &command, &arguments, &arena, &exit_code))
        return exit_code;
    int execution = command.batch ? EXECUTION_BATCH : -1;
    const struct plan *plan = load_plan(arguments.positional.items[0], &command.plan,
                                        &arguments.rest, execution, &arena, &exit_code);
    if (plan == NULL)
        return exit_code;
    AUTO(buf_clear) struct buf out = {0};
    if (command.fingerprint)
        buf_add_str(&out, plan->fingerprint);
    else if (command.json)
        plan_print_json(plan, &out);
    else
        print_graph(plan, &out);
    fwrite(out.ptr, 1, out.len, stdout);
    return EXIT_DONE;
}
