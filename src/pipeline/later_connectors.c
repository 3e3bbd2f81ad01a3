// SPDX-License-Identifier: MIT
// Connectors of later versions, known by name and options. A pipeline that chooses its connector
// from the environment names their options too, and it must be checkable today; opening one is
// refused.
#include "pipeline/plan_maker.h"

#include <string.h>

// Text options without a meaning yet: only their names count.
#define LATER(name)                                                                                \
    {                                                                                              \
        (name), OPTION_TEXT, "", "", 0, NULL                                                       \
    }
#define LATER_SECRET(name)                                                                         \
    {                                                                                              \
        (name), OPTION_SECRET, "", "", 0, NULL                                                     \
    }

static const struct option clickhouse_options[] = {
    LATER("host"),
    LATER("port"),
    LATER("database"),
    LATER("user"),
    LATER_SECRET("password"),
    LATER("url"),
    LATER("table"),
    LATER("query"),
    LATER("query_range"),
};
static const struct option http_options[] = {
    LATER("url"), LATER("method"), LATER("headers"), LATER_SECRET("token"), LATER("timeout"),
};
static const struct option redis_options[] = {
    LATER("host"), LATER("port"), LATER("url"), LATER("key"), LATER_SECRET("password"),
    LATER("ttl"),
};
static struct source *refuse_source(const void *options UNUSED,
                                    const struct source_context *context, struct error *err)
{
    error_set(err, ERROR_USER,
              "source %.*s: its connector is not in this version; try it with other input: --with "
              "%.*s.connector=files --with %.*s.path=FILE",
              STR_ARGS(context->name), STR_ARGS(context->name), STR_ARGS(context->name));
    return NULL;
}

static struct sink *refuse_sink(const void *options UNUSED, const struct sink_context *context,
                                struct error *err)
{
    error_set(err, ERROR_USER,
              "sink %.*s: its connector is not in this version; try it with other output: --with "
              "%.*s.connector=console",
              STR_ARGS(context->name), STR_ARGS(context->name));
    return NULL;
}

#define LATER_SOURCE(word, table)                                                                  \
    {                                                                                              \
        .name = (word), .summary = "in a later version", .options = (table),                       \
        .options_len = COUNT_OF(table), .options_size = sizeof(struct secret),                     \
        .open = refuse_source                                                                      \
    }
#define LATER_SINK(word, table, takes)                                                             \
    {                                                                                              \
        .name = (word), .summary = "in a later version", .options = (table),                       \
        .options_len = COUNT_OF(table), .options_size = sizeof(struct secret),                     \
        .promise = PROMISE_EXACTLY_ONCE, .takes_changes = (takes), .open = refuse_sink             \
    }

static const struct source_type later_sources[] = {
    LATER_SOURCE("clickhouse", clickhouse_options),
    LATER_SOURCE("http", http_options),
};
static const struct sink_type later_sinks[] = {
    LATER_SINK("clickhouse", clickhouse_options, false),
    LATER_SINK("http", http_options, true),
    LATER_SINK("redis", redis_options, true),
};

const struct source_type *later_source_find(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(later_sources); i++)
        if (str_equal_nocase(name, str_of(later_sources[i].name)))
            return &later_sources[i];
    return NULL;
}

const struct sink_type *later_sink_find(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(later_sinks); i++)
        if (str_equal_nocase(name, str_of(later_sinks[i].name)))
            return &later_sinks[i];
    return NULL;
}

bool later_type_is(const void *type)
{
    for (size_t i = 0; i < COUNT_OF(later_sources); i++)
        if (type == &later_sources[i])
            return true;
    for (size_t i = 0; i < COUNT_OF(later_sinks); i++)
        if (type == &later_sinks[i])
            return true;
    return false;
}

static bool knows(const struct option *options, size_t len, struct str name)
{
    return option_find(options, len, name) != NULL;
}

const char *option_owner(struct str name, bool is_source)
{
    for (size_t i = 0; is_source && i < source_types_len; i++)
        if (knows(source_types[i]->options, source_types[i]->options_len, name))
            return source_types[i]->name;
    for (size_t i = 0; !is_source && i < sink_types_len; i++)
        if (knows(sink_types[i]->options, sink_types[i]->options_len, name))
            return sink_types[i]->name;
    for (size_t i = 0; is_source && i < COUNT_OF(later_sources); i++)
        if (knows(later_sources[i].options, later_sources[i].options_len, name))
            return later_sources[i].name;
    for (size_t i = 0; !is_source && i < COUNT_OF(later_sinks); i++)
        if (knows(later_sinks[i].options, later_sinks[i].options_len, name))
            return later_sinks[i].name;
    return str_starts(name, "properties.") ? "kafka" : NULL;
}
