// SPDX-License-Identifier: MIT
// WITH (..) of a source or sink: values are computed, overrides of the command line put in, and
// each name goes to who knows it. In this order, because each step may decide the next: `connector`
// may be an expression, an override of it drops what only the old connector knew, and only then is
// it clear which names are wrong. Values of secret options never get into a message.
#include "pipeline/plan_maker.h"
#include "pipeline/row_options.h"
#include "pipeline/select.h"

#include <string.h>

static const char *const common_names[] = {"enabled",  "connector", "format",   "emit",
                                           "on_error", "coerce",    "delivery", "on_reject"};
#define COMMON_ENABLED 0
#define COMMON_CONNECTOR 1

static int common_index(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(common_names); i++)
        if (str_equal_nocase(name, str_of(common_names[i])))
            return (int)i;
    return -1;
}

static bool option_evaluate(struct maker *maker, const struct option_text *option,
                            struct option_value *value)
{
    *value = (struct option_value){.name = option->name,
                                   .value = option->value,
                                   .place = option->value_place,
                                   .is_secret = option->has_secret};
    if (!option->is_expression)
        return true;
    struct error err = {0};
    bool is_null = false;
    AUTO(buf_clear) struct buf text = {0};
    bool is_good = connection_evaluate(maker->builder.connection, option->expression.text, &text,
                                       &is_null, &err);
    if (is_good && !is_null) {
        value->value = arena_str(maker->arena, buf_str(&text));
        return true;
    }
    // DuckDB's message may quote the expression, and with it a secret.
    bind_shorten(&err);
    const char *reason = is_good ? "it is NULL" : option->has_secret ? "(hidden)" : err.text;
    diagnostic_add(maker->diagnostics, "E0307", option->value_place, 1,
                   "an expression may use constants and functions, no columns",
                   "the value of option %.*s cannot be computed: %s", STR_ARGS(option->name),
                   reason);
    return false;
}

static const struct option *own_option(const struct object_options *options, struct str name)
{
    if (options->source != NULL)
        return option_find(options->source->options, options->source->options_len, name);
    if (options->sink != NULL)
        return option_find(options->sink->options, options->sink->options_len, name);
    return NULL;
}

static bool type_find(struct object_options *options, bool is_source, struct str name)
{
    options->source = NULL;
    options->sink = NULL;
    if (is_source) {
        options->source = source_type_find(name);
        if (options->source == NULL)
            options->source = later_source_find(name);
    } else {
        options->sink = sink_type_find(name);
        if (options->sink == NULL)
            options->sink = later_sink_find(name);
    }
    return options->source != NULL || options->sink != NULL;
}

static void complain_connector(struct maker *maker, const struct option_value *connector,
                               bool is_source)
{
    const char *names[32];
    size_t len = 0;
    AUTO(buf_clear) struct buf list = {0};
    for (size_t i = 0; i < (is_source ? source_types_len : sink_types_len) && len < 32; i++)
        names[len++] = is_source ? source_types[i]->name : sink_types[i]->name;
    for (size_t i = 0; i < len; i++)
        buf_print(&list, "%s%s", i > 0 ? ", " : "", names[i]);
    const char *near = nearest_name(connector->value, names, len);
    const char *what = is_source ? "sources" : "sinks";
    struct str cure = near != NULL ? arena_print(maker->arena, "did you mean '%s'? %s: %s", near,
                                                 what, buf_cstr(&list))
                                   : arena_print(maker->arena, "%s: %s", what, buf_cstr(&list));
    bool is_other_way = is_source ? sink_type_find(connector->value) != NULL
                                  : source_type_find(connector->value) != NULL;
    const char *where = !is_other_way ? "" : is_source ? " for sources" : " for sinks";
    struct str shown = connector->is_secret ? STR("(hidden)") : connector->value;
    diagnostic_add(maker->diagnostics, "E0303", connector->place, shown.len + 2, cure.ptr,
                   "there is no connector '%.*s'%s", STR_ARGS(shown), where);
}

// Values of the file with those of the command line over them.
static size_t collect(struct maker *maker, const struct statement *statement,
                      struct option_value *values, bool *is_good)
{
    size_t len = 0;
    for (size_t i = 0; i < statement->options_len; i++) {
        const struct option_text *option = &statement->options[i];
        bool waits = statement->kind == STATEMENT_SINK && option->is_expression &&
                     row_option_is_known(option->name);
        if (waits) // until the connector is known
            values[len++] = (struct option_value){.name = option->name,
                                                  .value = option->expression.text,
                                                  .place = option->value_place,
                                                  .is_secret = option->has_secret};
        else if (option_evaluate(maker, &statement->options[i], &values[len]))
            len++;
        else
            *is_good = false;
    }
    return len;
}

// Row options stay expressions when the connector has them as such.
static bool settle_row_options(struct maker *maker, const struct object_options *options,
                               struct option_value *values, size_t len)
{
    bool is_good = true;
    for (size_t i = 0; i < len; i++) {
        if (options->sink == NULL || values[i].place == SIZE_MAX ||
            !row_option_is_known(values[i].name))
            continue;
        const struct option_text *option = options->statement->options;
        while (!str_equal_nocase(option->name, values[i].name))
            option++;
        if (row_option_is_of(options->sink, option->name))
            is_good = row_option_check(maker, option) && is_good;
        else if (option->is_expression && own_option(options, option->name) != NULL)
            is_good = option_evaluate(maker, option, &values[i]) && is_good;
    }
    return is_good;
}

static struct option_value *value_find(struct option_value *values, size_t len, struct str name)
{
    for (size_t i = 0; i < len; i++)
        if (str_equal_nocase(values[i].name, name))
            return &values[i];
    return NULL;
}

static bool is_override_of(const struct override *override, const struct statement *statement)
{
    return override->object.len > 0 && str_equal_nocase(override->object, statement->name);
}

// A new connector drops the options that only the old one knew.
static void override_connector(struct maker *maker, const struct statement *statement,
                               struct option_value *values, size_t *len)
{
    for (size_t i = 0; i < maker->request->overrides_len; i++) {
        const struct override *override = &maker->request->overrides[i];
        if (!is_override_of(override, statement) ||
            !str_equal_nocase(override->name, STR("connector")))
            continue;
        struct object_options kept = {0};
        type_find(&kept, statement->kind == STATEMENT_SOURCE, override->value);
        size_t left = 0;
        for (size_t k = 0; k < *len; k++) {
            int common = common_index(values[k].name);
            bool is_kept = common >= 0 ? common != COMMON_CONNECTOR
                                       : own_option(&kept, values[k].name) != NULL;
            bool is_unknown =
                common < 0 && option_owner(values[k].name, kept.source != NULL) == NULL;
            if (is_kept || is_unknown) // an unknown name stays, to be reported
                values[left++] = values[k];
        }
        *len = left;
    }
}

static void override_values(struct maker *maker, const struct statement *statement,
                            struct option_value *values, size_t *len)
{
    for (size_t i = 0; i < maker->request->overrides_len; i++) {
        const struct override *override = &maker->request->overrides[i];
        if (!is_override_of(override, statement))
            continue;
        struct option_value *old = value_find(values, *len, override->name);
        if (old == NULL)
            old = &values[(*len)++];
        *old = (struct option_value){
            .name = override->name, .value = override->value, .place = SIZE_MAX};
    }
}

static struct str list_own(struct maker *maker, const struct object_options *options,
                           struct str wanted, const char **nearest)
{
    const struct option *table =
        options->source != NULL ? options->source->options : options->sink->options;
    size_t len =
        options->source != NULL ? options->source->options_len : options->sink->options_len;
    size_t names_len = len + COUNT_OF(common_names);
    const char **names = ARENA_ARRAY(maker->arena, const char *, names_len);
    AUTO(buf_clear) struct buf list = {0};
    for (size_t i = 0; i < names_len; i++) {
        names[i] = i < len ? table[i].name : common_names[i - len];
        if (i >= len && option_find(table, len, str_of(names[i])) != NULL)
            continue; // both know it: format
        bool fits_sink = strcmp(names[i], "on_error") != 0 && strcmp(names[i], "coerce") != 0;
        bool fits_source = strcmp(names[i], "emit") != 0 && strcmp(names[i], "delivery") != 0 &&
                           strcmp(names[i], "on_reject") != 0;
        if (i < len || (options->source != NULL ? fits_source : fits_sink))
            buf_print(&list, "%s%s", list.len > 0 ? ", " : "", names[i]);
    }
    *nearest = nearest_name(wanted, names, names_len);
    return arena_str(maker->arena, buf_str(&list));
}

static void complain_option(struct maker *maker, const struct object_options *options,
                            struct str name, size_t place)
{
    const char *near = NULL;
    struct str all = list_own(maker, options, name, &near);
    const char *type = options->source != NULL ? options->source->name : options->sink->name;
    struct str cure = near != NULL
                          ? arena_print(maker->arena, "did you mean %s? options of %s: %.*s", near,
                                        type, STR_ARGS(all))
                          : arena_print(maker->arena, "options of %s: %.*s", type, STR_ARGS(all));
    diagnostic_add(maker->diagnostics, "E0304", place, name.len, cure.ptr,
                   "no connector knows an option %.*s", STR_ARGS(name));
}

static void add_ignored(struct maker *maker, const struct object_options *options, struct str name,
                        const char *owner)
{
    struct plan *plan = maker->plan;
    struct str *ignored = ARENA_ARRAY(maker->arena, struct str, plan->ignored_len + 1);
    if (plan->ignored_len > 0)
        memcpy(ignored, plan->ignored, plan->ignored_len * sizeof(*ignored));
    ignored[plan->ignored_len++] = arena_print(
        maker->arena, "%.*s: %.*s (%s)", STR_ARGS(options->statement->name), STR_ARGS(name), owner);
    plan->ignored = ignored;
}

static size_t name_place(const struct statement *statement, struct str name, size_t value_place)
{
    for (size_t i = 0; value_place != SIZE_MAX && i < statement->options_len; i++)
        if (str_equal_nocase(statement->options[i].name, name))
            return statement->options[i].name_place;
    return value_place;
}

static bool common_fits(struct maker *maker, const struct object_options *options,
                        const struct option_value *value)
{
    static const char *const source_only[] = {"on_error", "coerce"};
    static const char *const sink_only[] = {"emit", "delivery", "on_reject"};
    bool is_source = options->statement->kind == STATEMENT_SOURCE;
    const char *const *wrong = is_source ? sink_only : source_only;
    for (size_t i = 0; i < (is_source ? COUNT_OF(sink_only) : COUNT_OF(source_only)); i++) {
        if (!str_equal_nocase(value->name, str_of(wrong[i])))
            continue;
        diagnostic_add(maker->diagnostics, "E0304",
                       name_place(options->statement, value->name, value->place), value->name.len,
                       "remove it", "option %s is for %s only", wrong[i],
                       is_source ? "sinks" : "sources");
        return false;
    }
    return true;
}

static bool take_common(struct maker *maker, struct object_options *options,
                        const struct option_value *value, int common)
{
    struct option_value *const slots[] = {NULL,
                                          NULL,
                                          &options->format,
                                          &options->emit,
                                          &options->on_error,
                                          &options->coerce,
                                          &options->delivery,
                                          &options->on_reject};
    if (!common_fits(maker, options, value))
        return false;
    if (common == COMMON_ENABLED && !bool_parse(value->value, &options->is_enabled)) {
        diagnostic_add(maker->diagnostics, "E0305", value->place, value->value.len, NULL,
                       "option enabled must be true or false");
        return false;
    }
    if (slots[common] != NULL)
        *slots[common] = *value;
    return true;
}

// properties.* of Kafka go to its client as they are, and may hold secrets.
static bool is_client_property(const struct object_options *options, struct str name)
{
    const char *type = options->source != NULL ? options->source->name : options->sink->name;
    return str_starts(name, "properties.") && strcmp(type, "kafka") == 0;
}

static bool sort_values(struct maker *maker, struct object_options *options,
                        struct option_value *values, size_t len)
{
    bool is_source = options->source != NULL, is_good = true;
    for (size_t i = 0; i < len; i++) {
        struct option_value *value = &values[i];
        int common = common_index(value->name);
        if (common >= 0)
            is_good = take_common(maker, options, value, common) && is_good;
        const struct option *own = own_option(options, value->name);
        bool is_passed_on = is_client_property(options, value->name);
        if (own != NULL || is_passed_on) {
            value->is_secret = value->is_secret || is_passed_on || own->kind == OPTION_SECRET;
            options->values[options->values_len++] = *value;
        }
        if (own != NULL || is_passed_on || common >= 0)
            continue;
        const char *owner = option_owner(value->name, is_source);
        if (owner != NULL) {
            add_ignored(maker, options, value->name, owner);
            continue;
        }
        complain_option(maker, options, value->name,
                        name_place(options->statement, value->name, value->place));
        is_good = false;
    }
    return is_good;
}

// A trial of what the connector's open will do, so that mistakes show now and with their place.
static bool try_fill(struct maker *maker, const struct object_options *options, bool is_complete)
{
    const struct option *table =
        options->source != NULL ? options->source->options : options->sink->options;
    size_t table_len =
        options->source != NULL ? options->source->options_len : options->sink->options_len;
    size_t size =
        options->source != NULL ? options->source->options_size : options->sink->options_size;
    void *target = arena_new(maker->arena, size);
    struct option_value *values = options->values;
    size_t len = options->values_len, bad = SIZE_MAX;
    struct error err = {0};
    bool is_good = true;
    while (!option_fill(table, table_len, values, len, target, maker->arena, &bad, &err)) {
        is_good = false;
        if (bad >= len) {    // a required one is missing
            if (is_complete) // else the one that is missing may be the one that was misspelt
                diagnostic_add(maker->diagnostics, "E0306", options->statement->name_place,
                               options->statement->name.len, NULL, "%.*s: %s",
                               STR_ARGS(options->statement->name), err.text);
            break;
        }
        diagnostic_add(maker->diagnostics, "E0305", values[bad].place, values[bad].value.len + 2,
                       NULL, "%s", err.text);
        values++; // only the trial: the statement is broken anyway
        memmove(values, values - 1, bad * sizeof(*values));
        len--;
    }
    return is_good;
}

bool options_resolve(struct maker *maker, const struct statement *statement,
                     struct object_options *options)
{
    *options = (struct object_options){.statement = statement, .is_enabled = true};
    size_t room = statement->options_len + maker->request->overrides_len + 1;
    struct option_value *values = ARENA_ARRAY(maker->arena, struct option_value, room);
    options->values = ARENA_ARRAY(maker->arena, struct option_value, room);
    bool is_good = true, is_source = statement->kind == STATEMENT_SOURCE;
    size_t len = collect(maker, statement, values, &is_good);
    override_connector(maker, statement, values, &len);
    override_values(maker, statement, values, &len);
    const struct option_value *connector = value_find(values, len, STR("connector"));
    if (connector == NULL) {
        if (is_good)
            diagnostic_add(
                maker->diagnostics, "E0308", statement->name_place, statement->name.len,
                "add connector = '..' to its WITH (..); 'firesteel connectors' lists them",
                "%.*s has no connector", STR_ARGS(statement->name));
        return false;
    }
    if (!type_find(options, is_source, connector->value)) {
        complain_connector(maker, connector, is_source);
        return false;
    }
    is_good = settle_row_options(maker, options, values, len) && is_good;
    is_good = sort_values(maker, options, values, len) && is_good;
    if (is_good && options->is_enabled &&
        later_type_is(is_source ? (const void *)options->source : (const void *)options->sink)) {
        diagnostic_add(maker->diagnostics, "W0301", connector->place, connector->value.len + 2,
                       "until then: --with NAME.connector=files or console",
                       "connector '%.*s' comes in a later version: this pipeline can be checked, "
                       "not run",
                       STR_ARGS(connector->value));
        return true;
    }
    return (!options->is_enabled || try_fill(maker, options, is_good)) && is_good;
}

void options_check_overrides(struct maker *maker)
{
    for (size_t i = 0; i < maker->request->overrides_len; i++) {
        struct str object = maker->request->overrides[i].object;
        if (object.len == 0)
            continue;
        const struct unit *unit = unit_find(maker, object);
        unsigned kinds = 1u << STATEMENT_SOURCE | 1u << STATEMENT_SINK;
        if (unit != NULL && (kinds >> unit->statement->kind & 1) != 0)
            continue;
        diagnostic_add(maker->diagnostics, "E0309", SIZE_MAX, 1, unit_cure(maker, object, kinds),
                       "--with %.*s.%.*s: there is no source or sink of that name",
                       STR_ARGS(object), STR_ARGS(maker->request->overrides[i].name));
    }
}

int option_word(struct maker *maker, const struct option_value *given, const char *const *words,
                size_t words_len)
{
    if (given->name.len == 0)
        return 0;
    AUTO(buf_clear) struct buf list = {0};
    for (size_t i = 0; i < words_len; i++) {
        if (str_equal_nocase(given->value, str_of(words[i])))
            return (int)i;
        buf_print(&list, "%s'%s'", i > 0 ? ", " : "", words[i]);
    }
    const char *near = nearest_name(given->value, words, words_len);
    struct str cure = near != NULL ? arena_print(maker->arena, "did you mean '%s'? values: %s",
                                                 near, buf_cstr(&list))
                                   : arena_print(maker->arena, "values: %s", buf_cstr(&list));
    struct str shown = given->is_secret ? STR("(hidden)") : given->value;
    diagnostic_add(maker->diagnostics, "E0305", given->place, given->value.len + 2, cure.ptr,
                   "option %.*s cannot be '%.*s'", STR_ARGS(given->name), STR_ARGS(shown));
    return -1;
}
