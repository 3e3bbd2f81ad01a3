// SPDX-License-Identifier: MIT
// ${NAME}, ${NAME:-default}, ${NAME:+text}, ${1}. It happens after tokenising: inside a literal the
// value becomes content of that literal, whatever it holds, so no value can end the literal and say
// something of its own; outside a literal the value must be exactly one number, identifier or
// keyword. As in a shell, :- and :+ take an empty value for an unset one. Defaults may hold
// variables.
// $${ stands for ${ itself.
#include "pipeline/scanner.h"

#include <stdlib.h>
#include <string.h>

#define NESTING_MAX 8

struct interpolation {
    const struct variables *variables;
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct token *token; // the one being worked on
};

// Names that say that their value is not for anyone's eyes.
static bool name_is_secret(struct str name)
{
    static const char *const words[] = {"PASSWORD", "PASSWD",     "SECRET",
                                        "TOKEN",    "CREDENTIAL", "PRIVATE_KEY"};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (memmem(name.ptr, name.len, words[i], strlen(words[i])) != NULL)
            return true;
    return false;
}

// False: no such variable.
static bool variable_value(const struct interpolation *interpolation, struct str name,
                           struct str *value)
{
    const struct variables *variables = interpolation->variables;
    int64_t number = 0;
    if (str_parse_int64(name, &number)) {
        if (number < 1 || (uint64_t)number > variables->arguments_len)
            return false;
        *value = variables->arguments[number - 1];
        return true;
    }
    for (size_t i = variables->len; i > 0; i--) { // the last -D of a name wins
        if (str_equal(variables->names[i - 1], name)) {
            *value = variables->values[i - 1];
            return true;
        }
    }
    if (!variables->use_environment)
        return false;
    const char *found = getenv(arena_cstr(interpolation->arena, name));
    *value = str_of(found);
    return found != NULL;
}

static size_t name_length(struct str text)
{
    size_t len = 0;
    while (len < text.len &&
           (text.ptr[len] == '_' || (text.ptr[len] >= '0' && text.ptr[len] <= '9') ||
            ((text.ptr[len] | 0x20) >= 'a' && (text.ptr[len] | 0x20) <= 'z')))
        len++;
    return len;
}

// Offset behind the } that closes the ${ at the start of text, or 0.
static size_t variable_end(struct str text)
{
    size_t depth = 0;
    for (size_t i = 1; i < text.len; i++) {
        if (text.ptr[i] == '{')
            depth++;
        if (text.ptr[i] == '}' && --depth == 0)
            return i + 1;
    }
    return 0;
}

static void interpolate_text(struct interpolation *interpolation, struct str text, int nesting,
                             struct buf *out);

// Points at the variable when the literal shows it as it is, else at the whole literal.
static void variable_place(const struct interpolation *interpolation, struct str name,
                           size_t *place, size_t *length)
{
    const struct token *token = interpolation->token;
    *place = token->at;
    *length = token->len;
    AUTO(buf_clear) struct buf shown = {0};
    buf_print(&shown, "${%.*s", STR_ARGS(name));
    const char *raw = interpolation->diagnostics->source.ptr + token->at;
    const char *found = memmem(raw, token->len, shown.ptr, shown.len);
    if (found == NULL)
        return;
    *place += (size_t)(found - raw);
    *length = shown.len;
    if (found + shown.len < raw + token->len && found[shown.len] == '}')
        (*length)++;
}

static void complain_not_set(struct interpolation *interpolation, struct str name)
{
    size_t place = 0, length = 0;
    variable_place(interpolation, name, &place, &length);
    interpolation->token->is_bad = true;
    bool is_argument = name.ptr[0] >= '0' && name.ptr[0] <= '9';
    struct str cure = is_argument
                          ? arena_print(interpolation->arena,
                                        "give the words behind -- on the command line, or write "
                                        "${%.*s:-default}",
                                        STR_ARGS(name))
                          : arena_print(interpolation->arena,
                                        "set it with -D %.*s=value or in the environment, or write "
                                        "${%.*s:-default}",
                                        STR_ARGS(name), STR_ARGS(name));
    diagnostic_add(interpolation->diagnostics, "E0103", place, length, cure.ptr,
                   is_argument ? "argument %.*s is not given" : "variable %.*s is not set",
                   STR_ARGS(name));
}

static void complain_malformed(struct interpolation *interpolation, struct str inside)
{
    size_t place = 0, length = 0;
    variable_place(interpolation, inside, &place, &length);
    interpolation->token->is_bad = true;
    diagnostic_add(interpolation->diagnostics, "E0104", place, length,
                   "write ${NAME}, ${NAME:-default} or ${NAME:+text}; $${ stands for ${ itself",
                   "this ${..} is not understood");
}

// One variable: `inside` is what stands between the braces.
static void interpolate_variable(struct interpolation *interpolation, struct str inside,
                                 int nesting, struct buf *out)
{
    size_t len = name_length(inside);
    struct str name = str_slice(inside, 0, len), rest = str_slice(inside, len, inside.len);
    bool has_default = str_starts(rest, ":-"), has_text = str_starts(rest, ":+");
    if (len == 0 || (rest.len > 0 && !has_default && !has_text)) {
        complain_malformed(interpolation, inside);
        return;
    }
    struct str value = {0}, other = rest.len >= 2 ? str_slice(rest, 2, rest.len) : rest;
    bool is_set = variable_value(interpolation, name, &value);
    if (!is_set && rest.len == 0) {
        complain_not_set(interpolation, name);
        return;
    }
    if ((has_default && value.len == 0) || (has_text && value.len > 0)) {
        interpolate_text(interpolation, other, nesting + 1, out);
    } else if (!has_text) {
        buf_add_str(out, value);
        if (name_is_secret(name)) {
            interpolation->token->has_secret = true;
            diagnostics_add_secret(interpolation->diagnostics, value);
        }
    }
}

static void interpolate_text(struct interpolation *interpolation, struct str text, int nesting,
                             struct buf *out)
{
    if (nesting > NESTING_MAX) {
        complain_malformed(interpolation, text);
        return;
    }
    for (size_t at = 0; at < text.len;) {
        struct str rest = str_slice(text, at, text.len);
        if (str_starts(rest, "$${")) {
            buf_add_cstr(out, "${");
            at += 3;
        } else if (str_starts(rest, "${")) {
            size_t len = variable_end(rest);
            if (len == 0) {
                complain_malformed(interpolation, str_slice(rest, 2, rest.len));
                return;
            }
            interpolate_variable(interpolation, str_slice(rest, 2, len - 1), nesting, out);
            at += len;
        } else {
            buf_add_char(out, text.ptr[at++]);
        }
    }
}

// The value becomes the literal's content. Text values may hold anything but a zero byte or broken
// UTF-8, which neither SQL text nor a path can carry.
static void interpolate_literal(struct interpolation *interpolation)
{
    struct token *token = interpolation->token;
    AUTO(buf_clear) struct buf content = {0}, text = {0};
    interpolate_text(interpolation, token->content, 0, &content);
    token->content = arena_str(interpolation->arena, buf_str(&content));
    if (token->kind == TOKEN_NAME)
        buf_add_sql_name(&text, token->content);
    else
        buf_add_sql_string(&text, token->content);
    token->text = arena_str(interpolation->arena, buf_str(&text));
    token->is_replaced = true;
}

static void interpolate_bare(struct interpolation *interpolation, bool is_joined)
{
    struct token *token = interpolation->token;
    struct diagnostics *diagnostics = interpolation->diagnostics;
    AUTO(buf_clear) struct buf value = {0};
    interpolate_text(interpolation, token->content, 0, &value);
    struct str text = arena_str(interpolation->arena, buf_str(&value));
    token->kind = text_is_number(text) ? TOKEN_NUMBER : TOKEN_WORD;
    token->is_replaced = true;
    if (!token->is_bad && is_joined) {
        diagnostic_add(diagnostics, "E0106", token->at, token->len,
                       "put the whole word into a literal: 'prefix_${NAME}'",
                       "a ${..} outside a literal must stand alone");
        token->is_bad = true;
    } else if (!token->is_bad && token->kind == TOKEN_WORD && !text_is_word(text)) {
        diagnostic_add(diagnostics, "E0105", token->at, token->len,
                       "put quotes around it if it is meant as text: '${NAME}'",
                       "the value of %.*s outside a literal must be one number, identifier or "
                       "keyword, and is %s",
                       STR_ARGS(token->content), text.len == 0 ? "empty" : "more than that");
        token->is_bad = true;
    }
    if (token->is_bad)
        text = STR("NULL");
    token->content = text;
    // A space keeps a sign away from an operator before it: `x -${N}` must not become a comment.
    token->text =
        text.ptr[0] == '-' ? arena_print(interpolation->arena, " %.*s", STR_ARGS(text)) : text;
}

void tokens_interpolate(struct tokens *tokens, const struct variables *variables,
                        struct arena *arena, struct diagnostics *diagnostics)
{
    struct interpolation interpolation = {
        .variables = variables, .arena = arena, .diagnostics = diagnostics};
    for (size_t i = 0; i < tokens->len; i++) {
        struct token *token = &tokens->list[i];
        interpolation.token = token;
        bool is_literal = token->kind == TOKEN_STRING || token->kind == TOKEN_NAME;
        if (is_literal && memmem(token->content.ptr, token->content.len, "${", 2) != NULL)
            interpolate_literal(&interpolation);
        if (token->kind != TOKEN_VARIABLE)
            continue;
        const struct token *before = i > 0 ? token - 1 : NULL, *after = token + 1;
        bool is_joined =
            (token->touches && before->kind != TOKEN_SYMBOL) ||
            (after->touches && after->kind != TOKEN_SYMBOL && after->kind != TOKEN_END);
        interpolate_bare(&interpolation, is_joined);
    }
}
