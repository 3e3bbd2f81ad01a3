// SPDX-License-Identifier: MIT
// The pipeline file as statements: what the user wrote, interpolated, with places into the user's
// text. Everything our own grammar covers is taken apart; each SELECT body stays text for DuckDB's
// parser (view.c). The scanner splits; no meaning is decided here.
#ifndef FIRESTEEL_STATEMENT_H
#define FIRESTEEL_STATEMENT_H

#include "base/option.h"
#include "pipeline/diagnostic.h"

// Text whose bytes came from the user's file, with interpolation done inside literals. Since
// interpolation changes lengths, map_place turns an offset of `text` into one of the user's file.
struct sql_text {
    struct str text;
    const struct place_step *steps; // ascending `at`; between steps offsets run in parallel
    size_t steps_len;
    size_t place; // where the text begins in the user's file
};
struct place_step {
    size_t at;    // offset in `text`
    size_t place; // offset in the user's file
};
size_t map_place(const struct sql_text *sql, size_t offset);

// A value of an option or SET: a literal (value set) or an expression in parentheses.
struct option_text {
    struct str name;
    size_t name_place;
    bool is_expression;
    struct sql_text expression; // when is_expression
    struct str value;           // literal content: '..' unquoted, numbers and words as written,
                                // INTERVAL '10 minutes' as 10 minutes
    size_t value_place;
    bool has_secret; // a variable of secret kind went into it
};

enum violation { VIOLATION_WARN, VIOLATION_DROP, VIOLATION_QUARANTINE, VIOLATION_FAIL };

struct constraint_text {
    struct str name;
    size_t place;
    struct sql_text condition; // inside the EXPECT parentheses
    enum violation violation;
};

struct column_text {
    struct str name;
    size_t place;
    struct str type; // "STRUCT(latitude DOUBLE, ..)" as written
    size_t type_place;
    enum { COLUMN_FIELD, COLUMN_COMPUTED, COLUMN_METADATA } kind;
    struct str path; // FROM '..': default the column's own name; METADATA FROM '..'
    size_t path_place;
    struct sql_text expression; // AS (..)
    struct str time_format;     // column option FORMAT 'unix_ms' | 'unix_s' | 'unix_us', or empty
    bool has_path;
};

struct watermark_text {
    bool is_given;
    size_t place;
    struct str column;
    struct str delay;        // interval text, "10 minutes"; empty: zero
    struct str idle_timeout; // empty: none given
};

enum statement_kind {
    STATEMENT_SET,
    STATEMENT_SOURCE,
    STATEMENT_VIEW,
    STATEMENT_TABLE,
    STATEMENT_MACRO, // CREATE MACRO / CREATE TYPE: passed on whole in `body`
    STATEMENT_SINK,
    STATEMENT_REPORT,   // REPORT ON ..: no name
    STATEMENT_METRIC,   // names of metrics are not names of relations
    STATEMENT_SCHEDULE, // nor are those of schedules
};
// Does the statement define a name that SELECTs may use?
static inline bool statement_has_rows(enum statement_kind kind)
{
    return kind != STATEMENT_SET && kind != STATEMENT_MACRO && kind < STATEMENT_REPORT;
}
enum emit_kind { EMIT_DEFAULT, EMIT_WINDOW_CLOSE, EMIT_CHANGES };

struct statement {
    enum statement_kind kind;
    bool is_broken; // kind and name are known, the rest was not understood (reported): the name
                    // counts as defined, nothing is built from it
    size_t place;   // of the first word
    struct str name;
    size_t name_place;
    struct option_text *options; // WITH (..); SET: one, with the setting's name
    size_t options_len;
    struct column_text *columns;
    size_t columns_len;
    struct constraint_text *constraints; // source, view
    size_t constraints_len;
    struct watermark_text watermark;
    struct str late_into; // empty: none
    size_t late_place;
    enum emit_kind emit;
    struct str emit_every; // interval text
    size_t emit_place;
    bool has_body;        // AS SELECT ..
    struct sql_text body; // SELECT text without the statement around it
    struct str from;      // CREATE SINK .. FROM view
    size_t from_place;
    struct str text; // REPORT: TEMPLATE; METRIC: HELP; SCHEDULE: RUN 'file'
    size_t text_place;
    bool has_text;
    bool is_stderr;         // REPORT
    bool is_counter;        // METRIC
    struct str every, cron; // SCHEDULE: one of them
};

// -D NAME=value first, then the environment; ${1}.. are the words after `--`.
struct variables {
    const struct str *names, *values;
    size_t len;
    const struct str *arguments;
    size_t arguments_len;
    bool use_environment;
};

// All statements that can be understood, with every mistake found on the way in `diagnostics`
// (a mistake skips to the next statement). Pure: no I/O but getenv through `variables`.
void statements_parse(struct str source, const struct variables *variables, struct arena *arena,
                      struct diagnostics *diagnostics, struct statement **statements, size_t *len);

#endif
