// SPDX-License-Identifier: MIT
// CREATE SINK: its clauses WITH, EMIT, LATE INTO and FROM in any order, each once, then AS SELECT.
#include "pipeline/parser.h"

#include <string.h>

static bool parse_emit(struct parser *parser, struct statement *statement)
{
    const char *forms = "write EMIT ON WINDOW CLOSE or EMIT CHANGES EVERY INTERVAL '10 seconds'";
    const struct token *first = parser->at++;
    if (statement->emit != EMIT_DEFAULT)
        return parser_fail(parser, "E0126", first, "keep one of them", "EMIT is there twice");
    statement->emit_place = first->at;
    if (parser_accept(parser, "ON")) {
        statement->emit = EMIT_WINDOW_CLOSE;
        return parser_expect(parser, "WINDOW", forms) && parser_expect(parser, "CLOSE", forms);
    }
    if (parser_is(parser, "FINAL"))
        return parser_fail(parser, "E0124", parser->at, "write EMIT ON WINDOW CLOSE",
                           "EMIT FINAL is the form of ksqlDB");
    if (parser_accept(parser, "CHANGES")) {
        statement->emit = EMIT_CHANGES;
        if (!parser_accept(parser, "EVERY"))
            return parser_fail(parser, "E0131", first,
                               "write EMIT CHANGES EVERY INTERVAL '10 seconds'",
                               "EMIT CHANGES does not say how often");
        return parser_interval(parser, "the time between two emissions", &statement->emit_every);
    }
    static const char *const words[] = {"ON", "CHANGES"};
    const char *near = parser_nearest(parser, parser->at, words, COUNT_OF(words));
    return parser_fail(parser, "E0131", parser->at, near != NULL ? near : forms,
                       "this EMIT is not understood");
}

static bool parse_late(struct parser *parser, struct statement *statement)
{
    const struct token *first = parser->at++;
    if (statement->late_into.len > 0)
        return parser_fail(parser, "E0126", first, "keep one of them", "LATE INTO is there twice");
    if (!parser_expect(parser, "INTO", "write LATE INTO sink"))
        return false;
    return parser_name(parser, "the sink for late rows", &statement->late_into,
                       &statement->late_place);
}

static bool parse_from(struct parser *parser, struct statement *statement)
{
    const struct token *first = parser->at++;
    if (statement->from.len > 0)
        return parser_fail(parser, "E0126", first, "keep one of them", "FROM is there twice");
    if (!parser_name(parser, "a view or source", &statement->from, &statement->from_place))
        return false;
    static const char *const words[] = {"WHERE", "GROUP", "JOIN", "LIMIT", "ORDER", ",", "("};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (parser_is(parser, words[i]))
            return parser_fail(parser, "E0122", parser->at, "write AS SELECT .. instead of FROM",
                               "FROM takes one name and nothing else");
    return true;
}

static bool parse_with(struct parser *parser, struct statement *statement)
{
    const struct token *first = parser->at++;
    if (statement->options_len > 0)
        return parser_fail(parser, "E0126", first, "put all options into one WITH (..)",
                           "WITH is there twice");
    return parser_options(parser, statement);
}

static bool clause_is_unknown(struct parser *parser)
{
    static const char *const words[] = {"WITH", "EMIT", "LATE", "AS", "FROM"};
    const char *near = parser_nearest(parser, parser->at, words, COUNT_OF(words));
    parser_fail_expected(parser, "WITH, EMIT, LATE INTO, FROM, AS or ';'", near);
    return false;
}

static bool parse_clause(struct parser *parser, struct statement *statement)
{
    if (parser_is(parser, "WITH"))
        return parse_with(parser, statement);
    if (parser_is(parser, "EMIT"))
        return parse_emit(parser, statement);
    if (parser_is(parser, "LATE"))
        return parse_late(parser, statement);
    if (parser_is(parser, "FROM"))
        return parse_from(parser, statement);
    if (refuse_clause(parser, statement))
        return false;
    return clause_is_unknown(parser);
}

bool parse_sink(struct parser *parser, struct statement *statement)
{
    if (parser_is(parser, "("))
        return parser_fail(parser, "E0122", parser->at,
                           "write CREATE SINK name WITH (connector = '..') AS SELECT ..",
                           "a sink has no column list: its columns are those of its SELECT");
    size_t errors = parser->diagnostics->errors;
    while (parser->at != parser->end && !parser_is(parser, "AS"))
        if (!parse_clause(parser, statement))
            return false;
    if (parser_is(parser, "AS") && statement->from.len > 0)
        return parser_fail(parser, "E0126", parser->at, "keep FROM view or AS SELECT ..",
                           "a sink takes its rows from one place");
    if (statement->options_len == 0 && parser->diagnostics->errors == errors)
        return parser_fail(parser, "E0122", parser->at,
                           "say where the rows go: WITH (connector = 'console')",
                           "expected WITH (..) in CREATE SINK %.*s", STR_ARGS(statement->name));
    return parser->at == parser->end || parse_body(parser, statement);
}
