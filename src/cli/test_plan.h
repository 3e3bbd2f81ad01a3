// SPDX-License-Identifier: MIT
// The plan of a pipeline under test: sources and sinks replaced by connector 'memory'.
#ifndef FIRESTEEL_TEST_PLAN_H
#define FIRESTEEL_TEST_PLAN_H

#include "cli/test_file.h"
#include "pipeline/plan.h"

// NULL with the messages in `errors`. Lives in the arena.
const struct plan *test_plan_build(const struct plan_request *request, const struct step *sets,
                                   size_t sets_len, struct arena *arena, struct buf *errors);
// A copy that keeps its checkpoint in the folder and is strict about the ledger.
const struct plan *test_plan_place(const struct plan *plan, const char *checkpoint,
                                   struct arena *arena);

#endif
