// SPDX-License-Identifier: MIT
// The plan as JSON, one object a line where it helps a diff: for machines and for golden tests.
// Keys come in a fixed order and nothing in it depends on the machine.
#include "pipeline/plan.h"

#include <string.h>

static void add_key(struct buf *out, const char *key)
{
    char last = out->len > 0 ? out->ptr[out->len - 1] : '{';
    if (last != '{' && last != '[')
        buf_add_cstr(out, ", ");
    buf_print(out, "\"%s\": ", key);
}

static void add_text(struct buf *out, const char *key, struct str text)
{
    add_key(out, key);
    buf_add_json_string(out, text);
}

static void add_sql(struct buf *out, const char *key, struct str sql)
{
    if (sql.len > 0)
        add_text(out, key, sql);
}

static void add_number(struct buf *out, const char *key, int64_t number)
{
    add_key(out, key);
    buf_print(out, "%lld", (long long)number);
}

static void add_bool(struct buf *out, const char *key, bool value)
{
    add_key(out, key);
    buf_add_cstr(out, value ? "true" : "false");
}

static void add_indexes(struct buf *out, const char *key, const int *list, size_t len)
{
    if (list == NULL)
        return;
    add_key(out, key);
    buf_add_char(out, '[');
    for (size_t i = 0; i < len; i++)
        buf_print(out, "%s%d", i > 0 ? ", " : "", list[i]);
    buf_add_char(out, ']');
}

static void add_columns(struct buf *out, const char *key, const struct column *columns, size_t len)
{
    add_key(out, key);
    buf_add_char(out, '[');
    for (size_t i = 0; i < len; i++) {
        AUTO(buf_clear) struct buf text = {0};
        buf_print(&text, "%.*s %s", STR_ARGS(columns[i].name), columns[i].type->sql);
        buf_add_cstr(out, i > 0 ? ", " : "");
        buf_add_json_string(out, buf_str(&text));
    }
    buf_add_char(out, ']');
}

static void add_options(struct buf *out, const struct option *table, size_t table_len,
                        const struct option_value *values, size_t len)
{
    add_key(out, "options");
    buf_add_char(out, '{');
    for (size_t i = 0; i < len; i++) {
        const struct option *option = option_find(table, table_len, values[i].name);
        bool is_hidden = values[i].is_secret || option == NULL || option->kind == OPTION_SECRET;
        buf_add_cstr(out, i > 0 ? ", " : "");
        buf_add_json_string(out, values[i].name);
        buf_add_cstr(out, ": ");
        buf_add_json_string(out, is_hidden ? STR("(secret)") : values[i].value);
    }
    buf_add_char(out, '}');
}

static void add_constraints(struct buf *out, const struct relation *relation)
{
    static const char *const words[] = {"warn", "drop", "quarantine", "fail"};
    if (relation->constraints_len == 0)
        return;
    add_key(out, "constraints");
    buf_add_char(out, '[');
    for (size_t i = 0; i < relation->constraints_len; i++) {
        const struct constraint *constraint = &relation->constraints[i];
        buf_print(out, "%s\n    {", i > 0 ? "," : "");
        add_text(out, "name", constraint->name);
        add_text(out, "sql", constraint->condition.sql);
        add_bool(out, "compiled", constraint->condition.predicate != NULL);
        add_text(out, "violation", str_of(words[constraint->violation]));
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

static void print_source_column(struct buf *out, const struct source_column *column)
{
    static const char *const metadata[] = {"",          "value", "topic",   "partition", "offset",
                                           "timestamp", "key",   "headers", "file",      "line"};
    static const char *const units[] = {"", "unix_s", "unix_ms", "unix_us"};
    buf_add_char(out, '{');
    add_text(out, "name", column->name);
    add_text(out, "type", str_of(column->type->sql));
    if (column->metadata != METADATA_NONE)
        add_text(out, "metadata", str_of(metadata[column->metadata]));
    if (column->path_len > 0) {
        add_key(out, "path");
        buf_add_char(out, '[');
        for (size_t i = 0; i < column->path_len; i++) {
            buf_add_cstr(out, i > 0 ? ", " : "");
            buf_add_json_string(out, column->path[i]);
        }
        buf_add_char(out, ']');
    }
    if (column->time_unit != TIME_TEXT)
        add_text(out, "format", str_of(units[column->time_unit]));
    add_sql(out, "computed", column->computed);
    add_bool(out, "needed", column->is_needed);
    buf_add_char(out, '}');
}

static void print_source(struct buf *out, const struct plan_source *source)
{
    static const char *const on_error[] = {"quarantine", "drop", "fail"};
    buf_add_char(out, '{');
    add_text(out, "name", source->name);
    add_bool(out, "enabled", source->is_enabled);
    add_text(out, "connector", str_of(source->type->name));
    add_options(out, source->type->options, source->type->options_len, source->options,
                source->options_len);
    add_text(out, "format", source->format);
    add_text(out, "on_error", str_of(on_error[source->on_error]));
    if (source->coerce_spark)
        add_text(out, "coerce", STR("spark"));
    add_number(out, "relation", source->relation);
    if (source->watermark_column >= 0) {
        add_text(out, "watermark", source->columns[source->watermark_column].name);
        add_number(out, "delay_us", source->watermark_delay_us);
        add_number(out, "idle_timeout_us", source->idle_timeout_us);
    }
    add_key(out, "columns");
    buf_add_char(out, '[');
    for (size_t i = 0; i < source->columns_len; i++) {
        buf_print(out, "%s\n    ", i > 0 ? "," : "");
        print_source_column(out, &source->columns[i]);
    }
    buf_add_cstr(out, "]}");
}

static void print_aggregates(struct buf *out, const struct relation *relation)
{
    if (relation->keeps_rows)
        return;
    add_key(out, "aggregates");
    buf_add_char(out, '[');
    for (size_t i = 0; i < relation->aggregates_len; i++) {
        const struct aggregate *aggregate = &relation->aggregates[i];
        buf_print(out, "%s{\"kind\": \"%s\", \"argument\": %d", i > 0 ? ", " : "",
                  aggregate_word(aggregate->kind), aggregate->argument);
        if (aggregate->order_argument >= 0)
            buf_print(out, ", \"order\": %d", aggregate->order_argument);
        if (aggregate->filter >= 0)
            buf_print(out, ", \"filter\": %d", aggregate->filter);
        buf_print(out, ", \"type\": \"%s\"}", aggregate->type->sql);
    }
    buf_add_char(out, ']');
}

static void print_groups(struct buf *out, const struct relation *relation)
{
    add_number(out, "size_us", relation->window_size_us);
    add_number(out, "slide_us", relation->window_slide_us);
    add_number(out, "shift_us", relation->window_shift_us);
    add_columns(out, "group_inputs", relation->group_inputs, relation->group_inputs_len);
    add_indexes(out, "group_direct", relation->group_direct, relation->group_inputs_len);
    add_sql(out, "group_inputs_sql", relation->group_inputs_sql);
    add_number(out, "keys", (int64_t)relation->group_keys_len);
    add_bool(out, "keeps_rows", relation->keeps_rows);
    print_aggregates(out, relation);
    add_sql(out, "group_sql", relation->group_sql);
    add_sql(out, "final_sql", relation->final_sql);
    add_indexes(out, "final_direct", relation->final_direct, relation->columns_len);
    add_indexes(out, "key_columns", relation->key_columns, relation->key_columns_len);
    if (relation->has_having)
        add_bool(out, "having", true);
}

static void print_rule(struct buf *out, const struct relation *relation)
{
    switch (relation->kind) {
    case RELATION_SOURCE:
        add_number(out, "source", relation->source);
        break;
    case RELATION_ROWS:
        add_indexes(out, "direct", relation->direct, relation->columns_len);
        add_sql(out, "sql", relation->project_sql);
        if (relation->changes_rows)
            add_bool(out, "changes_rows", true);
        break;
    case RELATION_DEDUP:
        add_indexes(out, "keys", relation->dedup_keys, relation->dedup_keys_len);
        add_number(out, "within_us", relation->within_us);
        add_text(out, "keep", relation->keep_last ? STR("last") : STR("first"));
        break;
    case RELATION_GROUPS:
        print_groups(out, relation);
        break;
    case RELATION_JOIN:
        add_sql(out, "sql", relation->closed_sql);
        break;
    case RELATION_OVER:
        add_sql(out, "sql", relation->closed_sql);
        add_indexes(out, "partition", relation->over_partition, relation->over_partition_len);
        add_number(out, "preceding", relation->over_preceding);
        break;
    }
}

static void print_relation(struct buf *out, const struct relation *relation)
{
    static const char *const kinds[] = {"source", "rows", "dedup", "groups", "join", "over"};
    buf_add_char(out, '{');
    add_text(out, "name", relation->name);
    add_text(out, "kind", str_of(kinds[relation->kind]));
    size_t inputs = relation->inputs[0] < 0 ? 0 : relation->inputs[1] < 0 ? 1 : 2;
    if (inputs > 0)
        add_indexes(out, "inputs", relation->inputs, inputs);
    add_columns(out, "columns", relation->columns, relation->columns_len);
    if (relation->time_column >= 0)
        add_number(out, "time_column", relation->time_column);
    if (relation->is_closed) {
        add_bool(out, "closed", true);
        add_number(out, "window_start", relation->window_start_column);
        add_number(out, "window_end", relation->window_end_column);
    }
    if (relation->late_into >= 0)
        add_number(out, "late_into", relation->late_into);
    if (relation->has_filter) {
        add_text(out, "filter", relation->filter.sql);
        add_bool(out, "filter_compiled", relation->filter.predicate != NULL);
    }
    print_rule(out, relation);
    add_constraints(out, relation);
    buf_add_char(out, '}');
}

static void print_sink(struct buf *out, const struct plan_sink *sink)
{
    static const char *const emits[] = {"commit", "window_close", "changes"};
    buf_add_char(out, '{');
    add_text(out, "name", sink->name);
    add_text(out, "connector", str_of(sink->type->name));
    add_options(out, sink->type->options, sink->type->options_len, sink->options,
                sink->options_len);
    add_number(out, "relation", sink->relation);
    add_text(out, "emit", str_of(emits[sink->emit]));
    if (sink->emit == EMIT_CHANGES)
        add_number(out, "every_us", sink->emit_every_us);
    add_columns(out, "columns", sink->columns, sink->columns_len);
    buf_add_char(out, '}');
}

static void print_settings(struct buf *out, const struct settings *settings)
{
    static const char *const execution[] = {"stream", "once", "batch"};
    add_text(out, "pipeline", settings->pipeline);
    add_text(out, "execution", str_of(execution[settings->execution]));
    add_text(out, "checkpoint", settings->checkpoint);
    add_text(out, "quarantine", settings->quarantine);
    add_number(out, "commit_interval_us", settings->commit_interval_us);
    add_number(out, "trigger_interval_us", settings->trigger_interval_us);
    add_number(out, "memory_limit_bytes", settings->memory_limit_bytes);
    add_number(out, "outbox_limit_bytes", settings->outbox_limit_bytes);
    add_number(out, "future_skew_us", settings->future_skew_us);
    add_number(out, "max_ahead_us", settings->max_ahead_us);
}

#define PRINT_LIST(out, key, list, len, print)                                                     \
    do {                                                                                           \
        buf_print((out), ",\n\"%s\": [", (key));                                                   \
        for (size_t i = 0; i < (len); i++) {                                                       \
            buf_print((out), "%s\n  ", i > 0 ? "," : "");                                          \
            print((out), &(list)[i]);                                                              \
        }                                                                                          \
        buf_add_cstr((out), "]");                                                                  \
    } while (0)

static void print_table(struct buf *out, const struct plan_table *table)
{
    buf_add_char(out, '{');
    add_text(out, "name", table->name);
    add_text(out, "sql", table->sql);
    buf_add_char(out, '}');
}

static void print_text(struct buf *out, const struct str *text)
{
    buf_add_json_string(out, *text);
}

void plan_print_json(const struct plan *plan, struct buf *out)
{
    buf_add_cstr(out, "{");
    print_settings(out, &plan->settings);
    PRINT_LIST(out, "tables", plan->tables, plan->tables_len, print_table);
    PRINT_LIST(out, "sources", plan->sources, plan->sources_len, print_source);
    PRINT_LIST(out, "relations", plan->relations, plan->relations_len, print_relation);
    PRINT_LIST(out, "sinks", plan->sinks, plan->sinks_len, print_sink);
    if (plan->is_table_mode) {
        PRINT_LIST(out, "view_sql", plan->view_sql, plan->view_sql_len, print_text);
        PRINT_LIST(out, "batch_sink_sql", plan->batch_sink_sql, plan->sinks_len, print_text);
    }
    PRINT_LIST(out, "ignored", plan->ignored, plan->ignored_len, print_text);
    buf_add_cstr(out, ",\n\"fingerprint\": [");
    struct str rest = plan->fingerprint;
    for (size_t i = 0; rest.len > 0; i++) {
        int64_t end = str_find(rest, '\n');
        size_t len = end < 0 ? rest.len : (size_t)end;
        buf_print(out, "%s\n  ", i > 0 ? "," : "");
        buf_add_json_string(out, str_slice(rest, 0, len));
        rest = str_slice(rest, end < 0 ? len : len + 1, rest.len);
    }
    buf_add_cstr(out, "]}\n");
}
