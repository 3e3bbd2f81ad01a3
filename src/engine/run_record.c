// SPDX-License-Identifier: MIT
// The record is one JSON object:
//   {"version":1,"pipeline":..,"started":..,"seconds":..,"status":"ok"|"failed","error":..,
//    "quality":..|null,"ledger":[..],"metrics":[{"name","type","help","labels","value","total"}..]}
// `value` is of this run; `total` is what is served: for a counter this run's value on top of the
// record before it, for a gauge the newest value that a run had. Samples that this run does not
// have are carried on, so a run without medications does not make their counter vanish.
//
// A record gets its name by rename when it is whole; names sort by time. The checkpoint's lock
// keeps two runs of a pipeline apart. Old records are removed beyond RECORDS_KEPT.
#include "engine/run_record.h"
#include "engine/remote.h"

#include "base/file.h"
#include "base/log.h"
#include "base/metric.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_KEPT 1000

static int name_compare(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

// Names of records, oldest first.
static bool records_list(const char *folder, struct arena *arena, struct str **names, size_t *len,
                         struct error *err)
{
    *names = NULL;
    *len = 0;
    if (!path_is_folder(folder))
        return true;
    size_t all;
    if (!folder_list(folder, arena, names, &all, err))
        return false;
    for (size_t i = 0; i < all; i++)
        if (str_ends((*names)[i], ".json") && !str_starts((*names)[i], "."))
            (*names)[(*len)++] = (*names)[i];
    if (*len > 1)
        qsort(*names, *len, sizeof(**names), name_compare);
    return true;
}

static json_t *record_load(const char *folder, struct str name, struct error *err)
{
    AUTO(buf_clear) struct buf text = {0};
    char path[1200];
    snprintf(path, sizeof(path), "%s/%.*s", folder, STR_ARGS(name));
    if (!file_read_whole(path, &text, err))
        return NULL;
    json_error_t at;
    json_t *record = json_loadb(text.ptr, text.len, 0, &at);
    if (record == NULL)
        error_set(err, ERROR_DATA, "%s: not a run record: %s in line %d; remove it", path, at.text,
                  at.line);
    return record;
}

// The newest record; NULL without an error: there is none.
static json_t *newest_load(const char *folder, struct arena *arena, struct error *err)
{
    struct str *names;
    size_t len;
    if (!records_list(folder, arena, &names, &len, err) || len == 0)
        return NULL;
    return record_load(folder, names[len - 1], err);
}

static bool same_sample(const json_t *a, const char *name, const char *labels)
{
    const char *own_name = json_string_value(json_object_get(a, "name"));
    const char *own_labels = json_string_value(json_object_get(a, "labels"));
    return own_name != NULL && own_labels != NULL && strcmp(own_name, name) == 0 &&
           strcmp(own_labels, labels) == 0;
}

static bool is_of_plan(const struct plan *plan, const json_t *sample)
{
    const char *name = json_string_value(json_object_get(sample, "name"));
    for (size_t i = 0; name != NULL && i < plan->metrics_len; i++)
        if (str_is(plan->metrics[i].name, name))
            return true;
    return false;
}

static void sample_add(json_t *metrics, const json_t *before, const struct metric_sample *sample)
{
    const struct plan_metric *metric = sample->metric;
    json_t *own = json_object();
    json_object_set_new(own, "name", json_stringn(metric->name.ptr, metric->name.len));
    json_object_set_new(own, "type", json_string(metric->is_counter ? "counter" : "gauge"));
    json_object_set_new(own, "help", json_stringn(metric->help.ptr, metric->help.len));
    json_object_set_new(own, "labels", json_stringn(sample->labels.ptr, sample->labels.len));
    json_object_set_new(own, "value", json_real(sample->value));
    double total = sample->value;
    const char *name = json_string_value(json_object_get(own, "name"));
    const char *labels = json_string_value(json_object_get(own, "labels"));
    size_t i;
    json_t *old;
    json_array_foreach(before, i, old) if (metric->is_counter && same_sample(old, name, labels))
        total += json_number_value(json_object_get(old, "total"));
    json_object_set_new(own, "total", json_real(total));
    json_array_append_new(metrics, own);
}

static json_t *metrics_make(const struct plan *plan, const json_t *before,
                            const struct metric_sample *samples, size_t len)
{
    json_t *metrics = json_array(), *old, *own;
    size_t i, k;
    for (size_t s = 0; s < len; s++)
        if (isfinite(samples[s].value))
            sample_add(metrics, before, &samples[s]);
    json_array_foreach(before, i, old)
    {
        const char *name = json_string_value(json_object_get(old, "name"));
        const char *labels = json_string_value(json_object_get(old, "labels"));
        bool is_new = false;
        json_array_foreach(metrics, k, own) is_new =
            is_new || (labels != NULL && same_sample(own, name, labels));
        if (!is_new && is_of_plan(plan, old)) {
            json_t *copy = json_copy(old);
            json_object_set_new(copy, "value", json_null());
            json_array_append_new(metrics, copy);
        }
    }
    return metrics;
}

static void old_remove(const char *folder, struct arena *arena)
{
    struct str *names;
    size_t len;
    struct error err = {0};
    bool ok = records_list(folder, arena, &names, &len, &err);
    for (size_t i = 0; ok && i + RECORDS_KEPT < len; i++)
        ok = file_remove(arena_print(arena, "%s/%.*s", folder, STR_ARGS(names[i])).ptr, &err);
    if (!ok)
        log_warn("run records: %s", err.text);
}

static json_t *record_make(const struct plan *plan, struct job *job,
                           const struct run_outcome *outcome, const struct run_tables *tables,
                           json_t *metrics)
{
    char started[40];
    time_print(outcome->started_us, 6, started);
    double quality = run_tables_quality(tables);
    json_t *record = json_pack("{s:i,s:s%,s:s,s:f,s:s,s:s}", "version", 1, "pipeline",
                               plan->settings.pipeline.ptr, plan->settings.pipeline.len, "started",
                               started, "seconds", outcome->seconds, "status",
                               outcome->is_ok ? "ok" : "failed", "error", outcome->error);
    ASSERT(record != NULL);
    json_object_set_new(record, "quality", quality < 0 ? json_null() : json_real(quality));
    AUTO(buf_clear) struct buf ledger = {0};
    if (job != NULL)
        job_print_ledger_json(job, &ledger);
    json_t *entries = job != NULL ? json_loadb(ledger.ptr, ledger.len, 0, NULL) : json_array();
    json_object_set_new(record, "ledger", entries);
    json_object_set_new(record, "metrics", metrics);
    return record;
}

static int text_add(const char *bytes, size_t len, void *context)
{
    buf_add(context, bytes, len);
    return 0;
}

bool run_record_write(const struct plan *plan, struct job *job, const struct run_outcome *outcome,
                      struct run_tables *tables, struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    const char *folder = arena_print(&arena, "%.*s/runs", STR_ARGS(plan->settings.checkpoint)).ptr;
    struct metric_sample *samples;
    size_t len;
    if (remote_is(plan->settings.checkpoint)) // the bucket holds what recovery needs, no more
        return true;
    if (!folder_create(folder, err) || !run_tables_metrics(tables, &arena, &samples, &len, err))
        return false;
    json_t *newest = newest_load(folder, &arena, err);
    if (newest == NULL && err->kind != ERROR_NONE)
        return false;
    json_t *metrics = metrics_make(plan, json_object_get(newest, "metrics"), samples, len);
    json_t *record = record_make(plan, job, outcome, tables, metrics);
    AUTO(buf_clear) struct buf text = {0};
    int failed = json_dump_callback(record, text_add, &text,
                                    JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
    ASSERT(failed == 0);
    // 2025-10-05T14:00:00.000000Z, without what is no good in a file's name
    AUTO(buf_clear) struct buf path = {0};
    char started[40];
    time_print(outcome->started_us, 6, started);
    buf_print(&path, "%s/", folder);
    for (const char *at = started; *at != 0; at++)
        if (*at != ':' && *at != '-' && *at != ' ')
            buf_add_char(&path, *at);
    buf_add_cstr(&path, ".json");
    bool ok = file_write_whole(buf_cstr(&path), buf_str(&text), err);
    json_decref(record);
    json_decref(newest);
    if (ok)
        old_remove(folder, &arena);
    return ok;
}

bool run_record_export(const char *checkpoint, bool *found, struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    json_t *newest = newest_load(arena_print(&arena, "%s/runs", checkpoint).ptr, &arena, err);
    *found = newest != NULL;
    if (newest == NULL)
        return err->kind == ERROR_NONE;
    size_t i;
    json_t *sample;
    json_array_foreach(json_object_get(newest, "metrics"), i, sample)
    {
        const char *name = json_string_value(json_object_get(sample, "name"));
        const char *type = json_string_value(json_object_get(sample, "type"));
        const char *help = json_string_value(json_object_get(sample, "help"));
        const char *labels = json_string_value(json_object_get(sample, "labels"));
        if (name == NULL || type == NULL || help == NULL || labels == NULL)
            continue;
        bool is_counter = strcmp(type, "counter") == 0;
        metric_set_double(
            metric_get(is_counter ? METRIC_COUNTER : METRIC_GAUGE, name, help, labels),
            json_number_value(json_object_get(sample, "total")));
    }
    json_decref(newest);
    return true;
}
