// SPDX-License-Identifier: MIT
// What follows a run that ends: reports, the run record, the quality gate. And, for a stream, the
// pipeline's own metrics while it runs.
#ifndef FIRESTEEL_RUN_END_H
#define FIRESTEEL_RUN_END_H

#include "engine/job.h"

struct run_end {
    const struct plan *plan;
    double min_quality; // percent; 0: none
    int64_t started_us; // wall clock
    int64_t begin_us;   // monotonic
};
void run_end_begin(struct run_end *end, const struct plan *plan, double min_quality);
// job NULL: it could not be opened. was_ok and err: how the run went. False: the command fails with
// err.
MUST_USE bool run_end(struct run_end *end, struct job *job, bool was_ok, struct error *err);
// Called each second by the watcher of a run; does something every few calls.
void run_metrics_export(const struct plan *plan, struct job *job);

#endif
