// SPDX-License-Identifier: MIT
// Does a checkpoint fit a plan? Two fingerprints (plan_fingerprint) are compared object by object,
// and what differs is said in words. Pure text: `plan` and recovery give the same answer.
#ifndef FIRESTEEL_FIT_H
#define FIRESTEEL_FIT_H

#include "base/buf.h"

enum fit {
    FIT_SAME,    // its state goes on
    FIT_CHANGED, // refused, unless its state is given up
    FIT_NEW,     // begins empty
    FIT_GONE,    // was in the checkpoint, is not in the plan: its state is forgotten
};

// `name` is what --drop-state takes; `title` says the same for people ("source events"); `what`:
// FIT_CHANGED: "window 1 minute -> 5 minutes; ..", else empty. All are borrowed for the call.
typedef void (*fit_visit)(void *context, enum fit fit, struct str name, struct str title,
                          struct str what);
// Objects of the plan in its order, then those that are gone.
void fit_compare(struct str stored, struct str own, fit_visit visit, void *context);

#endif
