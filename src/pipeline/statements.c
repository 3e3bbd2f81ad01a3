// SPDX-License-Identifier: MIT
// From text to statements: splits at `;`, sends each statement to the file that knows its grammar,
// and goes on after a mistake, so that one run reports them all. A broken statement is kept with
// its name: whoever reads from it must not be told that the name is unknown.
#include "pipeline/parser.h"

#include <string.h>

static const char *const kinds[] = {"SOURCE", "VIEW", "TABLE",  "SINK",
                                    "MACRO",  "TYPE", "METRIC", "SCHEDULE"};

// A forgotten ; shows as CREATE SOURCE .. in the middle of a body.
static const struct token *missing_end(const struct parser *parser)
{
    size_t depth = 0;
    for (const struct token *token = parser->at; token < parser->end; token++) {
        char c = token->kind == TOKEN_SYMBOL ? token->text.ptr[0] : ' ';
        depth = c == '(' ? depth + 1 : c == ')' && depth > 0 ? depth - 1 : depth;
        if (depth > 0 || token == parser->at || !token_is(token, "CREATE"))
            continue;
        for (size_t i = 0; token + 1 < parser->end && i < COUNT_OF(kinds); i++)
            if (token_is(token + 1, kinds[i]))
                return token;
    }
    return NULL;
}

static bool check_parentheses(struct parser *parser)
{
    const struct token *open = NULL;
    size_t depth = 0;
    for (const struct token *token = parser->at; token < parser->end; token++) {
        char c = token->kind == TOKEN_SYMBOL ? token->text.ptr[0] : ' ';
        if (c == '(' && depth++ == 0)
            open = token;
        if (c == ')' && depth == 0)
            return parser_fail(parser, "E0127", token, "remove it, or open it before",
                               "this ) closes nothing");
        if (c == ')')
            depth--;
    }
    if (depth == 0)
        return true;
    return parser_fail(parser, "E0127", open, "each ( needs its ) before the ;",
                       "this ( is never closed");
}

// EMIT and LATE INTO behind the SELECT, where RisingWave and ksqlDB have them.
static bool refuse_trailing_clauses(struct parser *parser, const struct statement *statement)
{
    size_t depth = 0;
    for (const struct token *token = parser->at; token + 1 < parser->end; token++) {
        char c = token->kind == TOKEN_SYMBOL ? token->text.ptr[0] : ' ';
        depth = c == '(' ? depth + 1 : c == ')' && depth > 0 ? depth - 1 : depth;
        if (depth > 0)
            continue;
        bool is_final = token_is(token, "EMIT") && token_is(token + 1, "FINAL");
        bool is_emit = token_is(token, "EMIT") &&
                       (is_final || token_is(token + 1, "ON") || token_is(token + 1, "CHANGES"));
        bool is_late = token_is(token, "LATE") && token_is(token + 1, "INTO");
        if (!is_emit && !is_late)
            continue;
        const char *cure = is_late    ? "move it before AS SELECT"
                           : is_final ? "write EMIT ON WINDOW CLOSE before AS SELECT"
                                      : "move it before AS SELECT: CREATE SINK name WITH (..) "
                                        "EMIT ON WINDOW CLOSE AS SELECT ..";
        if (is_emit && statement->kind != STATEMENT_SINK)
            cure = "put EMIT into the CREATE SINK that reads this, before AS SELECT";
        return parser_fail(parser, "E0131", token, cure, "%s stands behind the SELECT",
                           is_late    ? "LATE INTO"
                           : is_final ? "EMIT FINAL"
                                      : "EMIT");
    }
    return true;
}

bool parse_body(struct parser *parser, struct statement *statement)
{
    if (!parser_expect(parser, "AS", "write AS SELECT .."))
        return false;
    static const char *const starts[] = {"SELECT", "WITH",    "FROM", "VALUES",
                                         "PIVOT",  "UNPIVOT", "("};
    bool is_select = false;
    for (size_t i = 0; i < COUNT_OF(starts); i++)
        is_select = is_select || parser_is(parser, starts[i]);
    if (!is_select)
        return parser_fail(parser, "E0132", parser->at,
                           parser_nearest(parser, parser->at, starts, COUNT_OF(starts)),
                           "expected SELECT after AS");
    if (!check_parentheses(parser) || !refuse_trailing_clauses(parser, statement))
        return false;
    statement->has_body = true;
    statement->body = tokens_sql(parser->source, parser->at, parser->end, parser->arena);
    parser->at = parser->end;
    return true;
}

static bool parse_view_constraints(struct parser *parser, struct statement *statement)
{
    const struct token *open = parser->at;
    if (parser_closing(parser, open) == NULL)
        return parser_fail(parser, "E0127", open, NULL, "this ( is never closed");
    do {
        parser->at++;
        struct constraint_text constraint = {0};
        if (!parser_is(parser, "CONSTRAINT"))
            return parser_fail(parser, "E0122", parser->at,
                               "name columns in the SELECT: SELECT a AS name; the parentheses hold "
                               "CONSTRAINT name EXPECT (..)",
                               "a view has no column list");
        const struct token *name = parser->at + 1;
        if (!parser_constraint(parser, &constraint))
            return false;
        for (size_t i = 0; i < statement->constraints_len; i++)
            if (str_equal_nocase(statement->constraints[i].name, constraint.name))
                return parser_fail(parser, "E0126", name, "rejections are counted by that name",
                                   "constraint %.*s is there twice", STR_ARGS(constraint.name));
        statement->constraints = parser_append(parser, statement->constraints,
                                               statement->constraints_len, sizeof(constraint));
        statement->constraints[statement->constraints_len++] = constraint;
    } while (parser_is(parser, ","));
    return parser_expect(parser, ")", NULL);
}

static bool parse_view(struct parser *parser, struct statement *statement)
{
    if (parser_is(parser, "(") && !parse_view_constraints(parser, statement))
        return false;
    if (parser_accept(parser, "LATE")) {
        if (!parser_expect(parser, "INTO", "write LATE INTO sink"))
            return false;
        if (!parser_name(parser, "the sink for late rows", &statement->late_into,
                         &statement->late_place))
            return false;
    }
    if (parser_is(parser, "WITH"))
        return parser_fail(parser, "E0122", parser->at,
                           "options belong to CREATE SOURCE and CREATE SINK",
                           "a view has no options");
    return !refuse_clause(parser, statement) && parse_body(parser, statement);
}

static bool parse_table(struct parser *parser, struct statement *statement)
{
    if (parser_is(parser, "("))
        return parser_fail(parser, "E0124", parser->at,
                           "write CREATE SOURCE name (..) WITH (..) for rows that come in; CREATE "
                           "TABLE name AS SELECT .. is reference data, loaded at start",
                           "CREATE TABLE with columns is the form of Flink and RisingWave");
    return !refuse_clause(parser, statement) && parse_body(parser, statement);
}

static bool parse_set(struct parser *parser, struct statement *statement)
{
    struct option_text *option = ARENA_NEW(parser->arena, struct option_text);
    parser->at++; // SET
    if (parser->at->kind == TOKEN_STRING)
        return parser_fail(parser, "E0124", parser->at, "write SET name = value",
                           "names of settings are not quoted here");
    if (!parser_name(parser, "a setting", &option->name, &option->name_place))
        return false;
    statement->name = option->name;
    statement->name_place = option->name_place;
    if (!parser_accept(parser, "TO") && !parser_expect(parser, "=", "write SET name = value"))
        return false;
    if (!parser_option_value(parser, option))
        return false;
    statement->options = option;
    statement->options_len = 1;
    if (parser->at != parser->end)
        return parser_fail_expected(parser, "';' after the value",
                                    "a value of several words stands in single quotes");
    return true;
}

// CREATE MACRO and CREATE TYPE go to DuckDB as they are.
static bool parse_passed_on(struct parser *parser, struct statement *statement)
{
    const struct token *first = parser->at;
    while (!parser_is(parser, "MACRO") && !parser_is(parser, "TYPE") &&
           !parser_is(parser, "FUNCTION"))
        parser->at++;
    parser->at++;
    if (!parser_name(parser, "the macro or type", &statement->name, &statement->name_place))
        return false;
    parser->at = first;
    if (!check_parentheses(parser))
        return false;
    statement->has_body = true;
    statement->body = tokens_sql(parser->source, first, parser->end, parser->arena);
    return true;
}

static bool is_passed_on(const struct parser *parser)
{
    size_t ahead = 1;
    if (parser_is_ahead(parser, ahead, "OR") && parser_is_ahead(parser, ahead + 1, "REPLACE"))
        ahead += 2;
    if (parser_is_ahead(parser, ahead, "TEMP") || parser_is_ahead(parser, ahead, "TEMPORARY"))
        ahead++;
    return parser_is_ahead(parser, ahead, "MACRO") || parser_is_ahead(parser, ahead, "TYPE") ||
           parser_is_ahead(parser, ahead, "FUNCTION");
}

static bool parse_named(struct parser *parser, struct statement *statement)
{
    static const struct {
        const char *word;
        enum statement_kind kind;
        const char *what;
        bool (*parse)(struct parser *parser, struct statement *statement);
    } forms[] = {
        {"SOURCE", STATEMENT_SOURCE, "a source", parse_source},
        {"VIEW", STATEMENT_VIEW, "a view", parse_view},
        {"TABLE", STATEMENT_TABLE, "a table", parse_table},
        {"SINK", STATEMENT_SINK, "a sink", parse_sink},
        {"METRIC", STATEMENT_METRIC, "a metric", parse_metric},
        {"SCHEDULE", STATEMENT_SCHEDULE, "a schedule", parse_schedule},
    };
    parser->at++; // CREATE
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        if (!parser_accept(parser, forms[i].word))
            continue;
        if (parser_is(parser, "IF") && parser_is_ahead(parser, 1, "NOT"))
            return parser_fail(parser, "E0124", parser->at, "leave IF NOT EXISTS out",
                               "the file is the whole pipeline: nothing exists before it");
        statement->kind = forms[i].kind;
        return parser_name(parser, forms[i].what, &statement->name, &statement->name_place) &&
               forms[i].parse(parser, statement);
    }
    const char *near = parser_nearest(parser, parser->at, kinds, COUNT_OF(kinds));
    const char *cure = "write CREATE SOURCE, VIEW, TABLE, SINK, METRIC, SCHEDULE, MACRO or TYPE";
    return parser_fail(parser, "E0121", parser->at, near != NULL ? near : cure,
                       "there is no such thing to create");
}

static bool parse_statement(struct parser *parser, struct statement *statement)
{
    statement->place = parser->at->at;
    if (refuse_statement(parser))
        return false;
    if (parser_is(parser, "SET")) {
        statement->kind = STATEMENT_SET;
        return parse_set(parser, statement);
    }
    if (parser_is(parser, "CREATE") && is_passed_on(parser)) {
        statement->kind = STATEMENT_MACRO;
        return parse_passed_on(parser, statement);
    }
    if (parser_is(parser, "CREATE"))
        return parse_named(parser, statement);
    if (parser_is(parser, "REPORT")) {
        statement->kind = STATEMENT_REPORT;
        return parse_report(parser, statement);
    }
    static const char *const words[] = {"CREATE", "SET", "REPORT"};
    const char *near = parser_nearest(parser, parser->at, words, COUNT_OF(words));
    return parser_fail(parser, "E0121", parser->at,
                       near != NULL ? near : "a pipeline holds SET, CREATE and REPORT statements",
                       "this statement is not known");
}

static bool has_bad_token(const struct token *from, const struct token *to)
{
    for (const struct token *token = from; token <= to; token++)
        if (token->is_bad || token->kind == TOKEN_BROKEN)
            return true;
    return false;
}

// One statement, from the cursor to `;`. Where the ; is missing, it ends before the next CREATE.
static const struct token *read_statement(struct parser *parser, struct statement *statement)
{
    const struct token *first = parser->at;
    while (parser->end->kind != TOKEN_END && parser->end->kind != TOKEN_BROKEN &&
           !token_is(parser->end, ";"))
        parser->end++;
    const struct token *missing = missing_end(parser), *next = parser->end + 1;
    if (missing != NULL) {
        parser_fail(parser, "E0125", missing, "end the statement before it with ;",
                    "a ; is missing before this CREATE");
        parser->end = next = missing;
    } else if (parser->end->kind != TOKEN_SYMBOL) {
        next = parser->end;
    }
    statement->is_broken = !parse_statement(parser, statement) || has_bad_token(first, parser->end);
    return next;
}

void statements_parse(struct str source, const struct variables *variables, struct arena *arena,
                      struct diagnostics *diagnostics, struct statement **statements, size_t *len)
{
    struct tokens tokens = {0};
    tokens_scan(source, arena, diagnostics, &tokens);
    tokens_interpolate(&tokens, variables, arena, diagnostics);
    struct parser parser = {.source = source, .arena = arena, .diagnostics = diagnostics};
    parser.at = tokens.list;
    *statements = NULL;
    *len = 0;
    while (parser.at->kind != TOKEN_END && parser.at->kind != TOKEN_BROKEN) {
        if (token_is(parser.at, ";")) {
            parser.at++;
            continue;
        }
        struct statement statement = {0};
        parser.end = parser.at;
        const struct token *next = read_statement(&parser, &statement);
        if (!statement.is_broken || statement.name.len > 0) {
            *statements = parser_append(&parser, *statements, *len, sizeof(statement));
            (*statements)[(*len)++] = statement;
        }
        parser.at = next;
        while (token_is(parser.at, ";"))
            parser.at++;
    }
}
