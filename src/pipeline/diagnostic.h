// SPDX-License-Identifier: MIT
// Messages about the user's text: several in one go, each with file, line, column, the line itself
// with a caret, a stable code, and a cure. The catalogue (code -> title, page) is
// diagnostic_pages.c; `firesteel explain E0123` prints the page.
#ifndef FIRESTEEL_DIAGNOSTIC_H
#define FIRESTEEL_DIAGNOSTIC_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

struct diagnostic {
    bool is_warning;
    char code[8];    // "E0123" / "W0001"
    size_t place;    // byte offset into the user's file; SIZE_MAX: no place
    size_t length;   // of the underlined text, at least 1
    struct str text; // what is wrong
    struct str cure; // what to write instead; may be empty
};

struct diagnostics {
    struct arena *arena;
    const char *path;  // as the user gave it
    struct str source; // the user's file, unchanged
    struct diagnostic *list;
    size_t len, capacity;
    size_t errors;
    // Values that must not be shown, whoever's message they get into (DuckDB quotes literals).
    struct str *secrets;
    size_t secrets_len;
};

void diagnostics_init(struct diagnostics *diagnostics, struct arena *arena, const char *path,
                      struct str source);
// `cure` may be NULL.
void diagnostic_add(struct diagnostics *diagnostics, const char *code, size_t place, size_t length,
                    const char *cure, const char *format, ...) PRINTF(6, 7);
// Length of the word, number or quoted text at `place` of the user's file, at least 1.
size_t diagnostic_span(const struct diagnostics *diagnostics, size_t place);
void diagnostics_add_secret(struct diagnostics *diagnostics, struct str value);
void diagnostics_print(const struct diagnostics *diagnostics, bool colour, struct buf *out);
void diagnostics_print_json(const struct diagnostics *diagnostics, struct buf *out);
// First error as `struct error` (ERROR_USER), for callers that only pass failure on.
bool diagnostics_to_error(const struct diagnostics *diagnostics, struct error *err);
const char *diagnostic_page(const char *code); // NULL: no such code
void diagnostic_line_column(struct str source, size_t place, size_t *line, size_t *column);

#endif
