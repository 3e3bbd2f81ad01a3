// SPDX-License-Identifier: MIT
// Runs that happen again and again, each in a process of its own: `run --every` has one, `serve`
// all schedules of a folder. Between runs the figures of the run records are served.
#ifndef FIRESTEEL_SCHEDULE_H
#define FIRESTEEL_SCHEDULE_H

#include "cli/load_plan.h"

struct schedule {
    const char *name;        // for the log
    const char *const *argv; // of the child, NULL at the end; argv[0] is ignored
    const char *checkpoint;  // whose runs/ holds the records
    int64_t every_us;        // 0: cron
    const char *cron;
    int64_t retries;
    bool runs_at_start;
};

// Until a signal says stop; children are told and waited for. Returns the exit code.
int schedule_run(const struct schedule *schedules, size_t len, const char *address);
// run --every: argv without that and --http.
int schedule_every(int argc, char **argv, int64_t every_us, const char *address, const char *path,
                   const struct plan_flags *flags, const struct words *rest);

// The first minute after `after_us` that the five fields name; -1 when the text is not understood.
int64_t cron_next_us(const char *cron, int64_t after_us);

#endif
