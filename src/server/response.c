// SPDX-License-Identifier: MIT
// The open routes. Text that comes from a pipeline file is escaped for where it goes: a name may
// hold anything.
#include "server/response.h"
#include "base/metric.h"
#include "server/job_metrics.h"
#include <stdio.h>
#include <string.h>

#define TEXT_PLAIN "text/plain; charset=utf-8"
#define TEXT_HTML "text/html; charset=utf-8"
#define TEXT_JSON "application/json"
#define TEXT_METRICS "text/plain; version=0.0.4; charset=utf-8"

void response_set(struct response *response, int status, const char *text)
{
    response->status = status;
    response->type = TEXT_PLAIN;
    buf_reset(&response->body);
    buf_add_cstr(&response->body, text);
}

void response_clear(struct response *response)
{
    buf_clear(&response->body);
}

static void add_html(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '&')
            buf_add_cstr(out, "&amp;");
        else if (c == '<')
            buf_add_cstr(out, "&lt;");
        else if (c == '>')
            buf_add_cstr(out, "&gt;");
        else if (c == '"')
            buf_add_cstr(out, "&quot;");
        else
            buf_add_char(out, c);
    }
}

static void route_live(const struct route_target *target, struct response *response)
{
    (void)target;
    response_set(response, 200, "ok\n");
}

static void route_ready(const struct route_target *target, struct response *response)
{
    AUTO(buf_clear) struct buf reason = {0};
    if (job_is_ready(target->job, &reason)) {
        response_set(response, 200, "ready\n");
        return;
    }
    response_set(response, 503, "not ready: ");
    buf_add_str(&response->body, buf_str(&reason));
    buf_add_char(&response->body, '\n');
}

static void route_metrics(const struct route_target *target, struct response *response)
{
    if (target->job != NULL)
        metrics_update(target->job, target->plan);
    response->status = 200;
    response->type = TEXT_METRICS;
    metric_print(&response->body);
}

// ---- The status page
// -----------------------------------------------------------------------------
static void add_row(struct buf *out, const char *name, const char *value)
{
    buf_print(out, "<tr><th align=\"left\">%s</th><td>%s</td></tr>\n", name, value);
}

static void add_whole(struct buf *out, const char *name, int64_t value)
{
    char text[32];
    buf_print(out, "<tr><th align=\"left\">%s</th><td>%s</td></tr>\n", name,
              (snprintf(text, sizeof(text), "%lld", (long long)value), text));
}

static const char *const state_words[] = {
    [JOB_STARTING] = "starting", [JOB_RUNNING] = "running",   [JOB_IDLE] = "idle",
    [JOB_DEGRADED] = "degraded", [JOB_STOPPING] = "stopping", [JOB_DONE] = "done",
    [JOB_FAILED] = "failed",
};

static void route_page(const struct route_target *target, struct response *response)
{
    struct job_progress progress;
    struct buf *out = &response->body;
    char watermark[40] = "none yet", lag[40] = "none yet";
    job_progress(target->job, &progress);
    if (progress.watermark_us != TIME_MIN_US && progress.watermark_us != TIME_MAX_US) {
        time_print(progress.watermark_us, 3, watermark);
        duration_print(progress.lag_us, lag);
    }
    response->status = 200;
    response->type = TEXT_HTML;
    buf_add_cstr(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                      "<meta http-equiv=\"refresh\" content=\"2\"><title>");
    add_html(out, target->plan->settings.pipeline);
    buf_add_cstr(out, " - firesteel</title></head><body>\n<h1>");
    add_html(out, target->plan->settings.pipeline);
    buf_add_cstr(out, "</h1>\n<table>\n");
    add_row(out, "state", state_words[progress.state]);
    add_whole(out, "rows", progress.rows_total);
    add_whole(out, "rows a second", progress.rows_per_second);
    add_row(out, "watermark", watermark);
    add_row(out, "behind the clock", lag);
    add_whole(out, "epoch", (int64_t)progress.epoch);
    add_whole(out, "rows in state", progress.state_rows);
    add_whole(out, "bytes in state", progress.state_bytes);
    buf_add_cstr(out, "</table>\n<h2>Ledger</h2>\n<pre>");
    AUTO(buf_clear) struct buf ledger = {0};
    job_print_ledger(target->job, &ledger);
    add_html(out, buf_str(&ledger));
    buf_add_cstr(out, "</pre>\n<p><a href=\"/metrics\">metrics</a> "
                      "<a href=\"/readyz\">readiness</a></p>\n</body></html>\n");
}

// ---- Routes
// --------------------------------------------------------------------------------------
static const struct {
    const char *path;
    void (*answer)(const struct route_target *target, struct response *response);
} routes[] = {
    {"/", route_page},
    {"/livez", route_live},
    {"/readyz", route_ready},
    {"/metrics", route_metrics},
};

#define PIPELINES "/api/v1/pipelines/"

// <name>/progress, <name>/ledger. A name may hold slashes: it is all before the last one.
static bool route_pipeline(const struct route_target *target, struct str rest,
                           struct response *response)
{
    static const struct {
        const char *word;
        void (*print)(struct job *job, struct buf *out);
    } parts[] = {{"progress", job_print_progress_json}, {"ledger", job_print_ledger_json}};
    struct str name = target->plan->settings.pipeline;
    if (rest.len <= name.len || !str_equal(str_slice(rest, 0, name.len), name) ||
        rest.ptr[name.len] != '/')
        return false;
    struct str word = str_slice(rest, name.len + 1, rest.len);
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (!str_is(word, parts[i].word))
            continue;
        response->status = 200;
        response->type = TEXT_JSON;
        parts[i].print(target->job, &response->body);
        buf_add_char(&response->body, '\n');
        return true;
    }
    return false;
}

// Without a job of its own the process only serves figures of others.
static bool route_without_job(const struct route_target *target, struct str path,
                              struct response *response)
{
    if (target->job != NULL || str_is(path, "/metrics"))
        return false;
    bool is_health = str_is(path, "/livez") || str_is(path, "/readyz") || str_is(path, "/");
    response_set(response, is_health ? 200 : 404,
                 is_health ? "ok\n" : "not here; there are /livez /readyz /metrics\n");
    return true;
}

void route(const struct route_target *target, struct str path, struct response *response)
{
    if (route_without_job(target, path, response))
        return;
    for (size_t i = 0; i < COUNT_OF(routes); i++) {
        if (!str_is(path, routes[i].path))
            continue;
        routes[i].answer(target, response);
        return;
    }
    bool is_pipeline = str_starts(path, PIPELINES);
    if (is_pipeline &&
        route_pipeline(target, str_slice(path, strlen(PIPELINES), path.len), response))
        return;
    response_set(response, 404,
                 "not here; there are / /livez /readyz /metrics "
                 "/api/v1/pipelines/NAME/progress and /api/v1/pipelines/NAME/ledger\n");
}
