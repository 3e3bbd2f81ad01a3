// SPDX-License-Identifier: MIT
// `firesteel state adopt`: the user accepts a sink that does not fit the checkpoint, which a start
// refuses with exit 4. Two cases: the sink is of another checkpoint (this one was begun anew), or
// it is ahead of this one (an older copy was put back). Nothing at the sink is changed or removed;
// the checkpoint goes on with epochs the sink has not seen, so no name and no token is used twice.
// Rows that are read again are there a second time: that is what is accepted, and it is said.
#ifndef FIRESTEEL_ADOPT_H
#define FIRESTEEL_ADOPT_H

#include "pipeline/plan.h"

// Takes the checkpoint's lock. `report`: in words, what was accepted.
MUST_USE bool adopt_sinks(const struct plan *plan, struct buf *report, struct error *err);

#endif
