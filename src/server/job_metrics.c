// SPDX-License-Identifier: MIT
// What the job knows, as metrics. Counters of rows are set to the ledger's terms rather than
// counted again: a metric and the ledger can then never differ. They are about the checkpoint: over
// restarts they go on, and what sources read and sinks got can be compared. Seconds and bytes are
// about the process, as counters usually are. Called by any thread, at the same time too: all it
// does is to store values.
#include "server/job_metrics.h"
#include "base/metric.h"
#include "engine/measures.h"
#include <stdatomic.h>
#include <stdio.h>

#define LABELS_BYTES 512

// A label's value: backslash, quote and line break are escaped. Cut where no room is left.
static void add_label(char *labels, const char *name, struct str value)
{
    size_t at = strlen(labels);
    int written = snprintf(labels + at, LABELS_BYTES - at, "%s%s=\"", at > 0 ? "," : "", name);
    at += (size_t)written;
    for (size_t i = 0; i < value.len && at + 4 < LABELS_BYTES; i++) {
        char c = value.ptr[i];
        if (c == '\\' || c == '"' || c == '\n')
            labels[at++] = '\\';
        labels[at++] = c == '\n' ? 'n' : c;
    }
    labels[at++] = '"';
    labels[at] = 0;
}

struct names {
    const struct plan *plan;
    struct job *job;
    char pipeline[LABELS_BYTES];
};

static void set_term(const struct names *names, const char *metric, const char *help,
                     const char *label, struct str relation, struct str term, const char *reason)
{
    int64_t value;
    char labels[LABELS_BYTES];
    if (!job_ledger_value(names->job, relation, term, &value))
        return;
    memcpy(labels, names->pipeline, LABELS_BYTES);
    add_label(labels, label, relation);
    if (reason != NULL)
        add_label(labels, "reason", str_of(reason));
    metric_set(metric_get(METRIC_COUNTER, metric, help, labels), value);
}

static void set_rejections(const struct names *names, const struct relation *relation)
{
    static const char help[] = "Rows that were refused, by the first constraint they violated.";
    static const char warned_help[] = "Rows that violated a WARN constraint and stayed.";
    for (size_t c = 0; c < relation->constraints_len; c++) {
        char term[256], reason[200];
        snprintf(reason, sizeof(reason), "%.*s", STR_ARGS(relation->constraints[c].name));
        snprintf(term, sizeof(term), "rejected.%s", reason);
        set_term(names, "firesteel_rejected_records_total", help, "relation", relation->name,
                 str_of(term), reason);
    }
    if (relation->kind == RELATION_SOURCE)
        set_term(names, "firesteel_rejected_records_total", help, "relation", relation->name,
                 STR("undecodable"), "undecodable");
    if (relation->constraints_len > 0)
        set_term(names, "firesteel_warned_records_total", warned_help, "relation", relation->name,
                 STR("warned"), NULL);
}

static void set_relations(const struct names *names)
{
    for (size_t r = 0; r < names->plan->relations_len; r++) {
        const struct relation *relation = &names->plan->relations[r];
        if (relation->kind == RELATION_SOURCE)
            set_term(names, "firesteel_source_records_total", "Rows read from the source.",
                     "source", relation->name, STR("rows_in"), NULL);
        if (relation->kind == RELATION_DEDUP)
            set_term(names, "firesteel_duplicate_records_total", "Rows whose key had been seen.",
                     "relation", relation->name, STR("duplicate"), NULL);
        if (relation->kind == RELATION_DEDUP || relation->kind == RELATION_GROUPS ||
            relation->kind == RELATION_JOIN)
            set_term(names, "firesteel_late_records_total",
                     "Rows that came after their window or their key's memory was gone.",
                     "relation", relation->name, STR("late"), NULL);
        set_rejections(names, relation);
    }
}

static void set_labelled(const struct names *names, enum metric_kind kind, const char *metric,
                         const char *help, const char *label, struct str value, double number)
{
    char labels[LABELS_BYTES];
    memcpy(labels, names->pipeline, LABELS_BYTES);
    add_label(labels, label, value);
    metric_set_double(metric_get(kind, metric, help, labels), number);
}

static void set_sinks(const struct names *names)
{
    for (size_t s = 0; s < names->plan->sinks_len; s++) {
        struct str name = names->plan->sinks[s].name;
        set_labelled(names, METRIC_COUNTER, "firesteel_sink_records_total",
                     "Rows decided for the sink.", "sink", name,
                     (double)job_sink_rows(names->job, s, false));
        set_labelled(names, METRIC_COUNTER, "firesteel_sink_delivered_records_total",
                     "Rows that the sink has confirmed, as of the last commit.", "sink", name,
                     (double)job_sink_rows(names->job, s, true));
    }
}

static void set_sources(const struct names *names)
{
    for (size_t s = 0; s < names->plan->sources_len; s++) {
        struct str name = names->plan->sources[s].name;
        const char *unit;
        int64_t lag;
        set_labelled(names, METRIC_COUNTER, "firesteel_source_bytes_total",
                     "Payload bytes read from the source since the process began.", "source", name,
                     (double)job_source_bytes(names->job, s));
        if (!job_source_lag(names->job, s, &unit, &lag))
            continue;
        bool is_bytes = str_is(str_of(unit), "bytes");
        set_labelled(names, METRIC_GAUGE,
                     is_bytes ? "firesteel_source_lag_bytes" : "firesteel_source_lag_records",
                     "How far the source's positions are behind the ends of its logs.", "source",
                     name, (double)lag);
    }
}

static void set_stages(const struct names *names)
{
    for (int s = 0; s < STAGES; s++)
        set_labelled(names, METRIC_COUNTER, "firesteel_stage_duration_seconds_total",
                     "Time spent in a stage since the process began, threads added up.", "stage",
                     str_of(stage_names[s]), (double)job_stage_us(names->job, s) / 1e6);
}

static void set_operators(const struct names *names)
{
    for (size_t r = 0; r < names->plan->relations_len; r++)
        if (relation_keeps_state(&names->plan->relations[r]))
            set_labelled(names, METRIC_GAUGE, "firesteel_state_bytes",
                         "Bytes of state in memory, by operator, as of the last commit.",
                         "operator", names->plan->relations[r].name,
                         (double)job_state_bytes(names->job, r));
}

static void set_gauge(const struct names *names, const char *metric, const char *help, double value)
{
    metric_set_double(metric_get(METRIC_GAUGE, metric, help, names->pipeline), value);
}

static void set_states(const struct names *names, enum job_state state)
{
    static const char *const words[] = {
        [JOB_STARTING] = "starting", [JOB_RUNNING] = "running",   [JOB_IDLE] = "idle",
        [JOB_DEGRADED] = "degraded", [JOB_STOPPING] = "stopping", [JOB_DONE] = "done",
        [JOB_FAILED] = "failed",
    };
    for (size_t s = 0; s < COUNT_OF(words); s++) {
        char labels[LABELS_BYTES];
        memcpy(labels, names->pipeline, LABELS_BYTES);
        add_label(labels, "state", str_of(words[s]));
        metric_set(metric_get(METRIC_GAUGE, "firesteel_job_state",
                              "1 for the state the job is in, 0 for the others.", labels),
                   s == (size_t)state);
    }
}

static void set_commit(const struct names *names, const struct job_progress *progress)
{
    if (progress->commit_us == 0)
        return; // none in this run
    set_gauge(names, "firesteel_last_commit_timestamp_seconds",
              "When results last became durable, seconds since 1970.",
              (double)progress->commit_us / 1e6);
    set_gauge(names, "firesteel_checkpoint_duration_seconds",
              "How long the last commit took until it was durable.",
              (double)progress->frame_us / 1e6);
}

static void set_latency(const struct names *names, const char *percentile, double latency_ms)
{
    char labels[LABELS_BYTES];
    memcpy(labels, names->pipeline, LABELS_BYTES);
    add_label(labels, "percentile", str_of(percentile));
    metric_set_double(metric_get(METRIC_GAUGE, "firesteel_commit_latency_seconds",
                                 "From the arrival of a row to the commit that holds it.", labels),
                      latency_ms / 1e3);
}

void metrics_update(struct job *job, const struct plan *plan)
{
    struct names names = {.plan = plan, .job = job};
    struct job_progress progress;
    add_label(names.pipeline, "pipeline", plan->settings.pipeline);
    job_progress(job, &progress);
    metric_set(metric_get(METRIC_GAUGE, "firesteel_build_info", "Always 1; the version is a label.",
                          "version=\"" FIRESTEEL_VERSION "\""),
               1);
    metric_get(METRIC_GAUGE, "firesteel_ledger_imbalance",
               "Commits whose ledger did not add up; always 0.", "");
    set_relations(&names);
    set_states(&names, progress.state);
    set_commit(&names, &progress);
    set_sinks(&names);
    set_sources(&names);
    set_stages(&names);
    set_operators(&names);
    set_latency(&names, "50", progress.latency_p50_ms);
    set_latency(&names, "99", progress.latency_p99_ms);
    set_gauge(&names, "firesteel_epoch", "Number of the last commit.", (double)progress.epoch);
    set_gauge(&names, "firesteel_state_rows",
              "Rows kept in windows and other state, as of the last commit.",
              (double)progress.state_rows);
    if (progress.watermark_us == TIME_MIN_US || progress.watermark_us == TIME_MAX_US)
        return; // none yet, or the end of time: neither is a moment
    set_gauge(&names, "firesteel_watermark_timestamp_seconds",
              "Event time up to which windows are closed, seconds since 1970.",
              (double)progress.watermark_us / 1e6);
    set_gauge(&names, "firesteel_watermark_lag_seconds", "Wall clock minus watermark.",
              (double)progress.lag_us / 1e6);
}
