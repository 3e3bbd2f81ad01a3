// SPDX-License-Identifier: MIT
// The plan in words: what comes in, what each step does, what is kept and for how long, when
// results appear and what each sink promises. Written for the person who must answer for the
// pipeline, so it says consequences, not structure (plan_print_json has that).
#include "pipeline/plan.h"

#include "base/clock.h"
#include <math.h>
#include <string.h>

static const char *duration(int64_t us, char *buffer)
{
    return us == 0 ? "0s" : duration_print(us, buffer);
}

static void add_names(struct buf *out, const struct relation *relation, const int *columns,
                      size_t len)
{
    for (size_t i = 0; i < len; i++)
        buf_print(out, "%s%.*s",
                  i == 0         ? ""
                  : i + 1 == len ? " and "
                                 : ", ",
                  STR_ARGS(relation->columns[columns[i]].name));
}

static void add_options(struct buf *out, const struct option *table, size_t table_len,
                        const struct option_value *values, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const struct option *option = option_find(table, table_len, values[i].name);
        bool is_hidden = values[i].is_secret || option == NULL || option->kind == OPTION_SECRET;
        buf_print(out, ", %.*s ", STR_ARGS(values[i].name));
        if (is_hidden)
            buf_add_cstr(out, "(secret)");
        else
            buf_add_sql_string(out, values[i].value);
    }
}

static void explain_constraints(const struct relation *relation, struct buf *out)
{
    static const char *const actions[] = {"is counted and kept", "is dropped", "goes to quarantine",
                                          "stops the pipeline"};
    for (size_t i = 0; i < relation->constraints_len; i++)
        buf_print(out, "    a row that violates %.*s %s\n", STR_ARGS(relation->constraints[i].name),
                  actions[relation->constraints[i].violation]);
}

static void explain_watermark(const struct plan *plan, const struct plan_source *source,
                              struct buf *out)
{
    char delay[64], skew[64], idle[64];
    if (source->watermark_column < 0) {
        buf_add_cstr(out, "    no watermark: its rows have no event time\n");
        return;
    }
    buf_print(out, "    watermark: %s behind the largest %.*s of the slowest partition",
              duration(source->watermark_delay_us, delay),
              STR_ARGS(source->columns[source->watermark_column].name));
    if (source->idle_timeout_us >= 0)
        buf_print(out, "; a partition that is silent for %s does not hold it back",
                  duration(source->idle_timeout_us, idle));
    if (plan->settings.future_skew_us >= 0)
        buf_print(out, "; times more than %s ahead of the clock do not move it",
                  duration(plan->settings.future_skew_us, skew));
    buf_add_cstr(out, "\n");
}

static void explain_source(const struct plan *plan, const struct plan_source *source,
                           struct buf *out)
{
    static const char *const on_error[] = {"goes to quarantine", "is dropped",
                                           "stops the pipeline"};
    buf_print(out, "source %.*s\n    ", STR_ARGS(source->name));
    if (!source->is_enabled)
        buf_add_cstr(out, "DISABLED: gives no rows; ");
    buf_print(out, "connector %s", source->type->name);
    add_options(out, source->type->options, source->type->options_len, source->options,
                source->options_len);
    buf_print(out, "\n    %.*s is decoded into", STR_ARGS(source->format));
    size_t needed = 0;
    for (size_t i = 0; i < source->columns_len; i++)
        needed += source->columns[i].is_needed;
    buf_print(out, " %zu of %zu columns (the others are not needed)\n", needed,
              source->columns_len);
    if (source->coerce_spark)
        buf_add_cstr(out, "    a value that does not fit its column becomes NULL\n");
    buf_print(out, "    a record that cannot be decoded %s\n", on_error[source->on_error]);
    explain_constraints(&plan->relations[source->relation], out);
    explain_watermark(plan, source, out);
}

static void explain_late(const struct plan *plan, const struct relation *relation, struct buf *out)
{
    if (plan->settings.execution == EXECUTION_BATCH)
        return;
    if (relation->late_into >= 0)
        buf_print(out, "    late rows go to %.*s\n",
                  STR_ARGS(plan->sinks[relation->late_into].name));
    else
        buf_add_cstr(out, "    late rows are counted and left out\n");
}

static void explain_dedup(const struct plan *plan, const struct relation *relation, struct buf *out)
{
    char within[64];
    buf_print(out, "    the %s row of each ", relation->keep_last ? "last" : "first");
    add_names(out, relation, relation->dedup_keys, relation->dedup_keys_len);
    buf_add_cstr(out, " passes\n");
    if (plan->settings.execution == EXECUTION_BATCH)
        buf_add_cstr(out, "    keeps: every key, to the end of the run\n");
    else
        buf_print(out, "    keeps: every key, until the watermark is %s past its event time\n",
                  duration(relation->within_us, within));
    explain_late(plan, relation, out);
}

static void explain_groups(const struct plan *plan, const struct relation *relation,
                           struct buf *out)
{
    char size[64], slide[64];
    buf_print(out, "    groups by window of %s", duration(relation->window_size_us, size));
    if (relation->window_slide_us != relation->window_size_us)
        buf_print(out, " every %s", duration(relation->window_slide_us, slide));
    buf_print(out, " and %zu %s\n", relation->group_keys_len,
              relation->group_keys_len == 1 ? "key" : "keys");
    if (relation->keeps_rows)
        buf_add_cstr(out,
                     "    keeps: all rows of open windows (an aggregate needs them all), until "
                     "the watermark passes the window's end\n");
    else
        buf_print(out,
                  "    keeps: %zu partial %s a group, until the watermark passes the window's "
                  "end\n",
                  relation->aggregates_len, relation->aggregates_len == 1 ? "value" : "values");
    explain_late(plan, relation, out);
}

static void explain_over(const struct plan *plan, const struct relation *relation, struct buf *out)
{
    char retention[64];
    const struct relation *input = &plan->relations[relation->inputs[0]];
    buf_print(out, "    looks back %lld rows", (long long)relation->over_preceding);
    if (relation->over_partition_len > 0) {
        buf_add_cstr(out, " of each ");
        add_names(out, input, relation->over_partition, relation->over_partition_len);
    }
    buf_print(out, "\n    keeps: these rows; forgets a key that is silent for %s of event time\n",
              duration(plan->settings.over_retention_us, retention));
    int64_t rows = relation->over_own_deviation;
    if (rows > 0)
        buf_print(out,
                  "    a deviation counts the current row, too: no row is more than sqrt(%lld) = "
                  "%.3f deviations from the mean, and a threshold of that or more never fires\n",
                  (long long)rows, sqrt((double)rows));
}

static void explain_relation(const struct plan *plan, const struct relation *relation,
                             struct buf *out)
{
    const struct relation *input =
        relation->inputs[0] >= 0 ? &plan->relations[relation->inputs[0]] : NULL;
    if (relation->kind == RELATION_SOURCE || input == NULL)
        return;
    buf_print(out, "step %.*s, from %.*s", STR_ARGS(relation->name), STR_ARGS(input->name));
    if (relation->inputs[1] >= 0)
        buf_print(out, " and %.*s", STR_ARGS(plan->relations[relation->inputs[1]].name));
    buf_add_char(out, '\n');
    if (relation->has_filter)
        buf_add_cstr(out, "    rows that fail its WHERE are counted as filtered\n");
    switch (relation->kind) {
    case RELATION_SOURCE:
        break;
    case RELATION_ROWS:
        buf_print(out, "    row by row%s; keeps nothing\n",
                  relation->changes_rows ? ", one row may become none or several" : "");
        break;
    case RELATION_DEDUP:
        explain_dedup(plan, relation, out);
        break;
    case RELATION_GROUPS:
        explain_groups(plan, relation, out);
        break;
    case RELATION_JOIN:
        buf_add_cstr(out,
                     "    joins both, window by window\n    keeps: closed windows of one side, "
                     "until the other side has closed them too\n");
        break;
    case RELATION_OVER:
        explain_over(plan, relation, out);
        break;
    }
    explain_constraints(relation, out);
}

static struct str option_text(const struct plan_sink *sink, const char *name)
{
    for (size_t i = 0; i < sink->options_len; i++)
        if (str_is(sink->options[i].name, name))
            return sink->options[i].value;
    const struct option *option =
        option_find(sink->type->options, sink->type->options_len, str_of(name));
    return option != NULL ? str_of(option->fallback) : (struct str){0};
}

// Rows without a window, into files: a file is shown when it is worth being one.
static bool explain_rolling(const struct plan_sink *sink, const char *commit, struct buf *out)
{
    struct str rows = option_text(sink, "roll_rows"), bytes = option_text(sink, "roll_bytes");
    struct str age = option_text(sink, "roll_age");
    int64_t age_us;
    char text[64];
    if (sink->type->should_deliver == NULL || age.len == 0 || !duration_parse(age, &age_us))
        return false;
    buf_print(out,
              "    rows are durable in the checkpoint with each commit (every %s), and appear as "
              "a file when it has %.*s rows or %.*s, is %s old, or the run ends\n",
              commit, STR_ARGS(rows), STR_ARGS(bytes), duration(age_us, text));
    return true;
}

static void explain_emission(const struct plan *plan, const struct plan_sink *sink, struct buf *out)
{
    char every[64], commit[64];
    duration(plan->settings.commit_interval_us, commit);
    if (plan->settings.execution == EXECUTION_BATCH)
        buf_add_cstr(out, "    rows appear when the run ends\n");
    else if (sink->emit == EMIT_CHANGES)
        buf_print(out,
                  "    every %s, groups that changed, as upserts by their key; and once more "
                  "when their window closes\n",
                  duration(sink->emit_every_us, every));
    else if (sink->emit == EMIT_WINDOW_CLOSE)
        buf_print(out,
                  "    each row once, final, with the commit after its window closed (every "
                  "%s)\n",
                  commit);
    else if (!explain_rolling(sink, commit, out))
        buf_print(out, "    rows appear with each commit: the first at once, then every %s\n",
                  commit);
}

static void explain_sink(const struct plan *plan, const struct plan_sink *sink, struct buf *out)
{
    buf_print(out, "sink %.*s", STR_ARGS(sink->name));
    if (sink->relation >= 0)
        buf_print(out, ", from %.*s", STR_ARGS(plan->relations[sink->relation].name));
    else if (!plan->is_table_mode)
        buf_add_cstr(out, ", for late rows");
    buf_print(out, "\n    connector %s", sink->type->name);
    add_options(out, sink->type->options, sink->type->options_len, sink->options,
                sink->options_len);
    buf_add_cstr(out, "\n    columns:");
    for (size_t i = 0; i < sink->columns_len; i++)
        buf_print(out, "%s %.*s %s", i > 0 ? "," : "", STR_ARGS(sink->columns[i].name),
                  sink->columns[i].type->sql);
    buf_add_char(out, '\n');
    explain_emission(plan, sink, out);
    bool is_exact = sink->type->promise == PROMISE_EXACTLY_ONCE;
    buf_add_cstr(out, is_exact ? "    promise: exactly once\n"
                               : "    promise: at least once: after a crash rows may come again\n");
}

void plan_explain(const struct plan *plan, struct buf *out)
{
    static const char *const execution[] = {
        "follows its inputs until it is stopped", "takes what exists at start, then ends",
        "takes what exists at start as complete input: all windows close, no row is late"};
    const struct settings *settings = &plan->settings;
    buf_print(out, "pipeline %.*s %s\n", STR_ARGS(settings->pipeline),
              execution[settings->execution]);
    if (settings->execution != EXECUTION_BATCH)
        buf_print(out, "    checkpoint in %.*s: a restart goes on where it stopped\n",
                  STR_ARGS(settings->checkpoint));
    if (plan->is_table_mode)
        buf_add_cstr(out,
                     "    uses more SQL than a stream can: DuckDB computes everything behind the "
                     "sources\n");
    for (size_t i = 0; i < plan->tables_len; i++)
        buf_print(out, "table %.*s\n    loaded at start, kept in memory\n",
                  STR_ARGS(plan->tables[i].name));
    for (size_t i = 0; i < plan->sources_len; i++)
        explain_source(plan, &plan->sources[i], out);
    for (size_t i = 0; i < plan->relations_len; i++)
        explain_relation(plan, &plan->relations[i], out);
    for (size_t i = 0; i < plan->sinks_len; i++)
        explain_sink(plan, &plan->sinks[i], out);
    if (plan->ignored_len > 0)
        buf_add_cstr(out, "options that were not used, because they belong to another connector\n");
    for (size_t i = 0; i < plan->ignored_len; i++)
        buf_print(out, "    %.*s\n", STR_ARGS(plan->ignored[i]));
}
