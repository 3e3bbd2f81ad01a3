// SPDX-License-Identifier: MIT
// One statement being read: a cursor over its tokens, which ends at `;`. Shared by the files that
// each know one part of the grammar (statement*.c). Every function that reads gives false after it
// added a diagnostic; the statement is then broken and reading goes on with the next one.
#ifndef FIRESTEEL_PARSER_H
#define FIRESTEEL_PARSER_H

#include "pipeline/scanner.h"

struct parser {
    struct str source;
    const struct token *at;
    const struct token *end; // `;`, TOKEN_END or TOKEN_BROKEN
    struct arena *arena;
    struct diagnostics *diagnostics;
};

bool parser_fail(struct parser *parser, const char *code, const struct token *token,
                 const char *cure, const char *format, ...) PRINTF(5, 6);
// "expected X, found Y" at the cursor.
bool parser_fail_expected(struct parser *parser, const char *expected, const char *cure);
bool parser_is(const struct parser *parser, const char *word); // at the cursor
bool parser_is_ahead(const struct parser *parser, size_t ahead, const char *word);
bool parser_accept(struct parser *parser, const char *word); // and goes on
MUST_USE bool parser_expect(struct parser *parser, const char *word, const char *cure);
// A plain or quoted name.
MUST_USE bool parser_name(struct parser *parser, const char *what, struct str *name, size_t *place);
// From the ( at the cursor to its ): *inside is what stands between; the cursor then stands behind.
MUST_USE bool parser_parentheses(struct parser *parser, struct sql_text *inside);
const struct token *parser_closing(const struct parser *parser, const struct token *open);
MUST_USE bool parser_string(struct parser *parser, const char *what, struct str *content,
                            size_t *place);
// INTERVAL '10 minutes' -> 10 minutes; also INTERVAL 10 MINUTES, INTERVAL '10' MINUTE.
MUST_USE bool parser_interval(struct parser *parser, const char *what, struct str *content);
MUST_USE bool parser_option_value(struct parser *parser, struct option_text *option);
MUST_USE bool parser_options(struct parser *parser, struct statement *statement); // ( a = b, .. )
MUST_USE bool parser_constraint(struct parser *parser, struct constraint_text *constraint);
// Constraint lists and column lists grow; gives room for one more of `size` bytes.
void *parser_append(struct parser *parser, void *list, size_t len, size_t size);
// The nearest of words when the cursor's word looks like a slip of it, as a whole sentence, or
// NULL.
const char *parser_nearest(struct parser *parser, const struct token *token,
                           const char *const *words, size_t words_len);

bool parse_source(struct parser *parser, struct statement *statement);
bool parse_sink(struct parser *parser, struct statement *statement);
// REPORT from its first word; the others behind their name.
bool parse_report(struct parser *parser, struct statement *statement);
bool parse_metric(struct parser *parser, struct statement *statement);
bool parse_schedule(struct parser *parser, struct statement *statement);
// AS SELECT .. up to the end of the statement.
MUST_USE bool parse_body(struct parser *parser, struct statement *statement);
// Forms of other systems and of later versions. True when it was one (and was reported).
bool refuse_statement(struct parser *parser);
bool refuse_clause(struct parser *parser, const struct statement *statement);

#endif
