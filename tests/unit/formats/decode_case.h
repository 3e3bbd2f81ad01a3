// SPDX-License-Identifier: MIT
// One record in, one line of text out: what most tests of decoders need. The payload is copied to a
// heap block with exactly 64 bytes of padding, so that the address sanitizer sees a read beyond;
// the padding is filled with text that looks like JSON, so that a scan past the end is found out.
#ifndef FIRESTEEL_DECODE_CASE_H
#define FIRESTEEL_DECODE_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include "duck/database.h"
#include "formats/format.h"

#define COLUMNS_MAX 16

struct decode_case {
    struct database *database;
    struct connection *connection;
    struct arena arena;  // types, columns
    struct arena values; // unescaped strings
    const struct format_type *format;
    struct format_column columns[COLUMNS_MAX];
    struct column named[COLUMNS_MAX];
    size_t columns_len;
    enum time_unit unit;
    bool coerce_spark;
    struct str options;
    struct decoder *decoder;
    struct chunk *chunk;
    struct buf out;
};

static inline void case_begin(struct decode_case *c, const struct format_type *format)
{
    *c = (struct decode_case){.format = format};
    struct error err = {0};
    c->database = database_open((struct database_options){.threads = 1}, &err);
    assert_non_null(c->database);
    c->connection = connection_open(c->database, &err);
    assert_non_null(c->connection);
}

static inline void case_close_decoder(struct decode_case *c)
{
    if (c->decoder != NULL)
        c->format->close(c->decoder);
    chunk_free(c->chunk);
    c->decoder = NULL;
    c->chunk = NULL;
}

static inline void case_end(struct decode_case *c)
{
    case_close_decoder(c);
    arena_clear(&c->arena);
    arena_clear(&c->values);
    buf_clear(&c->out);
    connection_close(c->connection);
    database_close(c->database);
}

// "name TYPE [FROM a.b]" for each column, separated by '|'.
static inline void case_columns(struct decode_case *c, const char *text)
{
    case_close_decoder(c);
    c->columns_len = 0;
    struct str rest = str_of(text);
    const struct type *types[COLUMNS_MAX];
    while (rest.len > 0) {
        int64_t bar = str_find(rest, '|');
        struct str one = bar < 0 ? rest : str_slice(rest, 0, (size_t)bar);
        rest = bar < 0 ? (struct str){NULL, 0} : str_slice(rest, (size_t)bar + 1, rest.len);
        one = str_trim(one);
        size_t space = (size_t)str_find(one, ' ');
        struct format_column *column = &c->columns[c->columns_len];
        *column = (struct format_column){.time_unit = c->unit};
        column->name = arena_str(&c->arena, str_slice(one, 0, space));
        column->target = (int)c->columns_len;
        struct str sql = str_slice(one, space + 1, one.len);
        const char *from = strstr(arena_cstr(&c->arena, sql), " FROM ");
        struct str *path = ARENA_ARRAY(&c->arena, struct str, 8);
        column->path = path;
        struct str keys = column->name;
        if (from != NULL) {
            keys = arena_str(&c->arena, str_of(from + 6));
            sql.len -= keys.len + 6;
        }
        for (int64_t dot = 0; dot >= 0 && column->path_len < 8;) {
            dot = str_find(keys, '.');
            path[column->path_len++] = dot < 0 ? keys : str_slice(keys, 0, (size_t)dot);
            keys = dot < 0 ? keys : str_slice(keys, (size_t)dot + 1, keys.len);
        }
        struct error err = {0};
        column->type = connection_type(c->connection, sql, &c->arena, &err);
        if (column->type == NULL)
            fail_msg("%s", err.text);
        types[c->columns_len] = column->type;
        c->named[c->columns_len++] = (struct column){column->name, column->type};
    }
    c->chunk = chunk_new(types, c->columns_len);
}

static inline bool case_open(struct decode_case *c, struct error *err)
{
    c->decoder = c->format->open(c->columns, c->columns_len, c->coerce_spark, c->options, err);
    return c->decoder != NULL;
}

static inline void case_open_ok(struct decode_case *c)
{
    struct error err = {0};
    if (!case_open(c, &err))
        fail_msg("%s", err.text);
}

static inline char *case_padded(struct str text)
{
    static const char padding[] =
        "\"}}],\"a\":12345678901234567890}]}\"}}],\"a\":1234567890123456789}]}ab";
    char *copy = malloc(text.len + 64);
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    memcpy(copy + text.len, padding, 64);
    return copy;
}

// The record's row as JSON, or "! reason". Valid until the next call.
static inline const char *case_decode(struct decode_case *c, struct str text)
{
    if (c->decoder == NULL)
        case_open_ok(c);
    char *copy = case_padded(text);
    struct payload payload = {.ptr = copy, .len = (uint32_t)text.len};
    uint8_t verdict = 99;
    const struct decode_problem *problems;
    size_t problems_len;
    chunk_reset(c->chunk);
    arena_reset(&c->values);
    c->format->decode(c->decoder, &payload, 1, c->chunk, &verdict, &c->values, &problems,
                      &problems_len);
    assert_int_equal(c->chunk->rows, 1);
    buf_reset(&c->out);
    if (verdict == VERDICT_OK) {
        assert_int_equal(problems_len, 0);
        json_encode_row(&c->out, c->chunk, 0, c->named, c->columns_len);
    } else {
        assert_int_equal(verdict, VERDICT_UNDECODABLE);
        assert_int_equal(problems_len, 1);
        assert_int_equal(problems[0].row, 0);
        buf_print(&c->out, "! %.*s", STR_ARGS(problems[0].reason));
        for (size_t i = 0; i < c->columns_len; i++)
            assert_true(vector_is_null(&c->chunk->columns[i], 0));
    }
    free(copy);
    return buf_cstr(&c->out);
}

struct case_row {
    const char *input;
    const char *expected;
};

// Each case also twice in a row: the second time with keys predicted.
static inline void case_table(struct decode_case *c, const char *columns,
                              const struct case_row *rows, size_t rows_len)
{
    case_columns(c, columns);
    for (size_t i = 0; i < rows_len; i++) {
        for (int again = 0; again < 2; again++) {
            const char *got = case_decode(c, str_of(rows[i].input));
            if (strcmp(got, rows[i].expected) != 0)
                fail_msg("%s <- %s\n  expected %s\n  got      %s", columns, rows[i].input,
                         rows[i].expected, got);
        }
    }
}
#define CASE_TABLE(c, columns, ...)                                                                \
    do {                                                                                           \
        static const struct case_row rows_[] = {__VA_ARGS__};                                      \
        case_table((c), (columns), rows_, COUNT_OF(rows_));                                        \
    } while (0)

#endif
