// SPDX-License-Identifier: MIT
// A failure, and who must act on it. Functions that can fail return bool (or a pointer) and take
// `struct error *err` last. Errors are returned or handled, never both; only the handler logs.
// Text: lower case, no full stop; what was tried, with which value, and the next step.
#ifndef FIRESTEEL_ERROR_H
#define FIRESTEEL_ERROR_H

#include "base/str.h"

enum error_kind {
    ERROR_NONE,
    ERROR_USER,  // the pipeline text or an option is wrong: exit 78, or 2 for the command line
    ERROR_DATA,  // a row is refused: quarantine, or stop naming row and column
    ERROR_RETRY, // an outside system is not to be had now: back off and try again; exit 75
    ERROR_FATAL, // exit; the next start recovers
};

// Exit codes of the program (docs/sql.md lists them).
enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_QUALITY = 3,  // a quality gate failed
    EXIT_REFUSED = 4,  // data would be lost or doubled
    EXIT_LATER = 75,   // outside system or lock not to be had
    EXIT_PIPELINE = 78 // pipeline file or option is wrong
};

#define ERROR_TEXT_MAX 2048

struct error {
    enum error_kind kind;
    int exit_code; // 0: by kind
    char code[8];  // "E0123", or empty
    char text[ERROR_TEXT_MAX];
};

// Fills err and returns false, so that a caller can write: return error_set(err, ERROR_RETRY,
// "..");
bool error_set(struct error *err, enum error_kind kind, const char *format, ...) PRINTF(3, 4);
// The same with a process exit code other than the kind's own (EXIT_REFUSED, EXIT_QUALITY ..).
bool error_set_exit(struct error *err, enum error_kind kind, int exit_code, const char *format, ...)
    PRINTF(4, 5);
bool error_set_code(struct error *err, enum error_kind kind, const char *code, const char *format,
                    ...) PRINTF(4, 5);
// Puts "context: " in front of the text. Returns false.
bool error_wrap(struct error *err, const char *format, ...) PRINTF(2, 3);
// With errno's text at the end. EIO on a durable write is FATAL; the caller chooses the kind.
bool error_set_errno(struct error *err, enum error_kind kind, int number, const char *format, ...)
    PRINTF(4, 5);
void error_clear(struct error *err);
int error_exit_code(const struct error *err);

#endif
