// SPDX-License-Identifier: MIT
// firesteel state: looks into a checkpoint without touching it (show, verify, export), and the two
// ways out of a refusal (repair, adopt). show and verify take no lock, so they work beside a
// running job. What a record means is known to the engine's epoch.c, epoch_export.c and adopt.c;
// this file knows folder and journal only.
#include "cli/command.h"
#include "cli/load_plan.h"
#include "engine/remote.h"
#include "engine/adopt.h"
#include "engine/epoch.h"
#include "engine/epoch_export.h"
#include "engine/journal.h"
#include "engine/quarantine.h"
#include <inttypes.h>
#include <stdio.h>

struct state_flags {
    bool json, records;
    const char *to;
    struct plan_flags plan;
    const struct plan *pipeline; // NULL: a folder was given
};

static const struct flag flags[] = {
    PLAN_FLAGS(struct state_flags),
    {"records", 0, FLAG_BOOL, NULL, "show: each record with what is in it",
     offsetof(struct state_flags, records)},
    {"to", 0, FLAG_TEXT, "FOLDER", "export: where the Parquet files go",
     offsetof(struct state_flags, to)},
    {"json", 0, FLAG_BOOL, NULL, "as JSON", offsetof(struct state_flags, json)},
};

struct summary {
    const struct state_flags *flags;
    size_t frames;
    uint64_t base_epoch, last_epoch;
    int64_t base_bytes, frame_bytes;
    bool has_base;
    struct buf records; // printed
};

static void print_record(struct summary *summary, bool is_base, uint64_t epoch, struct str payload)
{
    struct buf *out = &summary->records;
    if (summary->flags->json) {
        buf_print(out, "%s{\"type\":\"%s\",\"epoch\":%" PRIu64 ",\"bytes\":%zu}",
                  out->len > 0 ? "," : "", is_base ? "base" : "frame", epoch, payload.len);
        return;
    }
    buf_print(out, "%-5s %10" PRIu64 "  %zu bytes\n", is_base ? "base" : "frame", epoch,
              payload.len);
    epoch_print(payload, is_base, out);
}

static bool summarise(void *context, bool is_base, uint64_t epoch, struct str payload,
                      struct error *err)
{
    (void)err;
    struct summary *summary = context;
    if (is_base) {
        summary->has_base = true;
        summary->base_epoch = epoch;
        summary->base_bytes = (int64_t)payload.len;
    } else {
        summary->frames++;
        summary->frame_bytes += (int64_t)payload.len;
    }
    summary->last_epoch = epoch;
    if (summary->flags->records)
        print_record(summary, is_base, epoch, payload);
    return true;
}

static bool count_quarantine(const char *folder, size_t *files, struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    struct str *paths;
    return quarantine_list(arena_print(&arena, "%s/quarantine", folder).ptr, true, &arena, &paths,
                           files, err);
}

static void print_summary(const char *folder, const struct journal_identity *identity,
                          const struct summary *summary, int64_t torn, size_t quarantine_files,
                          struct buf *out)
{
    buf_print(out, "checkpoint  %s\nfolder      %s\ngeneration  %" PRIu64 "\n", identity->uuid,
              folder, identity->generation);
    if (summary->has_base)
        buf_print(out,
                  "epochs      %" PRIu64 " (base) to %" PRIu64 "\nbase        %" PRId64
                  " bytes\nframes      %zu, %" PRId64 " bytes\n",
                  summary->base_epoch, summary->last_epoch, summary->base_bytes, summary->frames,
                  summary->frame_bytes);
    else
        buf_print(out, "epochs      none yet\n");
    if (torn > 0)
        buf_print(out,
                  "torn tail   %" PRId64 " bytes of a frame that was never finished; the next "
                  "start cuts them off\n",
                  torn);
    if (quarantine_files > 0)
        buf_print(out, "quarantine  %zu files\n", quarantine_files);
    buf_add_str(out, buf_str(&summary->records));
}

static void print_summary_json(const char *folder, const struct journal_identity *identity,
                               const struct summary *summary, int64_t torn, size_t quarantine_files,
                               struct buf *out)
{
    buf_print(out, "{\"checkpoint\":\"%s\",\"folder\":", identity->uuid);
    buf_add_json_string(out, str_of(folder));
    buf_print(out,
              ",\"generation\":%" PRIu64 ",\"has_base\":%s,\"base_epoch\":%" PRIu64
              ",\"last_epoch\":%" PRIu64 ",\"base_bytes\":%" PRId64 ",\"frames\":%zu"
              ",\"frame_bytes\":%" PRId64 ",\"torn_bytes\":%" PRId64 ",\"quarantine_files\":%zu",
              identity->generation, summary->has_base ? "true" : "false", summary->base_epoch,
              summary->last_epoch, summary->base_bytes, summary->frames, summary->frame_bytes, torn,
              quarantine_files);
    if (summary->flags->records)
        buf_print(out, ",\"records\":[%.*s]", STR_ARGS(buf_str(&summary->records)));
    buf_add_cstr(out, "}\n");
}

static bool show(const char *folder, const struct state_flags *command, struct buf *out,
                 struct error *err)
{
    struct summary summary = {.flags = command};
    struct journal_identity identity;
    int64_t torn = 0;
    size_t quarantine_files = 0;
    bool good = journal_read(folder, summarise, &summary, &identity, &torn, err) &&
                count_quarantine(folder, &quarantine_files, err);
    if (good && command->json)
        print_summary_json(folder, &identity, &summary, torn, quarantine_files, out);
    else if (good)
        print_summary(folder, &identity, &summary, torn, quarantine_files, out);
    buf_clear(&summary.records);
    return good;
}

static bool verify(const char *folder, const struct state_flags *command, struct buf *out,
                   struct error *err)
{
    struct summary summary = {.flags = &(struct state_flags){0}};
    struct journal_identity identity;
    int64_t torn = 0;
    if (!journal_read(folder, summarise, &summary, &identity, &torn, err))
        return false;
    if (command->json) {
        print_summary_json(folder, &identity, &summary, torn, 0, out);
        return true;
    }
    size_t records = summary.frames + summary.has_base;
    buf_print(out, "%s is whole: %zu records, last epoch %" PRIu64 "%s\n", folder, records,
              summary.last_epoch,
              torn > 0 ? ", and a frame that was never finished (the next start cuts it off)" : "");
    return true;
}

static bool export(const char *folder, const struct state_flags *command, struct buf *out,
                   struct error *err)
{
    if (command->to == NULL)
        return error_set_exit(err, ERROR_USER, EXIT_USAGE,
                              "state export: say where to with --to FOLDER");
    return state_export(folder, command->pipeline, command->to, out, err);
}

static bool repair(const char *folder, const struct state_flags *command, struct buf *out,
                   struct error *err)
{
    (void)command;
    return journal_repair(folder, out, err);
}

// Needs the pipeline: which sinks there are, and where, is not in the checkpoint.
static bool adopt(const char *folder, const struct state_flags *command, struct buf *out,
                  struct error *err)
{
    if (command->pipeline == NULL)
        return error_set_exit(
            err, ERROR_USER, EXIT_USAGE,
            "state adopt %s: give the pipeline's .sql file, which names the sinks", folder);
    return adopt_sinks(command->pipeline, out, err);
}

static const struct {
    const char *name;
    bool (*run)(const char *folder, const struct state_flags *command, struct buf *out,
                struct error *err);
} verbs[] = {
    {"show", show}, {"verify", verify}, {"export", export}, {"repair", repair}, {"adopt", adopt},
};

// A folder, or the checkpoint that a pipeline file names. NULL: *exit_code.
static const char *find_folder(const char *place, struct state_flags *command,
                               const struct words *rest, struct arena *arena, int *exit_code)
{
    if (path_is_folder(place) || !str_ends(str_of(place), ".sql"))
        return place;
    const struct plan *plan = load_plan(place, &command->plan, rest, -1, arena, exit_code);
    command->pipeline = plan;
    return plan == NULL ? NULL : arena_cstr(arena, plan->settings.checkpoint);
}

// A checkpoint on S3 is copied to look at it; what would change it needs the running pipeline.
static const char *look_at_copy(const char *place, const char *verb, struct remote **copy,
                                struct error *err)
{
    if (str_is(str_of(verb), "repair") || str_is(str_of(verb), "adopt")) {
        error_set_exit(err, ERROR_USER, EXIT_USAGE,
                       "state %s: checkpoint %s is on S3, where records are whole or absent and "
                       "nobody can repair or adopt them; restore the prefix from a copy",
                       verb, place);
        return NULL;
    }
    *copy = remote_open(str_of(place), false, err);
    return *copy == NULL ? NULL : remote_folder(*copy);
}

static void close_copy(struct remote **copy)
{
    remote_close(*copy);
}

int command_state(int argc, char **argv)
{
    struct state_flags command = {0};
    struct arguments arguments;
    AUTO(arena_clear) struct arena arena = {0};
    const struct usage usage = {.positional = "show|verify|export|repair|adopt FOLDER|PIPELINE.sql",
                                .positional_min = 2,
                                .positional_max = 2,
                                .takes_rest = true,
                                .flags = flags,
                                .flags_len = COUNT_OF(flags)};
    int exit_code = EXIT_DONE;
    if (!arguments_parse(&usage, argc, argv, &command, &arguments, &arena, &exit_code))
        return exit_code;
    struct error err = {0};
    AUTO(buf_clear) struct buf out = {0};
    AUTO(close_copy) struct remote *copy = NULL;
    const char *verb = arguments.positional.items[0];
    const char *folder =
        find_folder(arguments.positional.items[1], &command, &arguments.rest, &arena, &exit_code);
    if (folder == NULL)
        return exit_code;
    if (remote_is(str_of(folder))) {
        folder = look_at_copy(folder, verb, &copy, &err);
        if (folder == NULL)
            return command_fail(&err);
    }
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        if (!str_is(str_of(verb), verbs[i].name))
            continue;
        bool good = verbs[i].run(folder, &command, &out, &err);
        if (out.len > 0) // what a repair did before it failed is told, too
            fwrite(out.ptr, 1, out.len, stdout);
        return good ? EXIT_DONE : command_fail(&err);
    }
    error_set_exit(&err, ERROR_USER, EXIT_USAGE,
                   "state: unknown verb '%s', use show, verify, export, repair or adopt", verb);
    return command_fail(&err);
}
