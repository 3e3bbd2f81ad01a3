// SPDX-License-Identifier: MIT
// SET name = value: one table drives defaults, parsing, the list of valid names and the docs. What
// the command line sets with --set replaces what the file says.
#include "connectors/s3/s3.h"
#include "pipeline/plan_maker.h"
#include "pipeline/select.h"

#include <string.h>

static const char *const execution_words[] = {"stream", "once", "batch", NULL};

#define SETTING(member) offsetof(struct settings, member)

const struct option plan_settings[] = {
    {"pipeline", OPTION_TEXT, "",
     "name of the pipeline: keys checkpoints and progress in sinks; "
     "default: the file's base name",
     SETTING(pipeline), NULL},
    {"checkpoint", OPTION_TEXT, "", "folder of the checkpoint; default: .firesteel/<pipeline>",
     SETTING(checkpoint), NULL},
    {"quarantine", OPTION_TEXT, "",
     "folder for rows that were refused; default: "
     "<checkpoint>/quarantine",
     SETTING(quarantine), NULL},
    {"execution", OPTION_WORD, "stream",
     "stream: follow the inputs; once: what exists at start; "
     "batch: what exists at start, as complete input",
     SETTING(execution), execution_words},
    {"commit_interval", OPTION_DURATION, "1 second", "how often results become durable and visible",
     SETTING(commit_interval_us), NULL},
    {"trigger_interval", OPTION_DURATION, "20 ms",
     "how long rows are collected before they are "
     "worked on",
     SETTING(trigger_interval_us), NULL},
    {"trigger_rows", OPTION_INT, "8192", "rows a lane takes at once", SETTING(trigger_rows), NULL},
    {"lanes", OPTION_INT, "0", "threads that work on rows; 0: one a core", SETTING(lanes), NULL},
    {"memory_limit", OPTION_SIZE, "0", "bytes of state before the job refuses to grow; 0: none",
     SETTING(memory_limit_bytes), NULL},
    {"outbox_limit", OPTION_SIZE, "256MB", "bytes of undelivered rows before reading pauses",
     SETTING(outbox_limit_bytes), NULL},
    {"journal_bytes", OPTION_SIZE, "64MB", "bytes of frames before the journal begins a new base",
     SETTING(journal_bytes), NULL},
    {"future_skew", OPTION_DURATION, "5 minutes",
     "event times further ahead of the wall clock do not "
     "move the watermark; none: all do",
     SETTING(future_skew_us), NULL},
    {"max_ahead", OPTION_DURATION, "10 minutes", "a partition this far ahead of the others waits",
     SETTING(max_ahead_us), NULL},
    {"over_retention", OPTION_DURATION, "24 hours",
     "event time after which the history of a silent "
     "OVER key is dropped",
     SETTING(over_retention_us), NULL},
    {"listen", OPTION_TEXT, "",
     "address of the HTTP server, for example 127.0.0.1:8080; empty: none", SETTING(listen), NULL},
    {"strict", OPTION_BOOL, "false", "stop when the ledger does not add up", SETTING(strict), NULL},
};
const size_t plan_settings_len = COUNT_OF(plan_settings);

static struct str list_settings(struct maker *maker, const char **nearest, struct str wanted)
{
    const char *names[COUNT_OF(plan_settings)];
    AUTO(buf_clear) struct buf list = {0};
    for (size_t i = 0; i < plan_settings_len; i++) {
        names[i] = plan_settings[i].name;
        buf_print(&list, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    *nearest = nearest_name(wanted, names, plan_settings_len);
    return arena_str(maker->arena, buf_str(&list));
}

static bool setting_is_known(struct maker *maker, struct str name, size_t place)
{
    if (option_find(plan_settings, plan_settings_len, name) != NULL)
        return true;
    const char *nearest = NULL;
    struct str all = list_settings(maker, &nearest, name);
    struct str cure = nearest != NULL ? arena_print(maker->arena, "did you mean %s? settings: %.*s",
                                                    nearest, STR_ARGS(all))
                                      : arena_print(maker->arena, "settings: %.*s", STR_ARGS(all));
    diagnostic_add(maker->diagnostics, "E0301", place, name.len, cure.ptr,
                   "there is no setting %.*s", STR_ARGS(name));
    return false;
}

static bool setting_value(struct maker *maker, const struct option_text *option, struct str *value)
{
    *value = option->value;
    if (!option->is_expression)
        return true;
    struct error err = {0};
    bool is_null = false;
    AUTO(buf_clear) struct buf text = {0};
    bool is_good = connection_evaluate(maker->builder.connection, option->expression.text, &text,
                                       &is_null, &err);
    if (!is_good || is_null) {
        bind_shorten(&err);
        diagnostic_add(maker->diagnostics, "E0307", option->value_place, 1, NULL,
                       "the value of %.*s cannot be computed: %s", STR_ARGS(option->name),
                       is_good ? "it is NULL" : err.text);
        return false;
    }
    *value = arena_str(maker->arena, buf_str(&text));
    return true;
}

// A later value of the same name replaces the one before it.
static void put_value(struct option_value *values, size_t *len, struct option_value value)
{
    for (size_t i = 0; i < *len; i++) {
        if (str_equal_nocase(values[i].name, value.name)) {
            values[i] = value;
            return;
        }
    }
    values[(*len)++] = value;
}

static size_t collect(struct maker *maker, struct option_value *values)
{
    size_t len = 0;
    for (size_t i = 0; i < maker->units_len; i++) {
        const struct statement *statement = &maker->statements[i];
        if (statement->kind != STATEMENT_SET || statement->is_broken)
            continue;
        const struct option_text *option = &statement->options[0];
        struct str value = {0};
        if (!setting_is_known(maker, option->name, option->name_place) ||
            !setting_value(maker, option, &value))
            continue;
        for (size_t k = 0; k < len; k++)
            if (str_equal_nocase(values[k].name, option->name))
                diagnostic_add(maker->diagnostics, "E0311", statement->place, 3, "keep one of them",
                               "%.*s is set twice", STR_ARGS(option->name));
        put_value(values, &len,
                  (struct option_value){.name = option->name,
                                        .value = value,
                                        .place = option->value_place,
                                        .is_secret = option->has_secret});
    }
    for (size_t i = 0; i < maker->request->overrides_len; i++) {
        const struct override *override = &maker->request->overrides[i];
        if (override->object.len == 0 && setting_is_known(maker, override->name, SIZE_MAX))
            put_value(values, &len,
                      (struct option_value){
                          .name = override->name, .value = override->value, .place = SIZE_MAX});
    }
    return len;
}

// 'none' is no length of time: taken out before the table sees it.
static bool take_none(struct option_value *values, size_t *len, const char *name)
{
    for (size_t i = 0; i < *len; i++) {
        if (!str_equal_nocase(values[i].name, str_of(name)) ||
            !str_equal_nocase(values[i].value, STR("none")))
            continue;
        values[i] = values[--(*len)];
        return true;
    }
    return false;
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

// The file's base name without .sql, made fit for a folder name.
static struct str default_name(struct maker *maker)
{
    struct str path = str_of(maker->request->path);
    size_t begin = path.len;
    while (begin > 0 && path.ptr[begin - 1] != '/')
        begin--;
    struct str name = str_slice(path, begin, path.len);
    if (str_ends(name, ".sql"))
        name.len -= 4;
    char *copy = arena_bytes(maker->arena, name.len + 1);
    for (size_t i = 0; i < name.len; i++)
        copy[i] =
            is_name_character(name.ptr[i]) && (i > 0 || name.ptr[i] != '.') ? name.ptr[i] : '_';
    return name.len > 0 ? (struct str){copy, name.len} : STR("pipeline");
}

static size_t place_of(const struct option_value *values, size_t len, const char *name)
{
    for (size_t i = 0; i < len; i++)
        if (str_equal_nocase(values[i].name, str_of(name)))
            return values[i].place;
    return SIZE_MAX;
}

static void check_ranges(struct maker *maker, const struct option_value *values, size_t len)
{
    const struct settings *settings = &maker->plan->settings;
    const struct {
        const char *name;
        int64_t value, min, max;
        const char *allowed;
    } ranges[] = {
        {"commit_interval", settings->commit_interval_us, US_PER_MS, 86400 * US_PER_SECOND,
         "between 1 ms and 1 day"},
        {"trigger_interval", settings->trigger_interval_us, 0, 60 * US_PER_SECOND,
         "between 0 and 1 minute"},
        {"trigger_rows", settings->trigger_rows, 1, INT64_C(1) << 24, "between 1 and 16777216"},
        {"lanes", settings->lanes, 0, 256, "between 0 and 256"},
        {"memory_limit", settings->memory_limit_bytes, 0, INT64_MAX, "0 or more"},
        {"outbox_limit", settings->outbox_limit_bytes, 1, INT64_MAX, "more than 0"},
        {"journal_bytes", settings->journal_bytes, 1, INT64_MAX, "more than 0"},
        {"future_skew", settings->future_skew_us, -1, INT64_MAX, "0 or more, or none"},
        {"max_ahead", settings->max_ahead_us, 1, INT64_MAX, "more than 0"},
        {"over_retention", settings->over_retention_us, 1, INT64_MAX, "more than 0"},
    };
    for (size_t i = 0; i < COUNT_OF(ranges); i++)
        if (ranges[i].value < ranges[i].min || ranges[i].value > ranges[i].max)
            diagnostic_add(maker->diagnostics, "E0302", place_of(values, len, ranges[i].name), 1,
                           NULL, "%s must be %s", ranges[i].name, ranges[i].allowed);
}

static void check_texts(struct maker *maker, const struct option_value *values, size_t len)
{
    struct settings *settings = &maker->plan->settings;
    if (settings->pipeline.len == 0)
        settings->pipeline = default_name(maker);
    for (size_t i = 0; i < settings->pipeline.len; i++) {
        char c = settings->pipeline.ptr[i];
        if (is_name_character(c) && (i > 0 || c != '.'))
            continue;
        diagnostic_add(maker->diagnostics, "E0302", place_of(values, len, "pipeline"), 1,
                       "use letters, digits, _ - and .",
                       "a pipeline's name becomes a folder: '%.*s' does not fit",
                       STR_ARGS(settings->pipeline));
        break;
    }
    if (settings->checkpoint.len == 0)
        settings->checkpoint =
            arena_print(maker->arena, ".firesteel/%.*s", STR_ARGS(settings->pipeline));
    bool is_remote = s3_url_is(settings->checkpoint);
    if (is_remote && settings->commit_interval_us < US_PER_SECOND)
        diagnostic_add(maker->diagnostics, "E0312", place_of(values, len, "commit_interval"), 1,
                       "SET commit_interval = INTERVAL '1 second', or a local checkpoint",
                       "with a checkpoint on S3 an epoch takes at least a second");
    if (settings->quarantine.len > 0 && s3_url_is(settings->quarantine))
        diagnostic_add(maker->diagnostics, "E0312", place_of(values, len, "quarantine"), 1,
                       "leave it out: it is then below the checkpoint, on S3 as well",
                       "a quarantine on S3 is always the one below the checkpoint");
    if (settings->quarantine.len == 0)
        settings->quarantine =
            arena_print(maker->arena, "%.*s/quarantine", STR_ARGS(settings->checkpoint));
}

void settings_build(struct maker *maker)
{
    struct settings *settings = &maker->plan->settings;
    struct option_value *values =
        ARENA_ARRAY(maker->arena, struct option_value, plan_settings_len + 1);
    size_t len = collect(maker, values);
    bool has_no_skew = take_none(values, &len, "future_skew");
    struct error err = {0};
    size_t bad = SIZE_MAX;
    while (!option_fill(plan_settings, plan_settings_len, values, len, settings, maker->arena, &bad,
                        &err)) {
        if (bad >= len)
            break;
        diagnostic_add(maker->diagnostics, "E0302", values[bad].place, 1, NULL, "%s",
                       values[bad].is_secret ? "this setting's value is not understood" : err.text);
        values[bad] = values[--len]; // and on, for the next mistake
    }
    if (has_no_skew)
        settings->future_skew_us = -1;
    if (maker->request->execution >= 0)
        settings->execution = maker->request->execution;
    check_ranges(maker, values, len);
    check_texts(maker, values, len);
}
