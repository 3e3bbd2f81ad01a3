// SPDX-License-Identifier: MIT
// CREATE SOURCE and constraints: columns (a place in the record, computed, or known to the
// connector), expectations with what happens on violation, and the watermark.
#include "pipeline/parser.h"

#include <string.h>

static bool parse_violation(struct parser *parser, enum violation *violation)
{
    static const char *const words[] = {"WARN", "DROP", "QUARANTINE", "FAIL"};
    const char *cure = "write ON VIOLATION WARN, DROP ROW, QUARANTINE or FAIL";
    *violation = VIOLATION_WARN;
    if (!parser_accept(parser, "ON"))
        return true;
    if (!parser_expect(parser, "VIOLATION", cure))
        return false;
    if (parser_accept(parser, "WARN"))
        return true;
    if (parser_accept(parser, "DROP")) {
        *violation = VIOLATION_DROP;
        return parser_expect(parser, "ROW", "write DROP ROW");
    }
    if (parser_accept(parser, "QUARANTINE")) {
        *violation = VIOLATION_QUARANTINE;
        return true;
    }
    if (parser_accept(parser, "FAIL")) {
        *violation = VIOLATION_FAIL;
        if (parser_is(parser, "UPDATE"))
            return parser_fail(parser, "E0124", parser->at, "write ON VIOLATION FAIL",
                               "FAIL UPDATE is the form of Databricks");
        return true;
    }
    const char *near = parser_nearest(parser, parser->at, words, COUNT_OF(words));
    return parser_fail(parser, "E0129", parser->at, near != NULL ? near : cure,
                       "unknown action on violation");
}

bool parser_constraint(struct parser *parser, struct constraint_text *constraint)
{
    const char *form = "write CONSTRAINT name EXPECT (condition) [ON VIOLATION ..]";
    parser->at++; // CONSTRAINT
    if (parser_is(parser, "EXPECT") && parser_is_ahead(parser, 1, "("))
        return parser_fail(parser, "E0129", parser->at, form, "this constraint has no name");
    if (!parser_name(parser, "a constraint", &constraint->name, &constraint->place))
        return false;
    static const char *const foreign[] = {"CHECK", "PRIMARY", "UNIQUE", "FOREIGN"};
    for (size_t i = 0; i < COUNT_OF(foreign); i++)
        if (parser_is(parser, foreign[i]))
            return parser_fail(parser, "E0129", parser->at,
                               i == 0
                                   ? "write EXPECT (condition) [ON VIOLATION ..]"
                                   : "rows with equal keys are removed by DEDUP(source, key, ..)",
                               "%s constraints are not known here", foreign[i]);
    if (!parser_expect(parser, "EXPECT", form))
        return false;
    if (!parser_parentheses(parser, &constraint->condition))
        return false;
    return parse_violation(parser, &constraint->violation);
}

static bool parse_watermark(struct parser *parser, struct watermark_text *watermark)
{
    const char *form = "write WATERMARK FOR column AS column - INTERVAL '10 minutes' "
                       "[IDLE TIMEOUT INTERVAL '30 seconds']";
    const struct token *first = parser->at++;
    if (watermark->is_given)
        return parser_fail(parser, "E0126", first, "keep one of them",
                           "a source has one watermark, and this is the second");
    watermark->is_given = true;
    watermark->place = first->at;
    if (!parser_expect(parser, "FOR", form))
        return false;
    size_t place = 0;
    if (!parser_name(parser, "the event time column", &watermark->column, &place))
        return false;
    watermark->place = place;
    if (!parser_expect(parser, "AS", form))
        return false;
    struct str again = {0};
    const struct token *second = parser->at;
    if (!parser_name(parser, "the event time column", &again, &place))
        return false;
    if (!str_equal_nocase(again, watermark->column))
        return parser_fail(parser, "E0130", second, form,
                           "a watermark follows its own column %.*s, not %.*s",
                           STR_ARGS(watermark->column), STR_ARGS(again));
    if (parser_accept(parser, "-")) {
        if (!parser_interval(parser, "the delay", &watermark->delay))
            return false;
    } else if (parser_is(parser, "+")) {
        return parser_fail(parser, "E0130", parser->at, form, "a watermark is behind event time");
    }
    if (!parser_accept(parser, "IDLE"))
        return true;
    if (!parser_expect(parser, "TIMEOUT", form))
        return false;
    return parser_interval(parser, "the idle timeout", &watermark->idle_timeout);
}

static bool ends_type(const struct parser *parser)
{
    static const char *const words[] = {"FROM",    "AS",      "METADATA",   "FORMAT",    "NOT",
                                        "NULL",    "PRIMARY", "DEFAULT",    "GENERATED", "UNIQUE",
                                        "COMMENT", "CHECK",   "REFERENCES", ",",         ")"};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (parser_is(parser, words[i]))
            return true;
    return parser->at >= parser->end;
}

static bool parse_type(struct parser *parser, struct column_text *column)
{
    const struct token *first = parser->at;
    while (!ends_type(parser)) {
        if (!parser_is(parser, "(")) {
            parser->at++;
            continue;
        }
        const struct token *closing = parser_closing(parser, parser->at);
        if (closing == NULL)
            return parser_fail(parser, "E0127", parser->at, NULL, "this ( is never closed");
        parser->at = closing + 1;
    }
    if (parser->at == first)
        return parser_fail(parser, "E0128", first, "write name TYPE, for example city VARCHAR",
                           "column %.*s has no type", STR_ARGS(column->name));
    column->type_place = first->at;
    column->type = tokens_sql(parser->source, first, parser->at, parser->arena).text;
    return true;
}

// What tables of other systems may say about a column.
static bool refuse_column_option(struct parser *parser, const struct column_text *column)
{
    static const struct {
        const char *word, *cure;
    } forms[] = {
        {"NOT", "write CONSTRAINT name EXPECT (column IS NOT NULL) ON VIOLATION QUARANTINE"},
        {"NULL", "every column may be NULL: leave it out"},
        {"PRIMARY", "rows with equal keys are removed by DEDUP(source, key, ..)"},
        {"UNIQUE", "rows with equal keys are removed by DEDUP(source, key, ..)"},
        {"DEFAULT", "a missing field is NULL: write coalesce(column, ..) in a SELECT"},
        {"GENERATED", "write name TYPE AS (expression)"},
        {"CHECK", "write CONSTRAINT name EXPECT (condition) [ON VIOLATION ..]"},
        {"REFERENCES", "leave it out"},
        {"COMMENT", "write a comment behind --"},
        {"VIRTUAL", "leave it out: nothing is written back to a source"},
    };
    for (size_t i = 0; i < COUNT_OF(forms); i++)
        if (parser_is(parser, forms[i].word))
            return !parser_fail(parser, "E0128", parser->at, forms[i].cure,
                                "%s is not known for a column, here of %.*s", forms[i].word,
                                STR_ARGS(column->name));
    return false;
}

static bool parse_metadata(struct parser *parser, struct column_text *column)
{
    column->kind = COLUMN_METADATA;
    column->path = column->name;
    column->path_place = column->place;
    if (!parser_accept(parser, "FROM"))
        return true;
    column->has_path = true;
    return parser_string(parser, "what the connector knows", &column->path, &column->path_place);
}

static bool parse_column_option(struct parser *parser, struct column_text *column)
{
    size_t place = 0;
    const struct token *first = parser->at;
    bool is_kind =
        parser_is(parser, "FROM") || parser_is(parser, "AS") || parser_is(parser, "METADATA");
    if (is_kind && (column->has_path || column->kind != COLUMN_FIELD))
        return parser_fail(parser, "E0128", first, "use FROM, METADATA or AS, one of them",
                           "column %.*s has two origins", STR_ARGS(column->name));
    if (parser_accept(parser, "FROM")) {
        column->has_path = true;
        return parser_string(parser, "a place in the record", &column->path, &column->path_place);
    }
    if (parser_accept(parser, "METADATA"))
        return parse_metadata(parser, column);
    if (parser_accept(parser, "FORMAT"))
        return parser_string(parser, "a time format", &column->time_format, &place);
    if (parser_accept(parser, "AS")) {
        column->kind = COLUMN_COMPUTED;
        if (!parser_is(parser, "("))
            return parser_fail_expected(parser, "(", "write AS (expression)");
        return parser_parentheses(parser, &column->expression);
    }
    if (refuse_column_option(parser, column) || parser->at >= parser->end)
        return false;
    static const char *const words[] = {"FROM", "AS", "METADATA", "FORMAT"};
    return parser_fail_expected(parser, "',' or ')' after a column",
                                parser_nearest(parser, first, words, COUNT_OF(words)));
}

static bool parse_column(struct parser *parser, struct statement *statement)
{
    struct column_text column = {0};
    const struct token *first = parser->at;
    if (!parser_name(parser, "a column", &column.name, &column.place))
        return false;
    column.path = column.name;
    column.path_place = column.place;
    if (!parse_type(parser, &column))
        return false;
    while (!parser_is(parser, ",") && !parser_is(parser, ")")) {
        const struct token *before = parser->at;
        size_t errors = parser->diagnostics->errors;
        if (!parse_column_option(parser, &column) || parser->diagnostics->errors > errors)
            return false;
        if (parser->at == before)
            return parser_fail_expected(parser, "',' or ')' after a column", NULL);
    }
    for (size_t i = 0; i < statement->columns_len; i++)
        if (str_equal_nocase(statement->columns[i].name, column.name))
            return parser_fail(parser, "E0126", first, "names do not tell upper from lower case",
                               "column %.*s is there twice", STR_ARGS(column.name));
    statement->columns = parser_append(parser, statement->columns, statement->columns_len,
                                       sizeof(*statement->columns));
    statement->columns[statement->columns_len++] = column;
    return true;
}

static bool parse_constraint_item(struct parser *parser, struct statement *statement)
{
    struct constraint_text constraint = {0};
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
    return true;
}

static bool parse_item(struct parser *parser, struct statement *statement)
{
    if (parser_is(parser, "CONSTRAINT"))
        return parse_constraint_item(parser, statement);
    if (parser_is(parser, "EXPECT") && parser_is_ahead(parser, 1, "("))
        return parser_fail(parser, "E0129", parser->at,
                           "write CONSTRAINT name EXPECT (condition) [ON VIOLATION ..]",
                           "this constraint has no name");
    if (parser_is(parser, "WATERMARK") && !parser_is_ahead(parser, 2, ","))
        return parse_watermark(parser, &statement->watermark);
    if (parser_is(parser, "PRIMARY") && parser_is_ahead(parser, 1, "KEY"))
        return parser_fail(parser, "E0124", parser->at,
                           "rows with equal keys are removed by a view: "
                           "CREATE VIEW unique_rows AS SELECT * FROM DEDUP(source, key, ..)",
                           "a source has no PRIMARY KEY");
    return parse_column(parser, statement);
}

// After a mistake in one item the others are still looked at: on to the next comma of the list.
static void skip_item(struct parser *parser, const struct token *item, const struct token *closing)
{
    size_t depth = 0;
    for (parser->at = item; parser->at < closing; parser->at++) {
        char c = parser->at->kind == TOKEN_SYMBOL ? parser->at->text.ptr[0] : ' ';
        if (c == '(')
            depth++;
        if (c == ')' && depth > 0)
            depth--;
        if (c == ',' && depth == 0)
            return;
    }
}

static bool parse_items(struct parser *parser, struct statement *statement)
{
    const struct token *closing = parser_closing(parser, parser->at);
    bool is_good = true;
    parser->at++;
    while (parser->at < closing) {
        const struct token *item = parser->at;
        if (!parse_item(parser, statement)) {
            is_good = false;
            skip_item(parser, item, closing);
        }
        if (parser->at < closing && !parser_accept(parser, ",")) {
            parser_fail_expected(parser, "',' or ')'", NULL);
            is_good = false;
            skip_item(parser, parser->at, closing);
        }
    }
    parser->at = closing + 1;
    return is_good;
}

bool parse_source(struct parser *parser, struct statement *statement)
{
    if (refuse_clause(parser, statement))
        return false;
    if (!parser_is(parser, "("))
        return parser_fail(parser, "E0122", parser->at,
                           "write CREATE SOURCE name (column TYPE, ..) WITH (connector = '..')",
                           "a source names its columns");
    if (parser_closing(parser, parser->at) == NULL)
        return parser_fail(parser, "E0127", parser->at, "each ( needs its ) before the ;",
                           "this ( is never closed");
    bool is_good = parse_items(parser, statement);
    if (is_good && statement->columns_len == 0)
        return parser_fail(parser, "E0128", parser->at - 1, NULL,
                           "a source has at least one column");
    if (refuse_clause(parser, statement))
        return false;
    if (!parser_expect(parser, "WITH", "a source ends with WITH (connector = '..', ..)"))
        return false;
    if (!parser_options(parser, statement) || refuse_clause(parser, statement))
        return false;
    if (parser->at != parser->end)
        return parser_fail_expected(parser, "';' after WITH (..)", NULL);
    return is_good;
}
