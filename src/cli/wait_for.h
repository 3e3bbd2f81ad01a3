// SPDX-License-Identifier: MIT
// `run --wait-for 'kafka,postgres'`: a start that waits for the systems it will need, so that a
// container needs no waiting script.
#ifndef FIRESTEEL_WAIT_FOR_H
#define FIRESTEEL_WAIT_FOR_H

#include "pipeline/plan.h"

struct wait_options {
    const char *systems; // connectors, separated by commas; in this order
    int64_t tries;       // for each
    int64_t every_us;    // from one try to the next
    bool (*is_stopped)(void);
};

// Tries to connect (TCP) to the addresses that the enabled sources and sinks of these connectors
// name. ERROR_USER with EXIT_USAGE: the pipeline uses no such system. ERROR_RETRY (75): one is not
// there. True also when it was stopped meanwhile.
MUST_USE bool wait_for_systems(const struct plan *plan, const struct wait_options *options,
                               struct error *err);

#endif
