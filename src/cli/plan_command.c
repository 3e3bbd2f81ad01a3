// SPDX-License-Identifier: MIT
// firesteel plan: what the file means, as the engine reads it.
#include "cli/command.h"
#include "cli/load_plan.h"
#include "engine/epoch.h"
#include "pipeline/fit.h"
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

// ---- Against the checkpoint
// -------------------------------------------------------------------------------------
struct comparison {
    bool is_json;
    size_t len, changed;
    struct buf text, names;
};

static const char *const fit_words[] = {"same", "changed", "new", "gone"};

static void add_object(void *context, enum fit fit, struct str name, struct str title,
                       struct str what)
{
    static const char *const outcomes[] = {"goes on", "refused", "begins empty",
                                           "no longer there: forgotten"};
    struct comparison *comparison = context;
    if (comparison->is_json) {
        buf_add_cstr(&comparison->text, comparison->len > 0 ? ", {\"name\": " : "{\"name\": ");
        buf_add_json_string(&comparison->text, name);
        buf_print(&comparison->text, ", \"fit\": \"%s\", \"changes\": ", fit_words[fit]);
        buf_add_json_string(&comparison->text, what);
        buf_add_char(&comparison->text, '}');
    } else {
        buf_print(&comparison->text, "  %-26.*s %s%s%.*s\n", STR_ARGS(title), outcomes[fit],
                  what.len > 0 ? ": " : "", STR_ARGS(what));
    }
    comparison->len++;
    if (fit != FIT_CHANGED)
        return;
    buf_print(&comparison->names, "%s%.*s", comparison->changed > 0 ? "," : "", STR_ARGS(name));
    comparison->changed++;
}

// What a run would do with the checkpoint there is. Nothing when there is none, or in batch, which
// keeps none. Remote checkpoints are not looked at: a plan needs no network.
static bool compare(const struct plan *plan, bool is_json, struct buf *out, struct error *err)
{
    struct str place = plan->settings.checkpoint;
    AUTO(buf_clear) struct buf folder = {0};
    buf_add_str(&folder, place);
    struct stored_plan stored = {0};
    struct comparison comparison = {.is_json = is_json};
    bool is_remote = str_starts(place, "s3://") || str_starts(place, "s3a://");
    bool ok = is_remote || plan->settings.execution == EXECUTION_BATCH ||
              stored_plan_read(buf_cstr(&folder), &stored, err);
    if (ok && stored.is_there) {
        fit_compare(buf_str(&stored.fingerprint), plan->fingerprint, add_object, &comparison);
        if (is_json) {
            buf_add_cstr(out, "{\"folder\": ");
            buf_add_json_string(out, place);
            buf_print(out, ", \"epoch\": %llu, \"refused\": %s, \"objects\": [%.*s]}",
                      (unsigned long long)stored.epoch, comparison.changed > 0 ? "true" : "false",
                      STR_ARGS(buf_str(&comparison.text)));
        } else {
            buf_print(out, "\ncheckpoint %.*s, epoch %llu\n%.*s", STR_ARGS(place),
                      (unsigned long long)stored.epoch, STR_ARGS(buf_str(&comparison.text)));
            if (comparison.changed > 0)
                buf_print(out,
                          "a run would be refused: undo the change, or give that state up with "
                          "--drop-state '%s'\n",
                          buf_cstr(&comparison.names));
        }
    }
    buf_clear(&stored.fingerprint);
    buf_clear(&comparison.text);
    buf_clear(&comparison.names);
    return ok;
}

static bool print_plan(const struct plan *plan, bool is_json, struct buf *out, struct error *err)
{
    if (!is_json) {
        print_graph(plan, out);
        return compare(plan, false, out, err);
    }
    AUTO(buf_clear) struct buf checkpoint = {0};
    plan_print_json(plan, out);
    if (!compare(plan, true, &checkpoint, err))
        return false;
    if (checkpoint.len > 0) { // one more member of the plan's object
        while (out->len > 0 && out->ptr[out->len - 1] != '}')
            out->len--;
        out->len--;
        while (out->len > 0 && out->ptr[out->len - 1] == '\n')
            out->len--;
        buf_print(out, ",\n  \"compared\": %.*s\n}\n", STR_ARGS(buf_str(&checkpoint)));
    }
    return true;
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
    struct error err = {0};
    if (command.fingerprint)
        buf_add_str(&out, plan->fingerprint);
    else if (!print_plan(plan, command.json, &out, &err))
        return command_fail(&err);
    fwrite(out.ptr, 1, out.len, stdout);
    return EXIT_DONE;
}
