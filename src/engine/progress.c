// SPDX-License-Identifier: MIT
// How a job is: for the progress line, the API (with the field names of Spark's
// StreamingQueryProgress, so that listeners port) and readiness. Values are of the last trigger,
// sizes of state of the last commit; reading them from another thread may mix two triggers, which a
// progress display can bear. Everything in the document is about this run: rows of sources and
// sinks, rates, durations. (Metrics of rows are about the checkpoint: job_metrics.c.)
#include "engine/job_state.h"
#include "engine/latency.h"

static int64_t oldest_watermark_us(const struct job *job)
{
    int64_t oldest = TIME_MAX_US;
    bool any = false;
    for (size_t s = 0; s < job->plan->sources_len; s++) {
        if (job->sources[s].watermark == NULL)
            continue;
        any = true;
        if (job->sources[s].watermark_us < oldest)
            oldest = job->sources[s].watermark_us;
    }
    return any ? oldest : TIME_MIN_US;
}

static int64_t state_bytes(const struct job *job)
{
    int64_t bytes = 0;
    for (size_t r = 0; r < job->plan->relations_len; r++)
        bytes += atomic_load_explicit(&job->relations[r].state_bytes, memory_order_relaxed);
    return bytes;
}

int64_t job_sink_rows(const struct job *job, size_t sink, bool only_delivered)
{
    int entry = job->ledger_of_sink[sink];
    return entry < 0
               ? 0
               : ledger_value(job->ledger, entry, only_delivered ? LEDGER_PASSED : LEDGER_ROWS_IN);
}

void job_progress_open(struct job *job)
{
    job->sink_rows_before = ARENA_ARRAY(&job->arena, int64_t, job->plan->sinks_len);
    for (size_t s = 0; s < job->plan->sinks_len; s++)
        job->sink_rows_before[s] = job_sink_rows(job, s, false);
    measures_take(job);
    job->measures.commit_us = 0;
}

void job_progress(struct job *job, struct job_progress *progress)
{
    int64_t elapsed_us = clock_monotonic_us() - job->start_us;
    int64_t rows = 0;
    for (size_t s = 0; s < job->plan->sources_len; s++)
        rows += job->sources[s].rows_total; // of this run
    *progress = (struct job_progress){
        .state = job->state,
        .epoch = job->epoch,
        .rows_total = rows,
        .rows_per_second = elapsed_us > 0 ? rows * US_PER_SECOND / elapsed_us : 0,
        .watermark_us = oldest_watermark_us(job),
        .state_rows = atomic_load_explicit(&job->measures.state_rows, memory_order_relaxed),
        .commit_us = atomic_load_explicit(&job->measures.commit_us, memory_order_relaxed),
        .frame_us = atomic_load_explicit(&job->measures.frame_us, memory_order_relaxed),
        .state_bytes = state_bytes(job),
        .latency_p50_ms = latency_percentile_ms(job->latency, 0.50),
        .latency_p99_ms = latency_percentile_ms(job->latency, 0.99),
    };
    bool has_watermark =
        progress->watermark_us != TIME_MIN_US && progress->watermark_us != TIME_MAX_US;
    progress->lag_us = has_watermark ? clock_now_us(job->clock) - progress->watermark_us : 0;
}

int64_t job_stage_us(const struct job *job, int stage)
{
    return atomic_load_explicit(&job->measures.stage_us[stage], memory_order_relaxed);
}

bool relation_keeps_state(const struct relation *relation)
{
    return relation->kind != RELATION_SOURCE && relation->kind != RELATION_ROWS;
}

int64_t job_state_bytes(const struct job *job, size_t relation)
{
    return atomic_load_explicit(&job->relations[relation].state_bytes, memory_order_relaxed);
}

bool job_source_lag(struct job *job, size_t index, const char **unit, int64_t *lag)
{
    struct job_source *source = &job->sources[index];
    *unit = source->plan->type->offset_unit;
    return *unit != NULL && source_lag(source, lag);
}

int64_t job_source_bytes(const struct job *job, size_t index)
{
    return job->sources[index].bytes_total;
}

static void print_source(struct job_source *source, double rate, struct buf *out)
{
    buf_add_cstr(out, "{\"description\":");
    AUTO(buf_clear) struct buf text = {0};
    buf_print(&text, "%s[%.*s]", source->plan->type->name, STR_ARGS(source->plan->name));
    buf_add_json_string(out, buf_str(&text));
    buf_add_cstr(out, ",\"endOffset\":{");
    pthread_mutex_lock(&source->job->partitions_mutex); // the table may grow on the job thread
    for (size_t p = 0; p < source->partitions_len && p < 100; p++) {
        buf_add_cstr(out, p > 0 ? "," : "");
        buf_add_json_string(out, source->partitions[p].name);
        buf_print(out, ":%lld", (long long)source->partitions[p].offset);
    }
    pthread_mutex_unlock(&source->job->partitions_mutex);
    const char *unit;
    int64_t lag;
    bool has_lag = job_source_lag(source->job, source->index, &unit, &lag);
    buf_add_char(out, '}');
    if (has_lag)
        buf_print(out, ",\"metrics\":{\"lag\":\"%lld\",\"lagUnit\":\"%s\"}", (long long)lag, unit);
    buf_print(out,
              ",\"numInputRows\":%lld,\"inputRowsPerSecond\":%.1f,"
              "\"processedRowsPerSecond\":%.1f}",
              (long long)source->rows_total, rate, rate);
}

void job_print_progress_json(struct job *job, struct buf *out)
{
    struct job_progress progress;
    char time[40];
    job_progress(job, &progress);
    double rate = (double)progress.rows_per_second;
    buf_print(out, "{\"id\":\"%s\",\"runId\":\"%s-%llu\",\"name\":", job->uuid, job->uuid,
              (unsigned long long)job->generation);
    buf_add_json_string(out, job->plan->settings.pipeline);
    buf_print(out,
              ",\"timestamp\":\"%s\",\"batchId\":%llu,\"numInputRows\":%lld,"
              "\"inputRowsPerSecond\":%.1f,\"processedRowsPerSecond\":%.1f",
              time_print(clock_now_us(job->clock), 3, time), (unsigned long long)progress.epoch,
              (long long)progress.rows_total, rate, rate);
    buf_print(out,
              ",\"scope\":\"run\",\"durationMs\":{\"commitLatencyP50\":%.3f,"
              "\"commitLatencyP99\":%.3f,\"lastFrame\":%.3f",
              progress.latency_p50_ms, progress.latency_p99_ms, (double)progress.frame_us / 1e3);
    for (int s = 0; s < STAGES; s++)
        buf_print(out, ",\"%s\":%.3f", stage_names[s], (double)job_stage_us(job, s) / 1e3);
    buf_add_char(out, '}');
    buf_add_cstr(out, ",\"eventTime\":{");
    if (progress.watermark_us != TIME_MIN_US && progress.watermark_us != TIME_MAX_US)
        buf_print(out, "\"watermark\":\"%s\"", time_print(progress.watermark_us, 3, time));
    buf_print(out,
              "},\"stateOperators\":[{\"numRowsTotal\":%lld,\"memoryUsedBytes\":%lld,"
              "\"customMetrics\":{",
              (long long)progress.state_rows, (long long)progress.state_bytes);
    bool is_first = true;
    for (size_t r = 0; r < job->plan->relations_len; r++) {
        if (!relation_keeps_state(&job->plan->relations[r]))
            continue;
        buf_add_cstr(out, is_first ? "" : ",");
        buf_add_json_string(out, job->plan->relations[r].name);
        buf_print(out, ":%lld", (long long)job_state_bytes(job, r));
        is_first = false;
    }
    buf_add_cstr(out, "}}]");
    buf_add_cstr(out, ",\"sources\":[");
    for (size_t s = 0; s < job->plan->sources_len; s++) {
        buf_add_cstr(out, s > 0 ? "," : "");
        print_source(&job->sources[s], rate, out);
    }
    buf_add_cstr(out, "],\"sinks\":[");
    for (size_t s = 0; s < job->plan->sinks_len; s++) {
        buf_add_cstr(out, s > 0 ? ",{\"description\":" : "{\"description\":");
        buf_add_json_string(out, job->plan->sinks[s].name);
        buf_print(out, ",\"numOutputRows\":%lld}",
                  (long long)(job_sink_rows(job, s, false) - job->sink_rows_before[s]));
    }
    buf_add_cstr(out, "]}");
}

void job_print_ledger(struct job *job, struct buf *out)
{
    ledger_print(job->ledger, out);
}

void job_print_ledger_json(struct job *job, struct buf *out)
{
    ledger_print_json(job->ledger, out);
}

static const struct {
    const char *name;
    enum ledger_term term;
} terms[] = {
    {"rows_in", LEDGER_ROWS_IN},     {"passed", LEDGER_PASSED}, {"filtered", LEDGER_FILTERED},
    {"duplicate", LEDGER_DUPLICATE}, {"late", LEDGER_LATE},     {"undecodable", LEDGER_UNDECODABLE},
    {"in_state", LEDGER_IN_STATE},   {"made", LEDGER_MADE},     {"rows_out", LEDGER_ROWS_OUT},
    {"warned", LEDGER_WARNED},
};

static bool rejected_value(const struct job *job, int entry, struct str term, int64_t *value)
{
    const struct ledger_entry *line = ledger_entry(job->ledger, entry);
    if (str_is(term, "rejected")) {
        *value = ledger_rejected_sum(job->ledger, entry);
        return true;
    }
    if (!str_starts(term, "rejected."))
        return false;
    struct str name = str_slice(term, strlen("rejected."), term.len);
    for (size_t c = 0; c < line->constraints_len; c++) {
        if (!str_equal(line->constraints[c], name))
            continue;
        *value = ledger_rejected(job->ledger, entry, c);
        return true;
    }
    return false;
}

bool job_ledger_value(struct job *job, struct str relation, struct str term, int64_t *value)
{
    int entry = ledger_find(job->ledger, relation);
    if (entry < 0)
        return false;
    for (size_t t = 0; t < COUNT_OF(terms); t++) {
        if (!str_is(term, terms[t].name))
            continue;
        *value = ledger_value(job->ledger, entry, terms[t].term);
        return true;
    }
    return rejected_value(job, entry, term, value);
}

bool job_is_ready(struct job *job, struct buf *reason)
{
    if (job->state == JOB_FAILED || job->state == JOB_STARTING || job->state == JOB_STOPPING) {
        buf_add_cstr(reason,
                     job->state == JOB_FAILED ? "job: failed" : "job: starting or stopping");
        return false;
    }
    if (readers_degraded(job)) {
        buf_add_cstr(reason, "source: an outside system is away");
        return false;
    }
    AUTO(buf_clear) struct buf text = {0};
    if (!outbox_is_degraded(job->outbox, &text))
        return true;
    buf_print(reason, "sink: %s", buf_cstr(&text));
    return false;
}
