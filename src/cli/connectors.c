// SPDX-License-Identifier: MIT
// firesteel connectors: the registry, printed. What is here is what WITH (..) understands, because
// both read the same tables.
#include "cli/arguments.h"
#include "cli/command.h"
#include "connectors/registry.h"
#include <stdio.h>
#include <string.h>

struct connectors_flags {
    bool json;
};

static const struct flag flags[] = {
    {"json", 0, FLAG_BOOL, NULL, "as JSON", offsetof(struct connectors_flags, json)},
};

static const char *const kind_names[] = {"text",   "secret",   "true/false", "whole number",
                                         "number", "duration", "size",       "word"};

static void print_words(const struct option *option, struct buf *out)
{
    for (size_t i = 0; option->words != NULL && option->words[i] != NULL; i++)
        buf_print(out, "%s'%s'", i > 0 ? " | " : "", option->words[i]);
}

static void print_options(const struct option *options, size_t len, struct buf *out)
{
    for (size_t i = 0; i < len; i++) {
        const struct option *option = &options[i];
        buf_print(out, "    %-20s ", option->name);
        if (option->kind == OPTION_WORD)
            print_words(option, out);
        else
            buf_add_cstr(out, kind_names[option->kind]);
        if (option->fallback == NULL)
            buf_add_cstr(out, ", required");
        else if (option->fallback[0] != '\0' && option->kind != OPTION_SECRET)
            buf_print(out, ", default %s", option->fallback);
        buf_print(out, "\n    %-20s   %s\n", "", option->help);
    }
}

static void print_type(const char *name, const char *what, const char *summary,
                       const struct option *options, size_t len, struct buf *out)
{
    buf_print(out, "%s %s: %s\n", name, what, summary);
    print_options(options, len, out);
}

// What plans read for every source and sink, whatever its connector.
static const char *const format_words[] = {"json", "csv", "raw", "parquet", NULL};
static const char *const error_words[] = {"quarantine", "drop", "fail", NULL};
static const char *const coerce_words[] = {"none", "spark", NULL};
static const char *const delivery_words[] = {"exactly_once", "at_least_once", NULL};
static const char *const reject_words[] = {"stop", "quarantine", NULL};
#define ENABLED                                                                                    \
    {                                                                                              \
        .name = "enabled", .kind = OPTION_BOOL, .fallback = "true", .help = "left out when false"  \
    }
static const struct option source_common[] = {
    ENABLED,
    {.name = "format",
     .kind = OPTION_WORD,
     .fallback = "json",
     .help = "what the bytes are",
     .words = format_words},
    {.name = "on_error",
     .kind = OPTION_WORD,
     .fallback = "quarantine",
     .help = "a record that cannot be decoded",
     .words = error_words},
    {.name = "coerce",
     .kind = OPTION_WORD,
     .fallback = "none",
     .help = "spark: a value that does not fit its column becomes NULL",
     .words = coerce_words},
};
static const struct option sink_common[] = {
    ENABLED,
    {.name = "emit",
     .kind = OPTION_TEXT,
     .fallback = "",
     .help = "'window_close' or 'changes 10 seconds', in place of the EMIT clause"},
    {.name = "delivery",
     .kind = OPTION_WORD,
     .fallback = "",
     .help = "at_least_once accepts a weaker promise than the sink could keep",
     .words = delivery_words},
    {.name = "on_reject",
     .kind = OPTION_WORD,
     .fallback = "stop",
     .help = "a row that the target refuses",
     .words = reject_words},
};

static void print_common(bool is_source, struct buf *out)
{
    buf_print(out, "every %s also takes\n", is_source ? "source" : "sink");
    print_options(is_source ? source_common : sink_common,
                  is_source ? COUNT_OF(source_common) : COUNT_OF(sink_common), out);
}

static void json_words(const struct option *option, struct buf *out)
{
    buf_add_cstr(out, ", \"words\": [");
    for (size_t i = 0; option->words[i] != NULL; i++)
        buf_print(out, "%s\"%s\"", i > 0 ? ", " : "", option->words[i]);
    buf_add_char(out, ']');
}

static void json_options(const char *key, const struct option *options, size_t len, struct buf *out)
{
    buf_print(out, ", \"%s\": [", key);
    for (size_t i = 0; i < len; i++) {
        const struct option *option = &options[i];
        buf_print(out, "%s\n  {\"name\": \"%s\", \"kind\": \"%s\", \"required\": %s, \"help\": ",
                  i > 0 ? "," : "", option->name, kind_names[option->kind],
                  option->fallback == NULL ? "true" : "false");
        buf_add_json_string(out, str_of(option->help));
        if (option->fallback != NULL) {
            buf_add_cstr(out, ", \"default\": ");
            buf_add_json_string(out, str_of(option->fallback));
        }
        if (option->words != NULL)
            json_words(option, out);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

static void json_type(const char *name, const char *what, const char *summary,
                      const struct option *options, size_t len, struct buf *out)
{
    buf_print(out,
              "%s\n{\"name\": \"%s\", \"role\": \"%s\", \"summary\": ", out->len > 1 ? "," : "",
              name, what);
    buf_add_json_string(out, str_of(summary));
    bool is_source = what[1] == 'o';
    json_options("options", options, len, out);
    json_options("common", is_source ? source_common : sink_common,
                 is_source ? COUNT_OF(source_common) : COUNT_OF(sink_common), out);
    buf_add_char(out, '}');
}

static void print_all(const char *name, bool is_json, struct buf *out)
{
    bool has_source = false, has_sink = false;
    for (size_t i = 0; i < source_types_len; i++) {
        const struct source_type *type = source_types[i];
        if (name != NULL && strcmp(name, type->name) != 0)
            continue;
        has_source = true;
        (is_json ? json_type : print_type)(type->name, "source", type->summary, type->options,
                                           name != NULL || is_json ? type->options_len : 0, out);
    }
    for (size_t i = 0; i < sink_types_len; i++) {
        const struct sink_type *type = sink_types[i];
        if (name != NULL && strcmp(name, type->name) != 0)
            continue;
        has_sink = true;
        (is_json ? json_type : print_type)(type->name, "sink", type->summary, type->options,
                                           name != NULL || is_json ? type->options_len : 0, out);
    }
    if (name != NULL && !is_json && has_source)
        print_common(true, out);
    if (name != NULL && !is_json && has_sink)
        print_common(false, out);
}

static int unknown_connector(const char *name)
{
    const char *names[64];
    size_t len = 0;
    for (size_t i = 0; i < source_types_len && len < COUNT_OF(names); i++)
        names[len++] = source_types[i]->name;
    for (size_t i = 0; i < sink_types_len && len < COUNT_OF(names); i++)
        names[len++] = sink_types[i]->name;
    const char *near = nearest_name(str_of(name), names, len);
    fprintf(stderr, "firesteel: there is no connector '%s'%s%s\n", name,
            near != NULL ? ", did you mean " : "; 'firesteel connectors' lists them",
            near != NULL ? near : "");
    return EXIT_USAGE;
}

int command_connectors(int argc, char **argv)
{
    struct connectors_flags connectors = {0};
    struct arguments arguments;
    AUTO(arena_clear) struct arena arena = {0};
    const struct usage usage = {
        .positional = "[NAME]", .positional_max = 1, .flags = flags, .flags_len = COUNT_OF(flags)};
    int exit_code = EXIT_DONE;
    if (!arguments_parse(&usage, argc, argv, &connectors, &arguments, &arena, &exit_code))
        return exit_code;
    const char *name = arguments.positional.len > 0 ? arguments.positional.items[0] : NULL;
    bool is_known = name == NULL || source_type_find(str_of(name)) != NULL ||
                    sink_type_find(str_of(name)) != NULL;
    if (!is_known)
        return unknown_connector(name);
    AUTO(buf_clear) struct buf out = {0};
    if (connectors.json)
        buf_add_char(&out, '[');
    print_all(name, connectors.json, &out);
    if (connectors.json)
        buf_add_cstr(&out, "]\n");
    fwrite(out.ptr, 1, out.len, stdout);
    return EXIT_DONE;
}
