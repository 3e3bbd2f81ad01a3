// SPDX-License-Identifier: MIT
// The small steps of the grammar: names, literals, parentheses, lists, option values. What has gone
// wrong is said at the token where it shows, in words that name what would have been right.
#include "pipeline/parser.h"

#include <stdarg.h>
#include <string.h>

bool parser_fail(struct parser *parser, const char *code, const struct token *token,
                 const char *cure, const char *format, ...)
{
    bool is_reported =
        token->is_bad || token->kind == TOKEN_BROKEN || parser->end->kind == TOKEN_BROKEN;
    if (is_reported) // the rest only follows from it
        return false;
    AUTO(buf_clear) struct buf text = {0};
    va_list arguments;
    va_start(arguments, format);
    buf_vprint(&text, format, arguments);
    va_end(arguments);
    size_t place = token->at, length = token->len;
    if (token->kind == TOKEN_END && token > parser->at - 1 && parser->source.len > 0) {
        const struct token *last = token - 1; // the end of the file has no line to show
        place = last->at + last->len;
        length = 1;
    }
    diagnostic_add(parser->diagnostics, code, place, length, cure, "%s", buf_cstr(&text));
    return false;
}

static struct str token_shown(const struct parser *parser, const struct token *token)
{
    if (token->kind == TOKEN_END)
        return STR("the end of the file");
    struct str text = str_slice(parser->source, token->at, token->at + token->len);
    if (text.len > 40)
        text.len = 40;
    while (text.len > 0 && ((unsigned char)text.ptr[text.len - 1] & 0x80) != 0)
        text.len--; // never half a character
    return arena_print(parser->arena, "'%.*s'", STR_ARGS(text));
}

bool parser_fail_expected(struct parser *parser, const char *expected, const char *cure)
{
    struct str shown = token_shown(parser, parser->at);
    return parser_fail(parser, "E0122", parser->at, cure, "expected %s, found %.*s", expected,
                       STR_ARGS(shown));
}

bool parser_is_ahead(const struct parser *parser, size_t ahead, const char *word)
{
    return ahead < (size_t)(parser->end - parser->at) && token_is(parser->at + ahead, word);
}

bool parser_is(const struct parser *parser, const char *word)
{
    return parser_is_ahead(parser, 0, word);
}

bool parser_accept(struct parser *parser, const char *word)
{
    if (!parser_is(parser, word))
        return false;
    parser->at++;
    return true;
}

const char *parser_nearest(struct parser *parser, const struct token *token,
                           const char *const *words, size_t words_len)
{
    if (token->kind != TOKEN_WORD && token->kind != TOKEN_NAME)
        return NULL;
    AUTO(buf_clear) struct buf upper = {0};
    for (size_t i = 0; i < token->content.len; i++) {
        char c = token->content.ptr[i];
        buf_add_char(&upper, c >= 'a' && c <= 'z' ? (char)(c - 32) : c);
    }
    const char *near = nearest_name(buf_str(&upper), words, words_len);
    return near == NULL ? NULL : arena_print(parser->arena, "did you mean %s?", near).ptr;
}

bool parser_expect(struct parser *parser, const char *word, const char *cure)
{
    if (parser_accept(parser, word))
        return true;
    const char *near = parser_nearest(parser, parser->at, &word, 1);
    return parser_fail_expected(parser, word, near != NULL ? near : cure);
}

bool parser_name(struct parser *parser, const char *what, struct str *name, size_t *place)
{
    const struct token *token = parser->at;
    bool is_name = token->kind == TOKEN_WORD || token->kind == TOKEN_NAME;
    if (parser->at == parser->end || !is_name || token->content.len == 0) {
        struct str shown = token_shown(parser, token);
        return parser_fail(parser, "E0122", token, NULL, "expected the name of %s, found %.*s",
                           what, STR_ARGS(shown));
    }
    *name = token->content;
    *place = token->at;
    parser->at++;
    if (parser_is(parser, ".") && parser->at->touches)
        return parser_fail(parser, "E0122", parser->at, "write the name alone, or in double quotes",
                           "names have no schema in a pipeline");
    return true;
}

const struct token *parser_closing(const struct parser *parser, const struct token *open)
{
    size_t depth = 0;
    for (const struct token *token = open; token < parser->end; token++) {
        if (token->kind != TOKEN_SYMBOL)
            continue;
        if (token->text.ptr[0] == '(')
            depth++;
        if (token->text.ptr[0] == ')' && --depth == 0)
            return token;
    }
    return NULL;
}

bool parser_parentheses(struct parser *parser, struct sql_text *inside)
{
    if (!parser_is(parser, "("))
        return parser_fail_expected(parser, "(", NULL);
    const struct token *open = parser->at, *closing = parser_closing(parser, open);
    if (closing == NULL)
        return parser_fail(parser, "E0127", open, "each ( needs its ) before the ;",
                           "this ( is never closed");
    if (closing == open + 1)
        return parser_fail(parser, "E0122", closing, NULL, "expected an expression, found ')'");
    *inside = tokens_sql(parser->source, open + 1, closing, parser->arena);
    parser->at = closing + 1;
    return true;
}

bool parser_string(struct parser *parser, const char *what, struct str *content, size_t *place)
{
    const struct token *token = parser->at;
    if (token == parser->end || token->kind != TOKEN_STRING) {
        struct str shown = token_shown(parser, token);
        const char *cure = token->kind == TOKEN_NAME || token->kind == TOKEN_WORD
                               ? "text stands in single quotes: '..'"
                               : NULL;
        return parser_fail(parser, "E0122", token, cure, "expected %s in quotes, found %.*s", what,
                           STR_ARGS(shown));
    }
    *content = token->content;
    *place = token->at;
    parser->at++;
    return true;
}

static bool is_time_unit(const struct token *token)
{
    static const char *const units[] = {"MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR",
                                        "DAY",         "WEEK",        "MONTH",  "YEAR"};
    struct str word = token->text;
    if (token->kind != TOKEN_WORD)
        return false;
    if (word.len > 1 && (word.ptr[word.len - 1] | 0x20) == 's')
        word.len--;
    for (size_t i = 0; i < COUNT_OF(units); i++)
        if (str_equal_nocase(word, str_of(units[i])))
            return true;
    return false;
}

bool parser_interval(struct parser *parser, const char *what, struct str *content)
{
    const struct token *first = parser->at;
    if (first != parser->end && first->kind == TOKEN_STRING) // what Databricks and RisingWave allow
        return parser_fail(parser, "E0122", first, "write INTERVAL in front of the text",
                           "%s is an interval", what);
    if (!parser_accept(parser, "INTERVAL"))
        return parser_fail_expected(parser, "INTERVAL", "an interval is INTERVAL '10 minutes'");
    const struct token *amount = parser->at;
    if (amount == parser->end || (amount->kind != TOKEN_STRING && amount->kind != TOKEN_NUMBER))
        return parser_fail_expected(parser, "a text such as '10 minutes'", NULL);
    parser->at++;
    *content = amount->content;
    if (parser->at != parser->end && is_time_unit(parser->at)) {
        *content = arena_print(parser->arena, "%.*s %.*s", STR_ARGS(amount->content),
                               STR_ARGS(parser->at->text));
        parser->at++;
    }
    return true;
}

// A number with what belongs to it: a sign before, a unit that touches it (64MB).
static void option_number(struct parser *parser, struct option_text *option)
{
    const struct token *first = parser->at;
    if (first->kind == TOKEN_SYMBOL)
        parser->at++;
    const struct token *last = parser->at++;
    if (parser->at != parser->end && parser->at->kind == TOKEN_WORD && parser->at->touches)
        last = parser->at++;
    option->value = first == last ? first->content
                                  : tokens_sql(parser->source, first, last + 1, parser->arena).text;
}

bool parser_option_value(struct parser *parser, struct option_text *option)
{
    const struct token *token = parser->at;
    option->value_place = token->at;
    if (parser->at == parser->end)
        return parser_fail_expected(parser, "a value", NULL);
    bool is_signed = (token_is(token, "-") || token_is(token, "+")) && token + 1 < parser->end &&
                     token[1].kind == TOKEN_NUMBER;
    if (token->kind == TOKEN_STRING) {
        option->value = token->content;
        option->has_secret = token->has_secret;
        parser->at++;
    } else if (token->kind == TOKEN_NUMBER || is_signed) {
        option_number(parser, option);
    } else if (token_is(token, "INTERVAL")) {
        return parser_interval(parser, "the value", &option->value);
    } else if (token->kind == TOKEN_WORD || token->kind == TOKEN_NAME) {
        option->value = token->content;
        option->has_secret = token->has_secret;
        parser->at++;
    } else if (token_is(token, "(")) {
        option->is_expression = true;
        const struct token *closing = parser_closing(parser, token);
        for (const struct token *inner = token; closing != NULL && inner < closing; inner++)
            option->has_secret = option->has_secret || inner->has_secret;
        return parser_parentheses(parser, &option->expression);
    } else {
        return parser_fail_expected(parser, "a value", "text stands in single quotes: '..'");
    }
    return true;
}

void *parser_append(struct parser *parser, void *list, size_t len, size_t size)
{
    bool is_full = len == 0 || (len & (len - 1)) == 0; // lengths double
    if (!is_full)
        return list;
    char *grown = arena_array(parser->arena, len == 0 ? 1 : len * 2, size);
    if (len > 0)
        memcpy(grown, list, len * size);
    return grown;
}

// name or name.part, as in properties.linger.ms
static bool option_name(struct parser *parser, struct option_text *option)
{
    const struct token *first = parser->at;
    if (first != parser->end && first->kind == TOKEN_STRING) { // Flink: 'connector' = 'kafka'
        return parser_fail(parser, "E0124", first, "write the name without quotes",
                           "option names are not quoted here");
    }
    if (first == parser->end || (first->kind != TOKEN_WORD && first->kind != TOKEN_NAME))
        return parser_fail_expected(parser, "the name of an option", NULL);
    const struct token *last = parser->at++;
    while (parser_is(parser, ".") && parser->at + 1 < parser->end &&
           (parser->at[1].kind == TOKEN_WORD || parser->at[1].kind == TOKEN_NUMBER)) {
        last = parser->at + 1;
        parser->at += 2;
    }
    option->name_place = first->at;
    option->name = first == last ? first->content
                                 : tokens_sql(parser->source, first, last + 1, parser->arena).text;
    return true;
}

static bool option_is_repeated(struct parser *parser, const struct statement *statement,
                               const struct option_text *option, const struct token *token)
{
    for (size_t i = 0; i < statement->options_len; i++)
        if (str_equal_nocase(statement->options[i].name, option->name))
            return !parser_fail(parser, "E0126", token, "keep one of them",
                                "option %.*s is given twice", STR_ARGS(option->name));
    return false;
}

bool parser_options(struct parser *parser, struct statement *statement)
{
    const struct token *open = parser->at;
    if (!parser_expect(parser, "(", "options stand in parentheses: WITH (connector = 'files')"))
        return false;
    if (parser_closing(parser, open) == NULL)
        return parser_fail(parser, "E0127", open, "each ( needs its ) before the ;",
                           "this ( is never closed");
    while (!parser_is(parser, ")")) {
        struct option_text option = {0};
        const struct token *token = parser->at;
        if (!option_name(parser, &option))
            return false;
        if (!parser_expect(parser, "=", "an option is name = value"))
            return false;
        if (!parser_option_value(parser, &option))
            return false;
        if (option_is_repeated(parser, statement, &option, token))
            return false;
        statement->options = parser_append(parser, statement->options, statement->options_len,
                                           sizeof(*statement->options));
        statement->options[statement->options_len++] = option;
        if (!parser_is(parser, ")") && !parser_accept(parser, ","))
            return parser_fail_expected(parser, "',' or ')' after an option",
                                        "a value of several words is an expression in "
                                        "parentheses: name = ('a' || 'b')");
    }
    parser->at++;
    return true;
}
