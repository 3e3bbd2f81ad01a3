// SPDX-License-Identifier: MIT
// CREATE SOURCE as part of the plan: types of columns, where each value comes from, constraints and
// the watermark. A computed column that only picks a field of another one (`city AS
// (location.city)`) is decoded from that place directly: nothing is computed per row for it.
#include "pipeline/plan_maker.h"

#include "base/clock.h"
#include <string.h>

static const char *const metadata_words[] = {"value", "topic",   "partition", "offset", "timestamp",
                                             "key",   "headers", "file",      "line"};
static const char *const format_words[] = {"json", "csv", "raw", "parquet"};
static const char *const on_error_words[] = {"quarantine", "drop", "fail"};
static const char *const coerce_words[] = {"none", "spark"};

static bool split_path(struct maker *maker, const struct column_text *text,
                       struct source_column *column)
{
    size_t parts = 1;
    for (size_t i = 0; i < text->path.len; i++)
        parts += text->path.ptr[i] == '.';
    if (!text->has_path) { // a name may hold dots, a path is split at them
        parts = 1;
    }
    struct str *path = ARENA_ARRAY(maker->arena, struct str, parts);
    struct str rest = text->path;
    for (size_t i = 0; i < parts; i++) {
        int64_t dot = text->has_path ? str_find(rest, '.') : -1;
        path[i] = dot < 0 ? rest : str_slice(rest, 0, (size_t)dot);
        rest = dot < 0 ? STR("") : str_slice(rest, (size_t)dot + 1, rest.len);
        if (path[i].len == 0) {
            diagnostic_add(maker->diagnostics, "E0128", text->path_place, text->path.len + 2,
                           "a path is keys from the top of the record: FROM 'metadata.battery'",
                           "'%.*s' is not a place in a record", STR_ARGS(text->path));
            return false;
        }
    }
    column->path = path;
    column->path_len = parts;
    return true;
}

static bool set_time_unit(struct maker *maker, const struct column_text *text,
                          struct source_column *column)
{
    static const char *const words[] = {"unix_s", "unix_ms", "unix_us"};
    static const enum time_unit units[] = {TIME_UNIX_S, TIME_UNIX_MS, TIME_UNIX_US};
    column->time_unit = TIME_TEXT;
    if (text->time_format.len == 0)
        return true;
    bool is_time = column->type->kind == TYPE_TIMESTAMP || column->type->kind == TYPE_TIMESTAMPTZ;
    if (!is_time || text->kind != COLUMN_FIELD) {
        diagnostic_add(maker->diagnostics, "E0412", text->place, text->name.len,
                       "declare the column as TIMESTAMP, or leave FORMAT out",
                       "FORMAT is for TIMESTAMP columns of the record, and %.*s is %s",
                       STR_ARGS(text->name), column->type->sql);
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (!str_is(text->time_format, words[i]))
            continue;
        column->time_unit = units[i];
        return true;
    }
    diagnostic_add(maker->diagnostics, "E0412", text->place, text->name.len,
                   "write FORMAT 'unix_ms', 'unix_s' or 'unix_us'; ISO-8601 text needs none",
                   "there is no time format '%.*s'", STR_ARGS(text->time_format));
    return false;
}

static bool metadata_type_fits(enum metadata metadata, enum type_kind kind)
{
    switch (metadata) {
    case METADATA_VALUE:
        return kind == TYPE_BLOB;
    case METADATA_TOPIC:
    case METADATA_HEADERS:
    case METADATA_FILE:
    case METADATA_KEY:
        return kind == TYPE_VARCHAR;
    case METADATA_PARTITION: // kafka counts partitions, files names them
        return kind == TYPE_VARCHAR || kind == TYPE_BIGINT || kind == TYPE_INTEGER;
    case METADATA_OFFSET:
    case METADATA_LINE:
        return kind == TYPE_BIGINT;
    case METADATA_TIMESTAMP:
        return kind == TYPE_TIMESTAMP;
    case METADATA_NONE:
        break;
    }
    return false;
}

static bool set_metadata(struct maker *maker, const struct column_text *text,
                         struct source_column *column)
{
    static const char *const types[] = {"BLOB",    "VARCHAR",   "VARCHAR, BIGINT or INTEGER",
                                        "BIGINT",  "TIMESTAMP", "VARCHAR",
                                        "VARCHAR", "VARCHAR",   "BIGINT"};
    size_t shown = text->has_path ? text->path.len + 2 : text->path.len;
    for (size_t i = 0; i < COUNT_OF(metadata_words); i++) {
        if (!str_equal_nocase(text->path, str_of(metadata_words[i])))
            continue;
        column->metadata = (enum metadata)(i + 1);
        if (metadata_type_fits(column->metadata, column->type->kind))
            return true;
        diagnostic_add(maker->diagnostics, "E0411", text->type_place, text->type.len, NULL,
                       "metadata '%s' is %s", metadata_words[i], types[i]);
        return false;
    }
    const char *near = nearest_name(text->path, metadata_words, COUNT_OF(metadata_words));
    const char *all = "value, topic, partition, offset, timestamp, key, headers, file, line";
    struct str cure = near != NULL
                          ? arena_print(maker->arena, "did you mean '%s'? metadata: %s", near, all)
                          : arena_print(maker->arena, "metadata: %s", all);
    diagnostic_add(maker->diagnostics, "E0411", text->path_place, shown, cure.ptr,
                   "connectors know nothing called '%.*s'", STR_ARGS(text->path));
    return false;
}

// Keys from the record's top for a path of expression_path over the columns `base`.
static bool path_of_columns(struct maker *maker, const struct column_path *found,
                            const struct column *base, const struct source_column *origin,
                            struct source_column *column)
{
    const struct type *type = base[found->column].type;
    if (origin->metadata != METADATA_NONE || origin->time_unit != TIME_TEXT)
        return false;
    size_t fields = (size_t)found->fields_len;
    struct str *path = ARENA_ARRAY(maker->arena, struct str, origin->path_len + fields);
    memcpy(path, origin->path, origin->path_len * sizeof(*path));
    for (size_t i = 0; i < fields; i++) {
        path[origin->path_len + i] = type->fields[found->fields[i]].name;
        type = type->fields[found->fields[i]].type;
    }
    if (!type_equal(type, column->type)) // a cast is needed: then it is computed
        return false;
    column->path = path;
    column->path_len = origin->path_len + fields;
    return true;
}

// Columns that a computed one may use: those that are decoded or come from the connector.
static size_t base_columns(struct maker *maker, const struct statement *statement,
                           const struct source_column *columns, struct column **base,
                           const struct source_column ***origins)
{
    size_t len = 0;
    *base = ARENA_ARRAY(maker->arena, struct column, statement->columns_len);
    *origins = ARENA_ARRAY(maker->arena, const struct source_column *, statement->columns_len);
    for (size_t i = 0; i < statement->columns_len; i++) {
        if (statement->columns[i].kind == COLUMN_COMPUTED || columns[i].type == NULL)
            continue;
        (*origins)[len] = &columns[i];
        (*base)[len++] = (struct column){.name = columns[i].name, .type = columns[i].type};
    }
    return len;
}

static bool compute_columns(struct maker *maker, const struct statement *statement,
                            struct plan_source *source)
{
    struct column *base = NULL;
    const struct source_column **origins = NULL;
    size_t len = base_columns(maker, statement, source->columns, &base, &origins);
    bool is_good = true;
    for (size_t i = 0; i < statement->columns_len; i++) {
        const struct column_text *text = &statement->columns[i];
        struct source_column *column = &source->columns[i];
        if (text->kind != COLUMN_COMPUTED || column->type == NULL)
            continue;
        struct column_path path = {0};
        bool is_path = !str_is(source->format, "parquet") &&
                       expression_path(&maker->builder, &text->expression, base, len, &path);
        if (is_path && path_of_columns(maker, &path, base, origins[path.column], column))
            continue;
        if (expression_type(&maker->builder, &text->expression, base, len) == NULL) {
            is_good = false;
            continue;
        }
        column->computed = arena_print(maker->arena, "CAST((%.*s) AS %s)",
                                       STR_ARGS(text->expression.text), column->type->sql);
        source->has_computed = true;
    }
    return is_good;
}

static bool column_build(struct maker *maker, const struct column_text *text,
                         struct source_column *column)
{
    struct error err = {0};
    column->name = text->name;
    column->type = connection_type(maker->builder.connection, text->type, maker->arena, &err);
    if (column->type == NULL) {
        diagnostic_add(maker->diagnostics, "E0410", text->type_place, text->type.len,
                       "types are DuckDB's: BIGINT, DOUBLE, VARCHAR, BOOLEAN, TIMESTAMP, DATE, "
                       "DECIMAL(p, s), STRUCT(a TYPE, ..), TYPE[]",
                       "%.*s is not a type", STR_ARGS(text->type));
        return false;
    }
    if (str_equal_nocase(text->name, STR("_sequence")) ||
        str_equal_nocase(text->name, STR("_new"))) {
        diagnostic_add(maker->diagnostics, "E0406", text->place, text->name.len,
                       "give it another name, with FROM '..' for its place in the record",
                       "column name %.*s is Firesteel's own", STR_ARGS(text->name));
        return false;
    }
    if (!set_time_unit(maker, text, column))
        return false;
    if (text->kind == COLUMN_METADATA)
        return set_metadata(maker, text, column);
    return text->kind == COLUMN_COMPUTED || split_path(maker, text, column);
}

static bool interval_build(struct maker *maker, struct str text, size_t place, const char *what,
                           int64_t *us)
{
    if (duration_parse(text, us) && *us >= 0)
        return true;
    diagnostic_add(maker->diagnostics, "E0414", place, 1,
                   "write INTERVAL '10 minutes': microseconds to days, no months",
                   "%s '%.*s' is not a length of time", what, STR_ARGS(text));
    return false;
}

static bool watermark_build(struct maker *maker, const struct statement *statement,
                            struct plan_source *source)
{
    const struct watermark_text *watermark = &statement->watermark;
    source->watermark_column = -1;
    source->idle_timeout_us = -1;
    if (!watermark->is_given)
        return true;
    const char **names = ARENA_ARRAY(maker->arena, const char *, source->columns_len);
    for (size_t i = 0; i < source->columns_len; i++) {
        names[i] = arena_cstr(maker->arena, source->columns[i].name);
        if (str_equal_nocase(source->columns[i].name, watermark->column))
            source->watermark_column = (int)i;
    }
    if (source->watermark_column < 0) {
        const char *near = nearest_name(watermark->column, names, source->columns_len);
        AUTO(buf_clear) struct buf cure = {0};
        if (near != NULL)
            buf_print(&cure, "did you mean %s? ", near);
        buf_add_cstr(&cure, "columns: ");
        for (size_t i = 0; i < source->columns_len; i++)
            buf_print(&cure, "%s%s", i > 0 ? ", " : "", names[i]);
        diagnostic_add(maker->diagnostics, "E0413", watermark->place, watermark->column.len,
                       buf_cstr(&cure), "%.*s has no column %.*s", STR_ARGS(source->name),
                       STR_ARGS(watermark->column));
        return false;
    }
    const struct type *type = source->columns[source->watermark_column].type;
    if (type->kind != TYPE_TIMESTAMP && type->kind != TYPE_TIMESTAMPTZ) {
        diagnostic_add(maker->diagnostics, "E0413", watermark->place, watermark->column.len,
                       "declare the column as TIMESTAMP: ISO-8601 text is parsed while decoding, "
                       "numbers with FORMAT 'unix_ms'",
                       "a watermark needs a TIMESTAMP column, and %.*s is %s",
                       STR_ARGS(watermark->column), type->sql);
        return false;
    }
    bool is_good =
        watermark->delay.len == 0 || interval_build(maker, watermark->delay, watermark->place,
                                                    "the delay", &source->watermark_delay_us);
    return (watermark->idle_timeout.len == 0 ||
            interval_build(maker, watermark->idle_timeout, watermark->place, "the idle timeout",
                           &source->idle_timeout_us)) &&
           is_good;
}

bool constraints_build(struct maker *maker, const struct statement *statement,
                       struct relation *relation)
{
    bool is_good = true;
    relation->constraints =
        ARENA_ARRAY(maker->arena, struct constraint, statement->constraints_len);
    relation->constraints_len = statement->constraints_len;
    for (size_t i = 0; i < statement->constraints_len; i++) {
        const struct constraint_text *text = &statement->constraints[i];
        struct constraint *constraint = &relation->constraints[i];
        constraint->name = text->name;
        constraint->violation = text->violation;
        is_good = condition_build(&maker->builder, &text->condition, relation->columns,
                                  relation->columns_len, &constraint->condition) &&
                  is_good;
    }
    return is_good;
}

static bool words_build(struct maker *maker, const struct object_options *options,
                        struct plan_source *source)
{
    int format = option_word(maker, &options->format, format_words, COUNT_OF(format_words));
    int on_error = option_word(maker, &options->on_error, on_error_words, COUNT_OF(on_error_words));
    int coerce = option_word(maker, &options->coerce, coerce_words, COUNT_OF(coerce_words));
    if (format < 0 || on_error < 0 || coerce < 0)
        return false;
    source->format = str_of(format_words[format]);
    source->on_error = (enum on_error)on_error;
    source->coerce_spark = coerce == 1;
    return true;
}

static struct relation source_relation(struct maker *maker, const struct plan_source *source,
                                       int index)
{
    struct relation relation = {.kind = RELATION_SOURCE,
                                .name = source->name,
                                .place = source->place,
                                .inputs = {-1, -1},
                                .source = index,
                                .window_start_column = -1,
                                .window_end_column = -1,
                                .late_into = -1,
                                .time_column = source->watermark_column};
    relation.columns = ARENA_ARRAY(maker->arena, struct column, source->columns_len);
    relation.columns_len = source->columns_len;
    for (size_t i = 0; i < source->columns_len; i++)
        relation.columns[i] = (struct column){source->columns[i].name, source->columns[i].type};
    return relation;
}

void source_build(struct maker *maker, struct unit *unit)
{
    const struct statement *statement = unit->statement;
    struct object_options options;
    bool is_good = options_resolve(maker, statement, &options);
    struct plan_source source = {.name = statement->name,
                                 .place = statement->name_place,
                                 .type = options.source,
                                 .options = options.values,
                                 .options_len = options.values_len,
                                 .columns_len = statement->columns_len,
                                 .is_enabled = options.is_enabled};
    is_good = words_build(maker, &options, &source) && is_good;
    source.columns = ARENA_ARRAY(maker->arena, struct source_column, statement->columns_len);
    bool has_columns = true;
    for (size_t i = 0; i < statement->columns_len; i++)
        has_columns =
            column_build(maker, &statement->columns[i], &source.columns[i]) && has_columns;
    is_good = compute_columns(maker, statement, &source) && is_good;
    is_good = watermark_build(maker, statement, &source) && is_good;
    unit->state = UNIT_BROKEN;
    if (!has_columns)
        return;
    struct plan *plan = maker->plan;
    source.relation = (int)plan->relations_len;
    struct relation relation = source_relation(maker, &source, (int)plan->sources_len);
    is_good = constraints_build(maker, statement, &relation) && is_good;
    struct error err = {0};
    unit->first_relation = unit->last_relation = plan_append_relation(maker, &relation);
    plan->sources[plan->sources_len++] = source;
    if (!builder_publish(&maker->builder, unit->last_relation, &err)) {
        diagnostic_add(maker->diagnostics, "E0410", statement->name_place, statement->name.len,
                       NULL, "%s", err.text);
        return;
    }
    // Columns are known although an option may be wrong: what reads them can still be checked.
    // Without its watermark it would only draw more complaints.
    if (is_good || !statement->watermark.is_given || source.watermark_column >= 0)
        unit->state = UNIT_DONE;
}
