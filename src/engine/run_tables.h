// SPDX-License-Identifier: MIT
// What a run says about itself: the ledger as tables, and the pipeline's REPORT and CREATE METRIC
// over them.
//   ledger (relation, kind source|view|sink, rows_in, passed, filtered, duplicate, late,
//           undecodable, rejected, warned, in_state, rows_out, lag): lag of a source in its own
//           unit (Kafka: records, files: bytes), NULL where none is known
//   ledger_rejections (relation, reason, rows, violations): rows count under the first constraint
//           they violate, violations count each (batch on tables; else equal to rows); reason
//           'undecodable' for rows that did not decode
//   run (pipeline, started, seconds, status 1 ok | 0 failed, quality, error): quality is the share
//           of the rows read that were neither undecodable nor refused nor duplicates; NULL when
//           nothing was read
#ifndef FIRESTEEL_RUN_TABLES_H
#define FIRESTEEL_RUN_TABLES_H

#include "engine/job.h"

struct run_outcome {
    int64_t started_us; // wall clock
    double seconds;
    bool is_ok;
    const char *error; // "" when ok
};

struct metric_sample {
    const struct plan_metric *metric;
    struct str labels; // as between the braces, escaped; may be empty
    double value;
};

struct run_tables; // heap object
// job NULL: the run did not even begin; the ledger is empty then, as it is when it failed.
struct run_tables *run_tables_open(const struct plan *plan, struct job *job,
                                   const struct run_outcome *outcome, struct error *err);
void run_tables_close(struct run_tables *tables);           // NULL allowed
double run_tables_quality(const struct run_tables *tables); // -1: nothing was read
// The texts of all REPORT ON STDOUT, or STDERR.
MUST_USE bool run_tables_report(struct run_tables *tables, bool is_stderr, struct buf *out,
                                struct error *err);
// In `arena`.
MUST_USE bool run_tables_metrics(struct run_tables *tables, struct arena *arena,
                                 struct metric_sample **samples, size_t *len, struct error *err);

#endif
