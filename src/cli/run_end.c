// SPDX-License-Identifier: MIT
// A run that could not even take its lock (EXIT_LATER) leaves no record: it is not this
// pipeline's failure that another process runs it. A record that cannot be written fails a run that
// went well, since its figures would be missing from then on.
#include "cli/run_end.h"

#include "base/log.h"
#include "base/metric.h"
#include "engine/run_record.h"
#include <stdio.h>

#define EXPORT_CALLS 5 // of run_metrics_export, one a second

void run_end_begin(struct run_end *end, const struct plan *plan, double min_quality)
{
    *end = (struct run_end){.plan = plan,
                            .min_quality = min_quality,
                            .started_us = clock_now_us(&clock_system),
                            .begin_us = clock_monotonic_us()};
}

static bool print_reports(struct run_tables *tables, struct error *err)
{
    AUTO(buf_clear) struct buf out = {0};
    AUTO(buf_clear) struct buf notes = {0};
    if (!run_tables_report(tables, true, &notes, err) ||
        !run_tables_report(tables, false, &out, err))
        return false;
    fwrite(buf_cstr(&notes), 1, notes.len, stderr);
    fwrite(buf_cstr(&out), 1, out.len, stdout);
    return fflush(stdout) == 0 ||
           error_set(err, ERROR_FATAL, "the report cannot be written to stdout");
}

static bool gate(const struct run_end *end, const struct run_tables *tables, struct error *err)
{
    double quality = run_tables_quality(tables) * 100;
    if (end->min_quality <= 0 || quality < 0 || quality >= end->min_quality)
        return true;
    return error_set_exit(err, ERROR_DATA, EXIT_QUALITY,
                          "quality gate: %.2f%% of the rows read were good, --min-quality wants "
                          "%.2f%%; what was written stays, the bad rows are in quarantine",
                          quality, end->min_quality);
}

static bool close_run(struct run_end *end, struct job *job, const struct run_outcome *outcome,
                      struct error *err)
{
    struct run_tables *tables = run_tables_open(end->plan, job, outcome, err);
    bool ok = tables != NULL && run_record_write(end->plan, job, outcome, tables, err) &&
              (!outcome->is_ok || (print_reports(tables, err) && gate(end, tables, err)));
    run_tables_close(tables);
    return ok;
}

bool run_end(struct run_end *end, struct job *job, bool was_ok, struct error *err)
{
    const struct plan *plan = end->plan;
    bool is_stream = plan->settings.execution == EXECUTION_STREAM;
    bool is_locked = job == NULL && error_exit_code(err) == EXIT_LATER;
    if (is_stream || is_locked)
        return was_ok;
    struct run_outcome outcome = {.started_us = end->started_us,
                                  .seconds = (double)(clock_monotonic_us() - end->begin_us) / 1e6,
                                  .is_ok = was_ok,
                                  .error = was_ok ? "" : err->text};
    if (was_ok)
        return close_run(end, job, &outcome, err);
    struct error ignored = {0};
    if (!close_run(end, job, &outcome, &ignored))
        log_warn("run record: %s", ignored.text);
    return false;
}

void run_metrics_export(const struct plan *plan, struct job *job)
{
    static int calls; // of the one watcher
    if (plan->metrics_len == 0 || plan->settings.execution != EXECUTION_STREAM ||
        calls++ % EXPORT_CALLS != 0)
        return;
    struct error err = {0};
    AUTO(arena_clear) struct arena arena = {0};
    struct run_outcome outcome = {
        .started_us = clock_now_us(&clock_system), .is_ok = true, .error = ""};
    struct metric_sample *samples;
    size_t len = 0;
    struct run_tables *tables = run_tables_open(plan, job, &outcome, &err);
    bool ok = tables != NULL && run_tables_metrics(tables, &arena, &samples, &len, &err);
    for (size_t i = 0; ok && i < len; i++) {
        const struct plan_metric *metric = samples[i].metric;
        metric_set_double(metric_get(metric->is_counter ? METRIC_COUNTER : METRIC_GAUGE,
                                     arena_cstr(&arena, metric->name),
                                     arena_cstr(&arena, metric->help),
                                     arena_cstr(&arena, samples[i].labels)),
                          samples[i].value);
    }
    if (!ok)
        log_warn("metrics of the pipeline: %s", err.text);
    run_tables_close(tables);
}
