// SPDX-License-Identifier: MIT
// What a sink got against what a test expects: multisets of typed rows.
#ifndef FIRESTEEL_TEST_ROWS_H
#define FIRESTEEL_TEST_ROWS_H

#include "cli/test_file.h"
#include "pipeline/plan.h"

// The sink is the memory instance of its name. False: *is_same tells nothing, err says why the
// expectation cannot be evaluated. A difference goes to `diff`, lines of "- (missing)", "+
// (extra)".
MUST_USE bool test_rows_compare(struct connection *connection, const struct plan *plan,
                                const struct step *step, struct buf *diff, bool *is_same,
                                struct error *err);

#endif
