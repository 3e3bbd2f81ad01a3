// SPDX-License-Identifier: MIT
// firesteel serve DIR: the schedules written in a folder's .sql files, and the figures of their run
// records on one address. A file without a schedule is still known, so that the records of runs
// that others start (cron, Airflow) are served, too.
#include "base/file.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/schedule.h"
#include <stdio.h>

struct serve_flags {
    struct plan_flags plan;
    const char *http;
};

static const struct flag flags[] = {
    PLAN_FLAGS(struct serve_flags),
    {"http", 0, FLAG_TEXT, "HOST:PORT", "where figures are served (default 127.0.0.1:8000)",
     offsetof(struct serve_flags, http)},
};

struct serving {
    struct arena arena;
    const struct serve_flags *flags;
    struct words rest;
    struct schedule *list;
    size_t len, capacity;
};

static void add(struct serving *serving, struct schedule schedule)
{
    if (serving->len == serving->capacity) {
        serving->capacity = serving->capacity == 0 ? 8 : serving->capacity * 2;
        serving->list = heap_resize(serving->list, serving->capacity * sizeof(*serving->list));
    }
    serving->list[serving->len++] = schedule;
}

// run FILE with the -D, --with and --set that serve itself got.
static const char *const *child_argv(struct serving *serving, const char *file)
{
    const struct plan_flags *plan = &serving->flags->plan;
    const struct words *lists[] = {&plan->defines, &plan->with, &plan->set};
    static const char *const names[] = {"--define", "--with", "--set"};
    size_t words = 4 + 2 * (plan->defines.len + plan->with.len + plan->set.len), len = 0;
    const char **argv = ARENA_ARRAY(&serving->arena, const char *, words);
    argv[len++] = "firesteel";
    argv[len++] = "run";
    argv[len++] = file;
    for (size_t l = 0; l < COUNT_OF(lists); l++)
        for (size_t i = 0; i < lists[l]->len; i++) {
            argv[len++] = names[l];
            argv[len++] = lists[l]->items[i];
        }
    return argv;
}

static bool has_missed_period(const char *checkpoint, int64_t every_us)
{
    char folder[1100];
    snprintf(folder, sizeof(folder), "%s/runs", checkpoint);
    int64_t modified_us = path_modified_us(folder); // a new record changes the folder
    return !path_is_folder(folder) || clock_now_us(&clock_system) - modified_us >= every_us;
}

static bool take_schedules(struct serving *serving, const char *folder, const struct plan *plan)
{
    for (size_t i = 0; i < plan->schedules_len; i++) {
        const struct plan_schedule *from = &plan->schedules[i];
        const char *file =
            arena_print(&serving->arena, "%s%s%.*s", str_starts(from->file, "/") ? "" : folder,
                        str_starts(from->file, "/") ? "" : "/", STR_ARGS(from->file))
                .ptr;
        const char *cron = arena_cstr(&serving->arena, from->cron);
        if (from->every_us == 0 && cron_next_us(cron, 0) < 0) {
            log_error("schedule %.*s: CRON '%s' is not understood: minute hour day month weekday, "
                      "for example '5 * * * *'",
                      STR_ARGS(from->name), cron);
            return false;
        }
        int exit_code;
        struct plan *target =
            load_plan(file, &serving->flags->plan, &serving->rest, -1, &serving->arena, &exit_code);
        if (target == NULL)
            return false;
        const char *checkpoint = arena_cstr(&serving->arena, target->settings.checkpoint);
        add(serving,
            (struct schedule){.name = arena_cstr(&serving->arena, from->name),
                              .argv = child_argv(serving, file),
                              .checkpoint = checkpoint,
                              .every_us = from->every_us,
                              .cron = cron,
                              .retries = from->retries,
                              .runs_at_start = from->catch_up && from->every_us > 0 &&
                                               has_missed_period(checkpoint, from->every_us)});
    }
    return true;
}

static bool take_file(struct serving *serving, const char *folder, struct str name)
{
    int exit_code;
    const char *path = arena_print(&serving->arena, "%s/%.*s", folder, STR_ARGS(name)).ptr;
    struct plan *plan =
        load_plan(path, &serving->flags->plan, &serving->rest, -1, &serving->arena, &exit_code);
    if (plan == NULL)
        return false;
    if (plan->schedules_len > 0)
        return take_schedules(serving, folder, plan);
    if (plan->metrics_len > 0) // only its records
        add(serving,
            (struct schedule){.name = arena_cstr(&serving->arena, plan->settings.pipeline),
                              .checkpoint = arena_cstr(&serving->arena, plan->settings.checkpoint),
                              .cron = "never"});
    return true;
}

static bool take_folder(struct serving *serving, const char *folder, struct error *err)
{
    struct str *names;
    size_t len, files = 0;
    if (!folder_list(folder, &serving->arena, &names, &len, err))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!str_ends(names[i], ".sql") || str_ends(names[i], ".test.sql"))
            continue;
        files++;
        if (!take_file(serving, folder, names[i]))
            return error_set_exit(err, ERROR_USER, EXIT_PIPELINE, "serve: %s/%.*s has mistakes",
                                  folder, STR_ARGS(names[i]));
    }
    return files > 0 || error_set_exit(err, ERROR_USER, EXIT_USAGE,
                                       "serve: there is no .sql file in %s", folder);
}

int command_serve(int argc, char **argv)
{
    struct serve_flags given = {0};
    struct arguments arguments;
    struct serving serving = {.flags = &given};
    const struct usage usage = {.positional = "DIR",
                                .positional_min = 1,
                                .positional_max = 1,
                                .flags = flags,
                                .flags_len = COUNT_OF(flags)};
    int exit_code = EXIT_DONE;
    struct error err = {0};
    if (arguments_parse(&usage, argc, argv, &given, &arguments, &serving.arena, &exit_code))
        exit_code = take_folder(&serving, arguments.positional.items[0], &err)
                        ? schedule_run(serving.list, serving.len, given.http)
                        : command_fail(&err);
    heap_free(serving.list);
    arena_clear(&serving.arena);
    return exit_code;
}
