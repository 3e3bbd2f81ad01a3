// SPDX-License-Identifier: MIT
// A running pipeline: open it from a plan, step it (or let it run), ask how it is, close it. All
// calls from one thread, but job_request_stop and the progress functions.
#ifndef FIRESTEEL_JOB_H
#define FIRESTEEL_JOB_H

#include "base/clock.h"
#include "pipeline/plan.h"

struct job;

enum job_state {
    JOB_STARTING,
    JOB_RUNNING,
    JOB_IDLE,     // waiting for input
    JOB_DEGRADED, // an outside system is away; trying again
    JOB_STOPPING,
    JOB_DONE,
    JOB_FAILED,
};

struct job_options {
    enum execution execution;
    bool drain;   // once: the end of input is the end of time
    bool is_test; // ledger imbalance is an error; no reader threads; steps on demand
    const struct clock *clock;
    const char *drop_state; // comma list of objects whose old state may be dropped; NULL: none
    bool replay;            // quarantine goes through again
};

struct job *job_open(const struct plan *plan, const struct job_options *options, struct error *err);
// Until the input ends (once, batch) or a stop is requested. Commits, delivers, closes windows.
MUST_USE bool job_run(struct job *job, struct error *err);
void job_request_stop(struct job *job); // from a signal handler or another thread
void job_close(struct job *job); // NULL allowed; never commits: what is not committed is redone

// For tests, one thing at a time (options.is_test): take what the sources have now as one trigger,
// close windows, commit. *rows: rows taken.
MUST_USE bool job_step(struct job *job, int64_t *rows, struct error *err);
// Moves the watermark of every source to at least this event time, as if later rows had come.
MUST_USE bool job_advance_time(struct job *job, int64_t event_time_us, struct error *err);
MUST_USE bool job_commit(struct job *job, struct error *err); // and waits for deliveries

// ---- How it is (any thread; values are of the last trigger)
// --------------------------------------
struct job_progress {
    enum job_state state;
    uint64_t epoch;
    int64_t rows_total, rows_per_second;
    int64_t watermark_us; // TIME_MIN_US: none yet
    int64_t lag_us;       // wall clock - watermark
    int64_t state_rows, state_bytes;
    double latency_p50_ms, latency_p99_ms; // arrival to commit
    int64_t commit_us;                     // wall clock of this run's newest commit; 0: none yet
    int64_t frame_us;                      // how long its frame took to be durable
};
void job_progress(struct job *job, struct job_progress *progress);
// By stage (engine/measures.h) since the start of the run, by relation as of the last commit.
int64_t job_stage_us(const struct job *job, int stage);
bool relation_keeps_state(const struct relation *relation);
int64_t job_state_bytes(const struct job *job, size_t relation);
// How far the source's positions are behind the ends of its logs, in `unit` ("records", "bytes").
// False: the connector does not know.
bool job_source_lag(struct job *job, size_t source, const char **unit, int64_t *lag);
int64_t job_source_bytes(const struct job *job, size_t source); // payload of this run
// Rows decided for a sink since the checkpoint's creation; or those of them that it confirmed, as
// of the last commit.
int64_t job_sink_rows(const struct job *job, size_t sink, bool only_delivered);
void job_print_progress_json(struct job *job,
                             struct buf *out);           // Spark's StreamingQueryProgress names
void job_print_ledger(struct job *job, struct buf *out); // table for people
void job_print_ledger_json(struct job *job, struct buf *out);
// Value of one ledger term ("rows_in", "late", "rejected.has_id" ..) of a relation, view or sink.
bool job_ledger_value(struct job *job, struct str relation, struct str term, int64_t *value);
bool job_is_ready(struct job *job, struct buf *reason); // /readyz: false names the check that fails

#endif
