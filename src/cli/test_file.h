// SPDX-License-Identifier: MIT
// A .test.sql file as tests made of steps, with places into the file. Nothing is run here; what the
// names in it mean (sources, sinks, relations) is looked up when a step is done.
#ifndef FIRESTEEL_TEST_FILE_H
#define FIRESTEEL_TEST_FILE_H

#include "pipeline/statement.h"

enum step_kind {
    STEP_SET,           // SET name = value
    STEP_INSERT_VALUES, // INSERT INTO source [PARTITION n] VALUES (..), (..)
    STEP_INSERT_FROM,   // INSERT INTO source [PARTITION n] FROM 'fixture.jsonl'
    STEP_ADVANCE_TIME,  // ADVANCE TIME TO TIMESTAMP '..'
    STEP_ADVANCE_CLOCK, // ADVANCE CLOCK BY INTERVAL '..'
    STEP_EXPECT_ROWS,   // EXPECT sink ROWS [(columns)] VALUES (..), (..); EMPTY is no rows
    STEP_EXPECT_LEDGER, // EXPECT LEDGER relation (term => n, ..)
    STEP_EXPECT_ERROR,  // EXPECT ERROR 'part of the text'
};

struct step_term {
    struct str name;
    int64_t value;
};

struct step {
    enum step_kind kind;
    size_t line;
    struct str name;  // source, sink, relation, setting
    struct str value; // setting's value, fixture's path, error text
    uint32_t partition;
    int64_t time_us;  // ADVANCE: event time, or how far
    struct str *rows; // VALUES: SQL inside each pair of parentheses
    size_t rows_len;
    struct str *columns; // EXPECT ROWS: none given = all of the sink
    size_t columns_len;
    struct step_term *terms;
    size_t terms_len;
};

struct test {
    struct str name;
    size_t line;
    bool without_crash; // TEST 'name' WITHOUT CRASH: what it shows is not to outlive a crash
    struct step *steps;
    size_t steps_len;
};

struct test_file {
    const char *path;
    struct test *tests;
    size_t tests_len;
};

// False with every mistake in `diagnostics` (which knows the file's text).
MUST_USE bool test_file_parse(const char *path, const struct variables *variables,
                              struct arena *arena, struct diagnostics *diagnostics,
                              struct test_file *file);

#endif
