// SPDX-License-Identifier: MIT
// Splitting text into tokens. One pass, no backtracking, every byte belongs to a token or to the
// gap between two. Rules follow DuckDB's own scanner where they can be told apart: block comments
// nest, E'..' has backslash escapes, $tag$..$tag$ quotes everything, "" and '' double their quote.
#include "pipeline/scanner.h"

#include <string.h>

struct scanner {
    struct str source;
    size_t at;
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct token *list;
    size_t len, capacity;
};

static bool is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_part(char c)
{
    return is_word_start(c) || is_digit(c) || c == '$';
}

static char peek(const struct scanner *scanner, size_t ahead)
{
    size_t at = scanner->at + ahead;
    return at < scanner->source.len ? scanner->source.ptr[at] : '\0';
}

static struct token *token_add(struct scanner *scanner, enum token_kind kind, size_t at, size_t len)
{
    if (scanner->len == scanner->capacity) {
        size_t capacity = scanner->capacity == 0 ? 256 : scanner->capacity * 2;
        struct token *list = ARENA_ARRAY(scanner->arena, struct token, capacity);
        if (scanner->len > 0)
            memcpy(list, scanner->list, scanner->len * sizeof(*list));
        scanner->list = list;
        scanner->capacity = capacity;
    }
    struct token *token = &scanner->list[scanner->len++];
    *token = (struct token){.kind = kind, .at = at, .len = len};
    token->text = str_slice(scanner->source, at, at + len);
    token->content = token->text;
    if (scanner->len > 1) {
        const struct token *before = token - 1;
        token->touches = before->at + before->len == at;
    }
    return token;
}

// What never ends swallows the rest of the file: one message, and a token that says so.
static void token_broken(struct scanner *scanner, size_t at, const char *what, const char *cure)
{
    diagnostic_add(scanner->diagnostics, "E0101", at, 1, cure, "%s has no end", what);
    token_add(scanner, TOKEN_BROKEN, at, scanner->source.len - at);
    scanner->at = scanner->source.len;
}

static void skip_block_comment(struct scanner *scanner)
{
    size_t begin = scanner->at, depth = 0;
    while (scanner->at < scanner->source.len) {
        if (peek(scanner, 0) == '/' && peek(scanner, 1) == '*') {
            depth++;
            scanner->at += 2;
        } else if (peek(scanner, 0) == '*' && peek(scanner, 1) == '/') {
            scanner->at += 2;
            if (--depth == 0)
                return;
        } else {
            scanner->at++;
        }
    }
    token_broken(scanner, begin, "this comment", "close it with */; block comments nest");
}

static void skip_space(struct scanner *scanner)
{
    for (;;) {
        char c = peek(scanner, 0);
        if (scanner->at >= scanner->source.len)
            return;
        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            scanner->at++;
        } else if (c == '-' && peek(scanner, 1) == '-') {
            while (scanner->at < scanner->source.len && peek(scanner, 0) != '\n')
                scanner->at++;
        } else if (c == '/' && peek(scanner, 1) == '*') {
            skip_block_comment(scanner);
        } else {
            return;
        }
    }
}

// 'text' or "name"; a doubled quote stands for one. prefix: bytes before the quote (1 for E'..').
static void scan_quoted(struct scanner *scanner, size_t prefix, bool has_escapes)
{
    size_t begin = scanner->at;
    char quote = peek(scanner, prefix);
    scanner->at += prefix + 1;
    AUTO(buf_clear) struct buf content = {0};
    while (scanner->at < scanner->source.len) {
        char c = peek(scanner, 0);
        if (c == quote && peek(scanner, 1) == quote) {
            scanner->at++;
        } else if (c == quote) {
            scanner->at++;
            enum token_kind kind = quote == '"' ? TOKEN_NAME : TOKEN_STRING;
            struct token *token = token_add(scanner, kind, begin, scanner->at - begin);
            token->content = arena_str(scanner->arena, buf_str(&content));
            return;
        } else if (has_escapes && c == '\\' && scanner->at + 1 < scanner->source.len) {
            scanner->at++;
            c = peek(scanner, 0);
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
        }
        buf_add_char(&content, c);
        scanner->at++;
    }
    token_broken(scanner, begin, quote == '"' ? "this quoted name" : "this text literal",
                 quote == '"' ? "close it with \""
                              : "close it with '; a quote inside is written ''");
}

// $tag$ .. $tag$. False when this is not one.
static bool scan_dollar_quoted(struct scanner *scanner)
{
    size_t begin = scanner->at, tag_end = begin + 1;
    struct str source = scanner->source;
    while (tag_end < source.len && source.ptr[tag_end] != '$' && is_word_part(source.ptr[tag_end]))
        tag_end++;
    if (tag_end >= source.len || source.ptr[tag_end] != '$' || is_digit(source.ptr[begin + 1]))
        return false;
    size_t tag_len = tag_end + 1 - begin;
    const char *rest = source.ptr + begin + tag_len;
    const char *end = memmem(rest, source.len - begin - tag_len, source.ptr + begin, tag_len);
    if (end == NULL) {
        token_broken(scanner, begin, "this dollar-quoted text", "close it with the same $tag$");
        return true;
    }
    scanner->at = (size_t)(end - source.ptr) + tag_len;
    struct token *token = token_add(scanner, TOKEN_STRING, begin, scanner->at - begin);
    token->content = (struct str){rest, (size_t)(end - rest)};
    return true;
}

// ${..} with braces inside counted, so that defaults may hold variables.
static void scan_variable(struct scanner *scanner)
{
    size_t begin = scanner->at, depth = 0;
    while (scanner->at < scanner->source.len && peek(scanner, 0) != '\n') {
        char c = peek(scanner, 0);
        scanner->at++;
        if (c == '{')
            depth++;
        if (c == '}' && --depth == 0) {
            token_add(scanner, TOKEN_VARIABLE, begin, scanner->at - begin);
            return;
        }
    }
    token_broken(scanner, begin, "this ${..}", "close it with } on the same line");
}

static void scan_number(struct scanner *scanner)
{
    size_t begin = scanner->at;
    while (is_digit(peek(scanner, 0)) || peek(scanner, 0) == '_')
        scanner->at++;
    if (peek(scanner, 0) == '.') {
        scanner->at++;
        while (is_digit(peek(scanner, 0)) || peek(scanner, 0) == '_')
            scanner->at++;
    }
    char sign = peek(scanner, 1);
    bool is_signed = sign == '+' || sign == '-';
    if ((peek(scanner, 0) | 0x20) == 'e' && is_digit(peek(scanner, is_signed ? 2 : 1))) {
        scanner->at += is_signed ? 2 : 1;
        while (is_digit(peek(scanner, 0)))
            scanner->at++;
    }
    token_add(scanner, TOKEN_NUMBER, begin, scanner->at - begin);
}

static void scan_token(struct scanner *scanner)
{
    size_t begin = scanner->at;
    char c = peek(scanner, 0);
    if (c == '\'' || c == '"') {
        scan_quoted(scanner, 0, false);
    } else if ((c == 'e' || c == 'E') && peek(scanner, 1) == '\'') {
        scan_quoted(scanner, 1, true);
    } else if (c == '$' && peek(scanner, 1) == '{') {
        scan_variable(scanner);
    } else if (c == '$' && scan_dollar_quoted(scanner)) {
        return;
    } else if (is_digit(c) || (c == '.' && is_digit(peek(scanner, 1)))) {
        scan_number(scanner);
    } else if (is_word_start(c)) {
        // A word stops before ${, which is never part of one.
        while (is_word_part(peek(scanner, 0)) &&
               !(peek(scanner, 0) == '$' && peek(scanner, 1) == '{'))
            scanner->at++;
        token_add(scanner, TOKEN_WORD, begin, scanner->at - begin);
    } else {
        scanner->at++;
        token_add(scanner, TOKEN_SYMBOL, begin, 1);
    }
}

// Length of the UTF-8 character at `at`, or 0 when the bytes are not one.
static size_t character_length(struct str s, size_t at)
{
    unsigned char lead = (unsigned char)s.ptr[at];
    size_t len = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : (lead & 0xf0) == 0xe0 ? 3 : 4;
    if (lead == 0 || (lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || at + len > s.len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if (((unsigned char)s.ptr[at + i] & 0xc0) != 0x80)
            return 0;
    unsigned char second = len > 1 ? (unsigned char)s.ptr[at + 1] : 0;
    bool is_overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
    bool is_outside = (lead == 0xed && second > 0x9f) || (lead == 0xf4 && second > 0x8f);
    return is_overlong || is_outside ? 0 : len;
}

static bool source_is_text(struct scanner *scanner)
{
    for (size_t at = 0; at < scanner->source.len;) {
        size_t len = character_length(scanner->source, at);
        if (len == 0) {
            diagnostic_add(scanner->diagnostics, "E0102", at, 1, "save the file as UTF-8",
                           "byte 0x%02x is not text", (unsigned char)scanner->source.ptr[at]);
            return false;
        }
        at += len;
    }
    return true;
}

void tokens_scan(struct str source, struct arena *arena, struct diagnostics *diagnostics,
                 struct tokens *tokens)
{
    struct scanner scanner = {.source = source, .arena = arena, .diagnostics = diagnostics};
    if (str_starts(source, "\xef\xbb\xbf"))
        scanner.at = 3; // byte order mark
    if (!source_is_text(&scanner))
        scanner.at = source.len;
    for (;;) {
        skip_space(&scanner);
        if (scanner.at >= source.len)
            break;
        scan_token(&scanner);
    }
    token_add(&scanner, TOKEN_END, source.len, 0);
    tokens->list = scanner.list;
    tokens->len = scanner.len;
}

bool token_is(const struct token *token, const char *word)
{
    if (token->kind != TOKEN_WORD && token->kind != TOKEN_SYMBOL)
        return false;
    return str_equal_nocase(token->text, str_of(word));
}

bool text_is_number(struct str text)
{
    double value = 0;
    if (text.len == 0 || text.len > 64)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!is_digit(text.ptr[i]) && strchr("+-.eE", text.ptr[i]) == NULL)
            return false;
    return str_parse_double(text, &value);
}

bool text_is_word(struct str text)
{
    if (text.len == 0 || !is_word_start(text.ptr[0]))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!is_word_part(text.ptr[i]) || character_length(text, i) == 0)
            if (((unsigned char)text.ptr[i] & 0xc0) != 0x80)
                return false;
    return true;
}

static void step_add(struct place_step *steps, size_t *len, size_t at, size_t place)
{
    if (*len > 0 && steps[*len - 1].at == at)
        (*len)--;
    steps[(*len)++] = (struct place_step){.at = at, .place = place};
}

struct sql_text tokens_sql(struct str source, const struct token *from, const struct token *to,
                           struct arena *arena)
{
    struct sql_text sql = {.place = from->at};
    if (from >= to)
        return sql;
    size_t replaced = 0;
    for (const struct token *token = from; token < to; token++)
        replaced += token->is_replaced;
    struct place_step *steps = ARENA_ARRAY(arena, struct place_step, 2 * replaced + 1);
    size_t steps_len = 0, copied = from->at;
    AUTO(buf_clear) struct buf text = {0};
    step_add(steps, &steps_len, 0, from->at);
    for (const struct token *token = from; token < to; token++) {
        if (!token->is_replaced)
            continue;
        buf_add(&text, source.ptr + copied, token->at - copied);
        step_add(steps, &steps_len, text.len, token->at);
        buf_add_str(&text, token->text);
        copied = token->at + token->len;
        step_add(steps, &steps_len, text.len, copied);
    }
    size_t end = (to - 1)->at + (to - 1)->len;
    buf_add(&text, source.ptr + copied, end - copied);
    sql.text = arena_str(arena, buf_str(&text));
    sql.steps = steps;
    sql.steps_len = steps_len;
    return sql;
}

size_t map_place(const struct sql_text *sql, size_t offset)
{
    size_t place = sql->place + offset;
    for (size_t i = 0; i < sql->steps_len && sql->steps[i].at <= offset; i++) {
        place = sql->steps[i].place + (offset - sql->steps[i].at);
        if (i + 1 < sql->steps_len && place > sql->steps[i + 1].place)
            place = sql->steps[i + 1].place;
    }
    return place;
}
