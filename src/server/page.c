// SPDX-License-Identifier: MIT
// The page shows what the tab "Streaming" of a Spark job showed: input rate, processing time,
// scheduling delay. It is whole without its script, over the run so far; the script then asks for
// the progress document each second and shows figures of the last seconds. Nothing of the page
// stands anywhere but in the two texts below. Text that comes from a pipeline file is escaped: a
// name may hold anything.
#include "server/page.h"

#include "engine/measures.h"

const char page_script[] =
    "// SPDX-License-Identifier: MIT\n"
    "'use strict';\n"
    "const table = document.getElementById('streaming');\n"
    "const looks = [];  // of the last ten seconds\n"
    "function show(name, text) { document.getElementById(name).textContent = text; }\n"
    "function waiting(now) {\n"
    "  return now.sources.reduce((sum, s) => sum + (s.metrics && s.metrics.lagUnit === 'records'\n"
    "    ? Number(s.metrics.lag) : 0), 0);\n"
    "}\n"
    "function busy(now) {\n"
    "  return ['decode', 'judge', 'transform', 'close', 'frame', 'deliver']\n"
    "    .reduce((sum, stage) => sum + (now.durationMs[stage] || 0), 0);\n"
    "}\n"
    "function update(now) {\n"
    "  looks.push({ at: Date.now(), now });\n"
    "  while (looks.length > 11) looks.shift();\n"
    "  const before = looks[0], seconds = (Date.now() - before.at) / 1000;\n"
    "  if (seconds <= 0) return;\n"
    "  const rate = (now.numInputRows - before.now.numInputRows) / seconds;\n"
    "  const epochs = now.batchId - before.now.batchId, behind = waiting(now);\n"
    "  show('rate', rate.toFixed(1) + ' rows/s');\n"
    "  if (epochs > 0)\n"
    "    show('time', ((busy(now) - busy(before.now)) / epochs).toFixed(1) + ' ms');\n"
    "  show('delay', behind === 0 ? '0.0 s' : rate > 0 ? (behind / rate).toFixed(1) + ' s'\n"
    "    : behind + ' rows wait');\n"
    "  show('rows', now.numInputRows);\n"
    "  show('epoch', now.batchId);\n"
    "  show('watermark', now.eventTime.watermark || 'none yet');\n"
    "}\n"
    "async function look() {\n"
    "  try {\n"
    "    const reply = await fetch(table.dataset.progress);\n"
    "    if (reply.ok) update(await reply.json());\n"
    "    show('live', reply.ok ? 'live' : 'error ' + reply.status);\n"
    "  } catch (error) {\n"
    "    show('live', 'no answer');\n"
    "  }\n"
    "  setTimeout(look, 1000);\n"
    "}\n"
    "look();\n";

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

// A pipeline's name within the path of a URL.
static void add_url(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '/';
        if (is_plain)
            buf_add_char(out, (char)c);
        else
            buf_print(out, "%%%02X", c);
    }
}

PRINTF(4, 5)
static void add_row(struct buf *out, const char *title, const char *id, const char *format, ...)
{
    buf_print(out, "<tr><th align=\"left\">%s</th><td id=\"%s\">", title, id);
    va_list arguments;
    va_start(arguments, format);
    buf_vprint(out, format, arguments);
    va_end(arguments);
    buf_add_cstr(out, "</td></tr>\n");
}

static const char *const state_words[] = {
    [JOB_STARTING] = "starting", [JOB_RUNNING] = "running",   [JOB_IDLE] = "idle",
    [JOB_DEGRADED] = "degraded", [JOB_STOPPING] = "stopping", [JOB_DONE] = "done",
    [JOB_FAILED] = "failed",
};

// Records that wait in the sources.
static int64_t waiting(struct job *job, const struct plan *plan)
{
    int64_t sum = 0, lag;
    const char *unit;
    for (size_t s = 0; s < plan->sources_len; s++)
        if (job_source_lag(job, s, &unit, &lag) && str_is(str_of(unit), "records"))
            sum += lag;
    return sum;
}

static void print_streaming(struct job *job, const struct plan *plan,
                            const struct job_progress *progress, struct buf *out)
{
    int64_t busy_us = 0, behind = waiting(job, plan);
    for (int s = 0; s < STAGES; s++)
        if (s != STAGE_COLLECT)
            busy_us += job_stage_us(job, s);
    buf_add_cstr(out, "<table id=\"streaming\" data-progress=\"/api/v1/pipelines/");
    add_url(out, plan->settings.pipeline);
    buf_add_cstr(out, "/progress\">\n");
    add_row(out, "Input rate", "rate", "%lld rows/s", (long long)progress->rows_per_second);
    // Of all threads, so that it can be more than the time between two epochs.
    add_row(out, "Processing time of an epoch", "time", "%.1f ms",
            (double)busy_us / 1e3 / (double)(progress->epoch > 0 ? progress->epoch : 1));
    if (behind > 0 && progress->rows_per_second == 0)
        add_row(out, "Scheduling delay", "delay", "%lld rows wait", (long long)behind);
    else
        add_row(out, "Scheduling delay", "delay", "%.1f s",
                behind == 0 ? 0.0 : (double)behind / (double)progress->rows_per_second);
    buf_add_cstr(out, "</table>\n");
}

void page_print(struct job *job, const struct plan *plan, struct buf *out)
{
    struct job_progress progress;
    char watermark[40] = "none yet", lag[40] = "none yet";
    job_progress(job, &progress);
    if (progress.watermark_us != TIME_MIN_US && progress.watermark_us != TIME_MAX_US) {
        time_print(progress.watermark_us, 3, watermark);
        duration_print(progress.lag_us, lag);
    }
    buf_add_cstr(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><noscript>"
                      "<meta http-equiv=\"refresh\" content=\"2\"></noscript><title>");
    add_html(out, plan->settings.pipeline);
    buf_add_cstr(out, " - firesteel</title></head><body>\n<h1>");
    add_html(out, plan->settings.pipeline);
    buf_add_cstr(out, "</h1>\n<h2>Streaming <small id=\"live\"></small></h2>\n");
    print_streaming(job, plan, &progress, out);
    buf_add_cstr(out, "<h2>Job</h2>\n<table>\n");
    add_row(out, "state", "state", "%s", state_words[progress.state]);
    add_row(out, "rows", "rows", "%lld", (long long)progress.rows_total);
    add_row(out, "watermark", "watermark", "%s", watermark);
    add_row(out, "behind the clock", "lag", "%s", lag);
    add_row(out, "epoch", "epoch", "%llu", (unsigned long long)progress.epoch);
    add_row(out, "rows in state", "state_rows", "%lld", (long long)progress.state_rows);
    add_row(out, "bytes in state", "state_bytes", "%lld", (long long)progress.state_bytes);
    buf_add_cstr(out, "</table>\n<h2>Ledger</h2>\n<pre>");
    AUTO(buf_clear) struct buf ledger = {0};
    job_print_ledger(job, &ledger);
    add_html(out, buf_str(&ledger));
    buf_add_cstr(out, "</pre>\n<p><a href=\"/metrics\">metrics</a> "
                      "<a href=\"/readyz\">readiness</a></p>\n"
                      "<script src=\"/page.js\"></script>\n</body></html>\n");
}
