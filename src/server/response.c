// SPDX-License-Identifier: MIT
// The open routes.
#include "server/response.h"
#include "base/metric.h"
#include "server/job_metrics.h"
#include "server/page.h"
#include <string.h>

#define TEXT_PLAIN "text/plain; charset=utf-8"
#define TEXT_HTML "text/html; charset=utf-8"
#define TEXT_SCRIPT "text/javascript; charset=utf-8"
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

static void route_page(const struct route_target *target, struct response *response)
{
    response->status = 200;
    response->type = TEXT_HTML;
    page_print(target->job, target->plan, &response->body);
}

static void route_script(const struct route_target *target, struct response *response)
{
    (void)target;
    response_set(response, 200, page_script);
    response->type = TEXT_SCRIPT;
}

// ---- Routes
// --------------------------------------------------------------------------------------
static const struct {
    const char *path;
    void (*answer)(const struct route_target *target, struct response *response);
} routes[] = {
    {"/", route_page},        {"/page.js", route_script},  {"/livez", route_live},
    {"/readyz", route_ready}, {"/metrics", route_metrics},
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
