// SPDX-License-Identifier: MIT
// Reading .test.sql. The scanner and the small steps of the grammar are those of pipeline files, so
// literals, comments and ${..} are the same in both, and mistakes are shown the same way.
#include "cli/test_file.h"
#include "base/clock.h"
#include "pipeline/parser.h"

static bool is_expectation(enum step_kind kind)
{
    return kind == STEP_EXPECT_ROWS || kind == STEP_EXPECT_LEDGER || kind == STEP_EXPECT_ERROR;
}

static size_t line_of(struct str source, size_t place)
{
    size_t line, column;
    diagnostic_line_column(source, place, &line, &column);
    return line;
}

static bool read_name(struct parser *parser, const char *what, struct str *name)
{
    size_t place;
    return parser_name(parser, what, name, &place);
}

static bool read_string(struct parser *parser, const char *what, struct str *content)
{
    size_t place;
    return parser_string(parser, what, content, &place);
}

static bool parse_end(struct parser *parser)
{
    return parser->at == parser->end ||
           parser_fail_expected(parser, "the end of the statement", NULL);
}

// (..), (..): the SQL inside each pair.
static bool parse_rows(struct parser *parser, struct step *step)
{
    do {
        struct sql_text inside;
        if (!parser_parentheses(parser, &inside))
            return false;
        step->rows = parser_append(parser, step->rows, step->rows_len, sizeof(*step->rows));
        step->rows[step->rows_len++] = inside.text;
    } while (parser_accept(parser, ","));
    return true;
}

static bool parse_whole(struct parser *parser, const char *what, int64_t *value)
{
    bool is_negative = parser_accept(parser, "-");
    if (parser->at == parser->end || parser->at->kind != TOKEN_NUMBER ||
        !str_parse_int64(parser->at->text, value))
        return parser_fail_expected(parser, what, NULL);
    *value = is_negative ? -*value : *value;
    parser->at++;
    return true;
}

static bool parse_insert(struct parser *parser, struct step *step)
{
    int64_t partition = 0;
    if (!parser_expect(parser, "INTO", "INSERT INTO source VALUES ({..}), or FROM 'file'") ||
        !read_name(parser, "a source", &step->name))
        return false;
    if (parser_accept(parser, "PARTITION")) {
        const struct token *token = parser->at;
        if (!parse_whole(parser, "the number of a partition", &partition))
            return false;
        if (partition < 0 || partition > 999)
            return parser_fail(parser, "E0122", token, NULL, "a partition is from 0 to 999");
    }
    step->partition = (uint32_t)partition;
    if (parser_accept(parser, "FROM")) {
        step->kind = STEP_INSERT_FROM;
        return read_string(parser, "a path", &step->value);
    }
    step->kind = STEP_INSERT_VALUES;
    return parser_expect(parser, "VALUES", "write VALUES ({..}), ({..}) or FROM 'file'") &&
           parse_rows(parser, step);
}

static bool parse_advance(struct parser *parser, struct step *step)
{
    struct str text;
    const struct token *token = parser->at;
    if (parser_accept(parser, "CLOCK")) {
        step->kind = STEP_ADVANCE_CLOCK;
        if (!parser_expect(parser, "BY", "ADVANCE CLOCK BY INTERVAL '30 seconds'") ||
            !parser_interval(parser, "how far", &text))
            return false;
        return duration_parse(text, &step->time_us) ||
               parser_fail(parser, "E0122", token, NULL, "'%.*s' is not a length of time",
                           STR_ARGS(text));
    }
    step->kind = STEP_ADVANCE_TIME;
    const char *cure = "ADVANCE TIME TO TIMESTAMP '2024-01-15 10:45:00', or ADVANCE CLOCK BY ..";
    if (!parser_expect(parser, "TIME", cure) || !parser_expect(parser, "TO", cure))
        return false;
    parser_accept(parser, "TIMESTAMP");
    token = parser->at;
    if (!read_string(parser, "a time", &text))
        return false;
    return time_parse(text, &step->time_us) ||
           parser_fail(parser, "E0122", token, "write '2024-01-15 10:45:00'",
                       "'%.*s' is not a time", STR_ARGS(text));
}

static bool parse_term(struct parser *parser, struct step *step)
{
    struct step_term term = {0};
    const struct token *token = parser->at;
    if (token->kind == TOKEN_STRING) {
        if (!read_string(parser, "a term", &term.name))
            return false;
    } else if (parser_is_ahead(parser, 1, ".") && parser->end - token > 2) {
        term.name = arena_print(parser->arena, "%.*s.%.*s", STR_ARGS(token->content),
                                STR_ARGS(token[2].content)); // rejected.has_id
        parser->at += 3;
    } else if (!read_name(parser, "a term", &term.name)) {
        return false;
    }
    if (!parser_expect(parser, "=", "write term => number") ||
        !parser_expect(parser, ">", "write term => number") ||
        !parse_whole(parser, "a number", &term.value))
        return false;
    step->terms = parser_append(parser, step->terms, step->terms_len, sizeof(*step->terms));
    step->terms[step->terms_len++] = term;
    return true;
}

static bool parse_terms(struct parser *parser, struct step *step)
{
    step->kind = STEP_EXPECT_LEDGER;
    if (!read_name(parser, "a relation", &step->name) ||
        !parser_expect(parser, "(", "EXPECT LEDGER relation (term => number, ..)"))
        return false;
    do {
        if (!parse_term(parser, step))
            return false;
    } while (parser_accept(parser, ","));
    return parser_expect(parser, ")", NULL);
}

static bool parse_columns(struct parser *parser, struct step *step)
{
    do {
        struct str name;
        if (!read_name(parser, "a column", &name))
            return false;
        step->columns =
            parser_append(parser, step->columns, step->columns_len, sizeof(*step->columns));
        step->columns[step->columns_len++] = name;
    } while (parser_accept(parser, ","));
    return parser_expect(parser, ")", NULL);
}

static bool parse_expect(struct parser *parser, struct step *step)
{
    if (parser_is(parser, "ERROR") && !parser_is_ahead(parser, 1, "ROWS") &&
        !parser_is_ahead(parser, 1, "EMPTY")) {
        parser->at++;
        step->kind = STEP_EXPECT_ERROR;
        return read_string(parser, "a part of the message", &step->value);
    }
    if (parser_is(parser, "LEDGER") && !parser_is_ahead(parser, 1, "ROWS") &&
        !parser_is_ahead(parser, 1, "EMPTY")) {
        parser->at++;
        return parse_terms(parser, step);
    }
    step->kind = STEP_EXPECT_ROWS;
    if (!read_name(parser, "a sink", &step->name))
        return false;
    if (parser_accept(parser, "EMPTY"))
        return true;
    if (!parser_expect(parser, "ROWS", "EXPECT sink ROWS (columns) VALUES (..), or EMPTY"))
        return false;
    if (parser_accept(parser, "(") && !parse_columns(parser, step))
        return false;
    return parser_expect(parser, "VALUES", "EXPECT sink ROWS (columns) VALUES (..), (..)") &&
           parse_rows(parser, step);
}

static bool parse_set(struct parser *parser, struct step *step)
{
    struct option_text option = {0};
    step->kind = STEP_SET;
    if (!read_name(parser, "a setting", &step->name) ||
        !parser_expect(parser, "=", "SET name = value"))
        return false;
    const struct token *token = parser->at;
    if (!parser_option_value(parser, &option))
        return false;
    if (option.is_expression)
        return parser_fail(parser, "E0122", token, NULL, "a test sets literals only");
    step->value = option.value;
    return true;
}

static bool parse_step(struct parser *parser, struct step *step)
{
    static const char *const words[] = {"TEST", "SET", "INSERT", "ADVANCE", "EXPECT"};
    bool ok;
    if (parser_accept(parser, "INSERT"))
        ok = parse_insert(parser, step);
    else if (parser_accept(parser, "ADVANCE"))
        ok = parse_advance(parser, step);
    else if (parser_accept(parser, "EXPECT"))
        ok = parse_expect(parser, step);
    else if (parser_accept(parser, "SET"))
        ok = parse_set(parser, step);
    else
        return parser_fail_expected(parser, "TEST, SET, INSERT, ADVANCE or EXPECT",
                                    parser_nearest(parser, parser->at, words, COUNT_OF(words)));
    return ok && parse_end(parser);
}

static bool check_order(struct parser *parser, const struct token *first, const struct test *test,
                        const struct step *step)
{
    bool has_other = test->steps_len > 0 && test->steps[test->steps_len - 1].kind != STEP_SET;
    return step->kind != STEP_SET || !has_other ||
           parser_fail(parser, "E0122", first, "put it right behind TEST",
                       "SET comes before anything is run");
}

static void parse_statement(struct parser *parser, struct test_file *file)
{
    const struct token *first = parser->at;
    size_t line = line_of(parser->source, first->at);
    if (parser_accept(parser, "TEST")) {
        struct test test = {.line = line};
        if (!read_string(parser, "the name of a test", &test.name))
            return;
        test.without_crash = parser_accept(parser, "WITHOUT");
        if ((test.without_crash && !parser_accept(parser, "CRASH")) || !parse_end(parser)) {
            if (test.without_crash)
                parser_fail_expected(parser, "CRASH", NULL);
            return;
        }
        file->tests = parser_append(parser, file->tests, file->tests_len, sizeof(*file->tests));
        file->tests[file->tests_len++] = test;
        return;
    }
    struct step step = {.line = line};
    if (!parse_step(parser, &step))
        return;
    if (file->tests_len == 0) {
        parser_fail(parser, "E0122", first, "begin with TEST 'what should hold';",
                    "this belongs to no test");
        return;
    }
    struct test *test = &file->tests[file->tests_len - 1];
    if (!check_order(parser, first, test, &step))
        return;
    test->steps = parser_append(parser, test->steps, test->steps_len, sizeof(*test->steps));
    test->steps[test->steps_len++] = step;
}

// A test that demands nothing cannot fail.
static void check_tests(const struct test_file *file, struct diagnostics *diagnostics)
{
    for (size_t t = 0; t < file->tests_len; t++) {
        const struct test *test = &file->tests[t];
        bool expects = false;
        for (size_t s = 0; s < test->steps_len; s++)
            expects = expects || is_expectation(test->steps[s].kind);
        if (!expects)
            diagnostic_add(diagnostics, "E0122", SIZE_MAX, 1, "add EXPECT ..",
                           "test '%.*s' (line %zu) expects nothing", STR_ARGS(test->name),
                           test->line);
    }
    if (file->tests_len == 0 && diagnostics->errors == 0)
        diagnostic_add(diagnostics, "E0122", SIZE_MAX, 1, "begin with TEST 'what should hold';",
                       "there is no test in this file");
}

bool test_file_parse(const char *path, const struct variables *variables, struct arena *arena,
                     struct diagnostics *diagnostics, struct test_file *file)
{
    struct tokens tokens;
    *file = (struct test_file){.path = path};
    tokens_scan(diagnostics->source, arena, diagnostics, &tokens);
    tokens_interpolate(&tokens, variables, arena, diagnostics);
    const struct token *at = tokens.list, *last = tokens.list + tokens.len - 1;
    while (at < last) {
        const struct token *end = at;
        while (end < last && !token_is(end, ";") && end->kind != TOKEN_BROKEN)
            end++;
        struct parser parser = {.source = diagnostics->source,
                                .at = at,
                                .end = end,
                                .arena = arena,
                                .diagnostics = diagnostics};
        if (at < end)
            parse_statement(&parser, file);
        at = end < last ? end + 1 : end;
    }
    check_tests(file, diagnostics);
    return diagnostics->errors == 0;
}
