// SPDX-License-Identifier: MIT
// The pipeline file as tokens. The scanner knows comments, literals and where a statement ends, and
// nothing of what words mean. A token's place always points into the user's file; its text is what
// counts after interpolation (interpolate.c), which may differ.
#ifndef FIRESTEEL_SCANNER_H
#define FIRESTEEL_SCANNER_H

#include "pipeline/statement.h"

enum token_kind {
    TOKEN_WORD,   // identifier or keyword, not quoted
    TOKEN_NAME,   // "quoted identifier"
    TOKEN_STRING, // '..', E'..', $$..$$
    TOKEN_NUMBER,
    TOKEN_VARIABLE, // ${..} outside a literal; interpolation turns it into another kind
    TOKEN_SYMBOL,   // one character
    TOKEN_BROKEN,   // a literal or comment without an end (already reported)
    TOKEN_END,      // always last
};

struct token {
    enum token_kind kind;
    bool touches;       // no space before it
    bool is_replaced;   // interpolation changed text
    bool is_bad;        // a variable in it has no value (already reported)
    bool has_secret;    // a variable whose name says secret went into it
    size_t at, len;     // in the user's file
    struct str text;    // as SQL
    struct str content; // TOKEN_STRING, TOKEN_NAME: without quotes, escapes resolved
};

struct tokens {
    struct token *list; // ends with TOKEN_END
    size_t len;         // with it
};

void tokens_scan(struct str source, struct arena *arena, struct diagnostics *diagnostics,
                 struct tokens *tokens);
// Gives every ${..} its value, in place.
void tokens_interpolate(struct tokens *tokens, const struct variables *variables,
                        struct arena *arena, struct diagnostics *diagnostics);
bool token_is(const struct token *token, const char *word); // unquoted word or symbol, any case
// Tokens from..to as one SQL text, spaces and comments as the user wrote them.
struct sql_text tokens_sql(struct str source, const struct token *from, const struct token *to,
                           struct arena *arena);
// Words a value may be when it stands outside a literal: one number, identifier or keyword.
bool text_is_number(struct str text);
bool text_is_word(struct str text);

#endif
