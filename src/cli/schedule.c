// SPDX-License-Identifier: MIT
// The loop: start what is due, collect what has ended, export the newest run record of each. A run
// is a child process, so that it has its memory, its lock and its end to itself, and a crash of it
// is a failed run. A schedule whose run is still going when the next is due skips that one: periods
// that overlap would only wait for the lock.
#include "cli/schedule.h"

#include "base/clock.h"
#include "base/log.h"
#include "cli/command.h"
#include "engine/run_record.h"
#include "server/server.h"
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_ADDRESS "127.0.0.1:8000"
#define TICK_US (100 * US_PER_MS)
#define EXPORT_US (5 * US_PER_SECOND)
#define RETRY_US (5 * US_PER_SECOND) // times the number of the try

extern char **environ;
static atomic_int stopping;

struct slot {
    const struct schedule *schedule;
    pid_t pid; // 0: not running
    int64_t next_us, retry_us;
    int64_t tries; // of this period
};

static void on_signal(int number UNUSED)
{
    stopping = 1;
}

static int64_t next_after(const struct schedule *schedule, int64_t now_us)
{
    if (schedule->every_us == 0)
        return cron_next_us(schedule->cron, now_us);
    return (now_us / schedule->every_us + 1) * schedule->every_us;
}

static void start(struct slot *slot)
{
    slot->tries++;
    int failed = posix_spawn(&slot->pid, "/proc/self/exe", NULL, NULL,
                             (char *const *)(uintptr_t)slot->schedule->argv, environ);
    if (failed == 0)
        return;
    slot->pid = 0;
    log_error("schedule %s: the run cannot be started: %s", slot->schedule->name, strerror(failed));
}

// 78 and 2 need a human; a gate or a refusal will say the same again.
static bool is_worth_retrying(int status)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
    return code == EXIT_FAILED || code == EXIT_LATER || !WIFEXITED(status);
}

static void ended(struct slot *slot, int status, int64_t now_us)
{
    const struct schedule *schedule = slot->schedule;
    slot->pid = 0;
    slot->retry_us = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    bool again = is_worth_retrying(status) && slot->tries <= schedule->retries && !stopping;
    if (again)
        slot->retry_us = now_us + slot->tries * RETRY_US;
    log_error("schedule %s: the run ended with %s %d%s", schedule->name,
              WIFEXITED(status) ? "exit code" : "signal",
              WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
              again ? "; trying again" : "");
}

static void export_records(const struct slot *slots, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        struct error err = {0};
        bool found;
        if (slots[i].schedule->checkpoint != NULL &&
            !run_record_export(slots[i].schedule->checkpoint, &found, &err))
            log_warn("run records: %s", err.text);
    }
}

static bool turn(struct slot *slot, int64_t now_us)
{
    int status;
    bool has_ended = slot->pid != 0 && waitpid(slot->pid, &status, WNOHANG) == slot->pid;
    if (has_ended)
        ended(slot, status, now_us);
    if (slot->pid != 0 || stopping)
        return has_ended;
    if (slot->retry_us > 0 && now_us >= slot->retry_us) {
        slot->retry_us = 0;
        start(slot);
    } else if (slot->next_us >= 0 && now_us >= slot->next_us) {
        slot->next_us = next_after(slot->schedule, now_us);
        slot->tries = 0;
        slot->retry_us = 0;
        start(slot);
    }
    return has_ended;
}

static void stop_all(struct slot *slots, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (slots[i].pid != 0)
            kill(slots[i].pid, SIGTERM);
    for (size_t i = 0; i < len; i++)
        while (slots[i].pid != 0 && waitpid(slots[i].pid, NULL, 0) < 0 && errno == EINTR)
            continue;
}

static void slots_init(struct slot *slots, const struct schedule *schedules, size_t len)
{
    int64_t now_us = clock_now_us(&clock_system);
    for (size_t i = 0; i < len; i++)
        slots[i] = (struct slot){
            .schedule = &schedules[i],
            .next_us = schedules[i].runs_at_start ? now_us : next_after(&schedules[i], now_us)};
}

int schedule_run(const struct schedule *schedules, size_t len, const char *address)
{
    struct error err = {0};
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    struct server *server =
        server_start(address != NULL ? address : DEFAULT_ADDRESS, NULL, NULL, &err);
    if (server == NULL)
        return command_fail(&err);
    struct slot *slots = heap_array(len + 1, sizeof(*slots));
    slots_init(slots, schedules, len);
    int64_t exported_us = 0;
    while (!stopping) {
        int64_t now_us = clock_now_us(&clock_system);
        bool has_ended = false;
        for (size_t i = 0; i < len; i++)
            has_ended = turn(&slots[i], now_us) || has_ended;
        if (has_ended || now_us - exported_us >= EXPORT_US || now_us < exported_us) {
            export_records(slots, len);
            exported_us = now_us;
        }
        clock_sleep_us(TICK_US);
    }
    stop_all(slots, len);
    heap_free(slots);
    server_stop(server);
    return EXIT_DONE;
}

// Is this word --every or --http, and does its value follow as a word of its own?
static bool is_own_flag(const char *word, bool *takes_next)
{
    static const char *const own[] = {"--every", "--http"};
    for (size_t i = 0; i < COUNT_OF(own); i++) {
        size_t len = strlen(own[i]);
        if (strncmp(word, own[i], len) != 0 || (word[len] != 0 && word[len] != '='))
            continue;
        *takes_next = word[len] == 0;
        return true;
    }
    return false;
}

int schedule_every(int argc, char **argv, int64_t every_us, const char *address, const char *path,
                   const struct plan_flags *flags, const struct words *rest)
{
    AUTO(arena_clear) struct arena arena = {0};
    const char **words = ARENA_ARRAY(&arena, const char *, (size_t)argc + 3);
    size_t len = 0;
    bool takes_next = false, is_rest = false;
    words[len++] = "firesteel";
    words[len++] = "run";
    for (int i = 1; i < argc; i++) {
        is_rest = is_rest || strcmp(argv[i], "--") == 0;
        if (!is_rest && is_own_flag(argv[i], &takes_next))
            i += takes_next;
        else
            words[len++] = argv[i];
    }
    int exit_code;
    struct plan *plan = load_plan(path, flags, rest, -1, &arena, &exit_code);
    if (plan == NULL)
        return exit_code;
    struct schedule schedule = {.name = arena_cstr(&arena, plan->settings.pipeline),
                                .argv = words,
                                .checkpoint = arena_cstr(&arena, plan->settings.checkpoint),
                                .every_us = every_us,
                                .runs_at_start = true};
    return schedule_run(&schedule, 1, address);
}
