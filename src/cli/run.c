// SPDX-License-Identifier: MIT
// firesteel run: a pipeline until its input ends or a signal says stop. The first SIGTERM or SIGINT
// finishes the epoch and ends with 0; the second ends at once (the checkpoint is whole at any
// instant). Signals that come together are one wish: timeout(1) signals the process and its group.
#include "base/failpoint.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/foreign_environment.h"
#include "cli/load_plan.h"
#include "cli/run_end.h"
#include "cli/schedule.h"
#include "cli/wait_for.h"
#include "engine/job.h"
#include "server/job_metrics.h"
#include "server/server.h"
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

struct run_flags {
    struct plan_flags plan;
    bool once, batch, drain, ledger, log_json, quiet, create_tables;
    const char *http, *stats, *drop_state, *log_level, *wait_for;
    int64_t wait_tries, wait_every_us;
    double min_quality;
    int64_t every_us;
};

static const struct flag flags[] = {
    PLAN_FLAGS(struct run_flags),
    {"once", 0, FLAG_BOOL, NULL, "what exists at start, then end",
     offsetof(struct run_flags, once)},
    {"batch", 0, FLAG_BOOL, NULL, "as one complete batch", offsetof(struct run_flags, batch)},
    {"drain", 0, FLAG_BOOL, NULL, "with --once: the end of input closes every window",
     offsetof(struct run_flags, drain)},
    {"create-tables", 0, FLAG_BOOL, NULL, "make tables (and indexes) that sinks miss",
     offsetof(struct run_flags, create_tables)},
    {"http", 0, FLAG_TEXT, "HOST:PORT", "serve metrics, health and progress",
     offsetof(struct run_flags, http)},
    {"min-quality", 0, FLAG_DOUBLE, "PERCENT",
     "exit 3 when a smaller share of the rows read was good (run that ends)",
     offsetof(struct run_flags, min_quality)},
    {"every", 0, FLAG_DURATION, "INTERVAL",
     "again and again, aligned to the interval; figures on --http (127.0.0.1:8000)",
     offsetof(struct run_flags, every_us)},
    {"ledger", 0, FLAG_BOOL, NULL, "print the ledger on stdout at the end",
     offsetof(struct run_flags, ledger)},
    {"stats", 0, FLAG_TEXT, "FILE", "write figures of the run as JSON",
     offsetof(struct run_flags, stats)},
    {"drop-state", 0, FLAG_TEXT, "NAME,..", "give up the old state of changed objects",
     offsetof(struct run_flags, drop_state)},
    {"wait-for", 0, FLAG_TEXT, "SYSTEM,..",
     "first wait until these can be reached, in this order: kafka, postgres, ..",
     offsetof(struct run_flags, wait_for)},
    {"wait-tries", 0, FLAG_INT, "N", "with --wait-for: tries for each system (60)",
     offsetof(struct run_flags, wait_tries)},
    {"wait-every", 0, FLAG_DURATION, "INTERVAL", "with --wait-for: from try to try (2s)",
     offsetof(struct run_flags, wait_every_us)},
    {"log-level", 0, FLAG_TEXT, "LEVEL", "DEBUG, INFO, WARN or ERROR (or LOG_LEVEL)",
     offsetof(struct run_flags, log_level)},
    {"log-json", 0, FLAG_BOOL, NULL, "log lines as JSON", offsetof(struct run_flags, log_json)},
    {"quiet", 0, FLAG_BOOL, NULL, "no progress line", offsetof(struct run_flags, quiet)},
};

// ---- Signals
// -------------------------------------------------------------------------------------
#define SIGNALS_TOGETHER_US (200 * US_PER_MS)

static struct job *_Atomic running;
static _Atomic int64_t first_signal_us; // monotonic; 0: none yet

static void on_signal(int number)
{
    int64_t none = 0, now_us = clock_monotonic_us();
    if (!atomic_compare_exchange_strong(&first_signal_us, &none, now_us)) {
        if (now_us - none < SIGNALS_TOGETHER_US)
            return;
        _exit(128 + number);
    }
    struct job *job = running;
    if (job != NULL)
        job_request_stop(job);
}

static void watch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

// ---- Progress line and metrics, beside the run
// ---------------------------------------------------
struct watcher {
    struct job *job;
    const struct plan *plan;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stop, shows_line;
};

static const char *state_word(enum job_state state)
{
    switch (state) {
    case JOB_STARTING:
        return "starting";
    case JOB_RUNNING:
        return "running";
    case JOB_IDLE:
        return "idle";
    case JOB_DEGRADED:
        return "degraded";
    case JOB_STOPPING:
        return "stopping";
    case JOB_DONE:
        return "done";
    case JOB_FAILED:
        return "failed";
    }
    return "?";
}

static void print_line(const struct job_progress *progress)
{
    char watermark[40] = "-", lag[40] = "-";
    if (progress->watermark_us != TIME_MIN_US && progress->watermark_us != TIME_MAX_US) {
        time_print(progress->watermark_us, 0, watermark);
        duration_print(progress->lag_us, lag);
    }
    fprintf(stderr, "\r\033[K%lld rows  %lld rows/s  watermark %s  lag %s  %s",
            (long long)progress->rows_total, (long long)progress->rows_per_second, watermark, lag,
            state_word(progress->state));
    fflush(stderr);
}

static void *watch(void *argument)
{
    struct watcher *watcher = argument;
    pthread_mutex_lock(&watcher->mutex);
    while (!watcher->stop) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        pthread_cond_timedwait(&watcher->changed, &watcher->mutex, &until);
        if (watcher->stop)
            break;
        struct job_progress progress;
        job_progress(watcher->job, &progress);
        metrics_update(watcher->job, watcher->plan);
        run_metrics_export(watcher->plan, watcher->job);
        if (watcher->shows_line)
            print_line(&progress);
    }
    pthread_mutex_unlock(&watcher->mutex);
    if (watcher->shows_line)
        fprintf(stderr, "\r\033[K");
    return NULL;
}

static void watcher_start(struct watcher *watcher)
{
    pthread_mutex_init(&watcher->mutex, NULL);
    pthread_cond_init(&watcher->changed, NULL);
    int failed = pthread_create(&watcher->thread, NULL, watch, watcher);
    ASSERT(failed == 0);
}

static void watcher_stop(struct watcher *watcher)
{
    pthread_mutex_lock(&watcher->mutex);
    watcher->stop = true;
    pthread_cond_signal(&watcher->changed);
    pthread_mutex_unlock(&watcher->mutex);
    pthread_join(watcher->thread, NULL);
}

// ---- Figures
// -------------------------------------------------------------------------------------
static bool write_stats(const char *path, struct job *job, int64_t elapsed_us, struct error *err)
{
    struct rusage usage;
    struct job_progress progress;
    getrusage(RUSAGE_SELF, &usage);
    job_progress(job, &progress);
    double cpu = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 +
                 (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
    AUTO(buf_clear) struct buf out = {0};
    buf_print(&out,
              "{\"rows\":%lld,\"seconds\":%.3f,\"cpu_seconds\":%.3f,\"rss_peak_kb\":%ld,"
              "\"latency_p50_ms\":%.3f,\"latency_p99_ms\":%.3f,\"epoch\":%llu,\"ledger\":",
              (long long)progress.rows_total, (double)elapsed_us / 1e6, cpu, usage.ru_maxrss,
              progress.latency_p50_ms, progress.latency_p99_ms, (unsigned long long)progress.epoch);
    job_print_ledger_json(job, &out);
    buf_add_cstr(&out, "}\n");
    return file_write_whole(path, buf_str(&out), err);
}

static bool run_job(struct job *job, const struct plan *plan, const struct run_flags *run,
                    struct error *err)
{
    const char *address = run->http;
    AUTO(buf_clear) struct buf listen = {0};
    if (address == NULL && plan->settings.listen.len > 0) {
        buf_add_str(&listen, plan->settings.listen);
        address = buf_cstr(&listen);
    }
    struct server *server = NULL;
    if (address != NULL && (server = server_start(address, job, plan, err)) == NULL)
        return false;
    struct watcher watcher = {
        .job = job, .plan = plan, .shows_line = !run->quiet && isatty(STDERR_FILENO)};
    int64_t begin_us = clock_monotonic_us();
    watcher_start(&watcher);
    running = job;
    if (first_signal_us > 0)
        job_request_stop(job);
    bool ok = job_run(job, err);
    running = NULL;
    watcher_stop(&watcher);
    server_stop(server);
    if (run->ledger) {
        AUTO(buf_clear) struct buf out = {0};
        job_print_ledger(job, &out);
        fwrite(out.ptr, 1, out.len, stdout);
    }
    if (ok && run->stats != NULL)
        ok = write_stats(run->stats, job, clock_monotonic_us() - begin_us, err);
    return ok;
}

static bool set_logging(const struct run_flags *run, struct error *err)
{
    const char *text = run->log_level != NULL ? run->log_level : getenv("LOG_LEVEL");
    enum log_level level = LOG_INFO;
    if (text != NULL && !log_level_parse(str_of(text), &level))
        return error_set_exit(err, ERROR_USER, EXIT_USAGE,
                              "log level %s: use DEBUG, INFO, WARN or ERROR", text);
    log_set_level(level);
    log_set_json(run->log_json);
    return true;
}

// A mistyped address is told before anything is opened: 2 for the flag, 78 for SET listen.
static bool check_address(const struct plan *plan, const struct run_flags *run, struct error *err)
{
    AUTO(buf_clear) struct buf listen = {0};
    buf_add_str(&listen, plan->settings.listen);
    if (run->http == NULL)
        return listen.len == 0 || server_address_check(buf_cstr(&listen), err) ||
               error_wrap(err, "SET listen");
    bool is_good = server_address_check(run->http, err);
    err->exit_code = is_good ? 0 : EXIT_USAGE;
    return is_good;
}

static bool was_stopped(void)
{
    return first_signal_us > 0;
}

// What is to be seen to before anything is opened.
static bool before_open(const struct plan *plan, const struct run_flags *run, struct error *err)
{
    if (!check_address(plan, run, err))
        return false;
    struct wait_options options = {.systems = run->wait_for,
                                   .tries = run->wait_tries,
                                   .every_us = run->wait_every_us,
                                   .is_stopped = was_stopped};
    return run->wait_for == NULL || wait_for_systems(plan, &options, err);
}

// --create-tables is option create_tables of each sink that has one.
static void wish_tables(struct plan *plan, struct arena *arena)
{
    static const struct str name = {"create_tables", sizeof("create_tables") - 1};
    for (size_t s = 0; s < plan->sinks_len; s++) {
        struct plan_sink *sink = &plan->sinks[s];
        if (option_find(sink->type->options, sink->type->options_len, name) == NULL)
            continue;
        struct option_value *options =
            ARENA_ARRAY(arena, struct option_value, sink->options_len + 1);
        size_t len = 0;
        for (size_t o = 0; o < sink->options_len; o++)
            if (!str_equal_nocase(sink->options[o].name, name))
                options[len++] = sink->options[o];
        options[len++] =
            (struct option_value){.name = name, .value = STR("true"), .place = SIZE_MAX};
        sink->options = options;
        sink->options_len = len;
    }
}

int command_run(int argc, char **argv)
{
    struct run_flags run = {.wait_tries = 60, .wait_every_us = 2 * US_PER_SECOND};
    struct arguments arguments;
    AUTO(arena_clear) struct arena arena = {0};
    const struct usage usage = {.positional = "PIPELINE.sql",
                                .positional_min = 1,
                                .positional_max = 1,
                                .takes_rest = true,
                                .flags = flags,
                                .flags_len = COUNT_OF(flags)};
    int exit_code = EXIT_DONE;
    if (!arguments_parse(&usage, argc, argv, &run, &arguments, &arena, &exit_code))
        return exit_code;
    struct error err = {0};
    if (run.once && run.batch)
        error_set_exit(&err, ERROR_USER, EXIT_USAGE, "--once and --batch exclude each other");
    else if (run.drain && !run.once)
        error_set_exit(&err, ERROR_USER, EXIT_USAGE, "--drain needs --once");
    if (err.kind != ERROR_NONE || !set_logging(&run, &err))
        return command_fail(&err);
    if (run.every_us > 0)
        return schedule_every(argc, argv, run.every_us, run.http, arguments.positional.items[0],
                              &run.plan, &arguments.rest);
    mallopt(M_TRIM_THRESHOLD, 4 << 20);   // freed batches come back at once: no page faults
    mallopt(M_MMAP_THRESHOLD, 128 << 10); // large tables leave no holes behind
    mallopt(M_ARENA_MAX, 2);
    watch_signals();
    int execution = run.batch ? EXECUTION_BATCH : run.once ? EXECUTION_ONCE : -1;
    struct plan *plan = load_plan(arguments.positional.items[0], &run.plan, &arguments.rest,
                                  execution, &arena, &exit_code);
    if (plan == NULL)
        return exit_code;
    log_set_pipeline(arena_cstr(&arena, plan->settings.pipeline));
    foreign_environment_tell();
    if (!before_open(plan, &run, &err))
        return command_fail(&err);
    if (run.wait_for != NULL && was_stopped()) // while it waited: nothing was begun
        return EXIT_DONE;
    if (run.create_tables)
        wish_tables(plan, &arena);
    struct job_options options = {.execution = (enum execution)plan->settings.execution,
                                  .drain = run.drain,
                                  .clock = &clock_system,
                                  .drop_state = run.drop_state != NULL ? run.drop_state : ""};
    struct run_end end;
    run_end_begin(&end, plan, run.min_quality);
    struct job *job = job_open(plan, &options, &err);
    bool ok = job != NULL && run_job(job, plan, &run, &err);
    ok = run_end(&end, job, ok, &err);
    job_close(job);
    return ok ? EXIT_DONE : command_fail(&err);
}
