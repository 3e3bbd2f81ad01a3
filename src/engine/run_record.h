// SPDX-License-Identifier: MIT
// Run records: <checkpoint>/runs/<start>.json, one for each run that ends. Counters accumulate from
// record to record, so the newest one is all that is needed to serve a short job's figures after it
// ended.
#ifndef FIRESTEEL_RUN_RECORD_H
#define FIRESTEEL_RUN_RECORD_H

#include "engine/run_tables.h"

// Writes the record of this run. `tables` as filled for the outcome.
MUST_USE bool run_record_write(const struct plan *plan, struct job *job,
                               const struct run_outcome *outcome, struct run_tables *tables,
                               struct error *err);
// Puts the samples of the newest record below this checkpoint folder into the process's metrics.
// *found: there is a record.
MUST_USE bool run_record_export(const char *checkpoint, bool *found, struct error *err);

#endif
