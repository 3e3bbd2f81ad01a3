// SPDX-License-Identifier: MIT
// A planning instance with one source `events`, one reference table `ref`, and a way to build
// views.
#ifndef FIRESTEEL_VIEW_FIXTURE_H
#define FIRESTEEL_VIEW_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/build.h"

struct fixture {
    struct arena arena;
    struct plan plan;
    struct diagnostics diagnostics;
    struct database *database;
    struct builder builder;
    struct error err;
};

static const char *const event_columns[][2] = {
    {"event_id", "BIGINT"},
    {"device_id", "VARCHAR"},
    {"device_type", "VARCHAR"},
    {"event_time", "TIMESTAMP"},
    {"duration", "DOUBLE"},
    {"battery", "INTEGER"},
    {"signal", "INTEGER"},
    {"city", "VARCHAR"},
    {"location", "STRUCT(lat DOUBLE, city VARCHAR)"},
    {"tags", "VARCHAR[]"},
    {"ok", "BOOLEAN"},
    {"price", "DECIMAL(10,2)"},
    {"small", "FLOAT"},
};

static inline void fixture_open(struct fixture *fixture, int execution, bool has_watermark)
{
    *fixture = (struct fixture){0};
    arena_init(&fixture->arena);
    diagnostics_init(&fixture->diagnostics, &fixture->arena, "test.sql", STR(""));
    fixture->plan.arena = &fixture->arena;
    fixture->database = database_open((struct database_options){.threads = 1}, &fixture->err);
    assert_non_null(fixture->database);
    fixture->builder = (struct builder){
        .plan = &fixture->plan,
        .arena = &fixture->arena,
        .diagnostics = &fixture->diagnostics,
        .connection = connection_open(fixture->database, &fixture->err),
        .execution = execution,
    };
    assert_true(builder_open(&fixture->builder, &fixture->err));
    struct plan_source *source = ARENA_NEW(&fixture->arena, struct plan_source);
    struct relation *relation = ARENA_NEW(&fixture->arena, struct relation);
    size_t len = COUNT_OF(event_columns);
    *relation =
        (struct relation){.kind = RELATION_SOURCE, .name = STR("events"), .inputs = {-1, -1}};
    relation->columns = ARENA_ARRAY(&fixture->arena, struct column, len);
    relation->columns_len = len;
    source->columns = ARENA_ARRAY(&fixture->arena, struct source_column, len);
    source->columns_len = len;
    for (size_t i = 0; i < len; i++) {
        relation->columns[i].name = str_of(event_columns[i][0]);
        relation->columns[i].type =
            connection_type(fixture->builder.connection, str_of(event_columns[i][1]),
                            &fixture->arena, &fixture->err);
        assert_non_null(relation->columns[i].type);
        source->columns[i].name = relation->columns[i].name;
        source->columns[i].type = relation->columns[i].type;
    }
    relation->time_column = has_watermark ? 3 : -1;
    relation->window_start_column = relation->window_end_column = -1;
    relation->late_into = -1;
    source->name = STR("events");
    source->watermark_column = relation->time_column;
    source->watermark_delay_us = 600 * US_PER_SECOND;
    fixture->plan.sources = source;
    fixture->plan.sources_len = 1;
    fixture->plan.relations = relation;
    fixture->plan.relations_len = 1;
    assert_true(builder_publish(&fixture->builder, 0, &fixture->err));
    struct plan_table *table = ARENA_NEW(&fixture->arena, struct plan_table);
    table->name = STR("ref");
    fixture->plan.tables = table;
    fixture->plan.tables_len = 1;
    assert_true(connection_execute(fixture->builder.connection,
                                   "CREATE TABLE ref(device_type VARCHAR, owner VARCHAR)",
                                   &fixture->err));
}

static inline void fixture_close(struct fixture *fixture)
{
    connection_close(fixture->builder.connection);
    database_close(fixture->database);
    arena_clear(&fixture->arena);
}

static inline struct sql_text text_of(const char *sql)
{
    return (struct sql_text){.text = str_of(sql)};
}

static inline void print_diagnostics(const struct fixture *fixture)
{
    for (size_t i = 0; i < fixture->diagnostics.len; i++) {
        const struct diagnostic *d = &fixture->diagnostics.list[i];
        print_message("%s at %zu: %.*s\n", d->code, d->place, STR_ARGS(d->text));
    }
}

// Builds and publishes; NULL when refused.
static inline const struct relation *build(struct fixture *fixture, const char *name,
                                           const char *sql)
{
    struct sql_text *body = ARENA_NEW(&fixture->arena, struct sql_text);
    *body = text_of(sql);
    bool needs_table_mode;
    int index = view_build(&fixture->builder, str_of(name), 0, body, &needs_table_mode);
    if (index < 0)
        return NULL;
    assert_true(builder_publish(&fixture->builder, index, &fixture->err));
    return &fixture->plan.relations[index];
}

static inline const struct relation *must_build(struct fixture *fixture, const char *name,
                                                const char *sql)
{
    const struct relation *relation = build(fixture, name, sql);
    if (relation == NULL)
        print_diagnostics(fixture);
    assert_non_null(relation);
    return relation;
}

// The code of the error that refuses the body, "" when it is accepted.
static inline const char *refusal(struct fixture *fixture, const char *sql)
{
    fixture->diagnostics.len = 0; // a repeated message would not be added
    if (build(fixture, "refused", sql) != NULL)
        return "";
    for (size_t i = 0; i < fixture->diagnostics.len; i++) {
        if (!fixture->diagnostics.list[i].is_warning)
            return fixture->diagnostics.list[i].code;
    }
    return "none";
}

static inline void assert_str(struct str actual, const char *expected)
{
    if (!str_is(actual, expected))
        fail_msg("\"%.*s\" is not \"%s\"", STR_ARGS(actual), expected);
}

#endif
