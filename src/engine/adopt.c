// SPDX-License-Identifier: MIT
// How a checkpoint is made to fit its sinks (what for: adopt.h). Another checkpoint's claim on a
// folder is a small file of the files sink; ours is written over it. A sink that is ahead is passed
// by frames without content: they only count epochs, and recovery reads them as nothing.
#include "engine/adopt.h"
#include "base/file.h"
#include "engine/journal.h"
#include "engine/outbox_state.h"
#include "engine/quarantine.h"
#include <inttypes.h>

// Each frame is an fsync: a sink further ahead than this is another story than an old copy.
#define EPOCHS_AHEAD_MAX 1000000

struct adoption {
    struct journal *journal;
    uint64_t epoch; // of the last record
    bool has_records;
    struct outbox *outbox;
    struct arena arena;
    struct buf *report;
};

static bool note_epoch(void *context, bool is_base UNUSED, uint64_t epoch,
                       struct str payload UNUSED, struct error *err UNUSED)
{
    struct adoption *adoption = context;
    adoption->epoch = epoch;
    adoption->has_records = true;
    return true;
}

// <root>/_firesteel/<pipeline>.<sink>.checkpoint, named as the files sink names it.
static const char *claim_path(struct adoption *adoption, const struct plan *plan,
                              const struct plan_sink *sink)
{
    struct str root = {0};
    for (size_t o = 0; o < sink->options_len; o++)
        if (str_is(sink->options[o].name, "path"))
            root = sink->options[o].value;
    while (root.len > 1 && root.ptr[root.len - 1] == '/')
        root.len--;
    struct str owner = arena_print(&adoption->arena, "%.*s.%.*s", STR_ARGS(plan->settings.pipeline),
                                   STR_ARGS(sink->name));
    char *plain = arena_bytes(&adoption->arena, owner.len + 1);
    for (size_t i = 0; i < owner.len; i++) {
        char c = owner.ptr[i];
        bool is_kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-' || c == '_';
        plain[i] = is_kept ? c : '_';
    }
    return arena_print(&adoption->arena, "%.*s/_firesteel/%.*s.checkpoint", STR_ARGS(root),
                       (int)owner.len, plain)
        .ptr;
}

// The sink refused us as a stranger.
static bool take_over(struct adoption *adoption, const struct plan *plan,
                      const struct plan_sink *sink, struct error *err)
{
    const char *uuid = journal_identity(adoption->journal)->uuid;
    const char *path = claim_path(adoption, plan, sink);
    if (!str_is(str_of(sink->type->name), "files") || !path_exists(path))
        return false; // with the sink's own message
    AUTO(buf_clear) struct buf before = {0};
    error_clear(err);
    if (!file_read_whole(path, &before, err) || !file_write_whole(path, str_of(uuid), err))
        return false;
    struct str old = str_trim(buf_str(&before));
    buf_print(adoption->report,
              "sink %.*s: was written by checkpoint %.*s; checkpoint %s goes on there from now on. "
              "The files that are there stay. Input that this checkpoint reads again is there a "
              "second time\n",
              STR_ARGS(sink->name), STR_ARGS(old), uuid);
    return true;
}

// The same for a sink that can do it itself.
static bool adopt_marks(struct adoption *adoption, const struct outbox_sink *sink,
                        struct error *err)
{
    const char *uuid = journal_identity(adoption->journal)->uuid;
    AUTO(buf_clear) struct buf before = {0};
    error_clear(err);
    if (!sink->plan->type->adopt(sink->sink, &before, err))
        return false;
    buf_print(
        adoption->report,
        "sink %.*s: was written by checkpoint %.*s; checkpoint %s goes on there from now on. "
        "What is there stays. Input that this checkpoint reads again is there a second time\n",
        STR_ARGS(sink->plan->name), STR_ARGS(buf_str(&before)), uuid);
    return true;
}

// `what` is ahead: "sink x", "the quarantine".
static bool pass_by(struct adoption *adoption, const char *what, uint64_t remembered,
                    struct error *err)
{
    uint64_t first = adoption->epoch + 1;
    if (remembered < first)
        return true;
    if (remembered - adoption->epoch > EPOCHS_AHEAD_MAX)
        return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                              "%s holds epoch %" PRIu64 ", the checkpoint ends at %" PRIu64
                              ": too far apart to be an older copy; begin with a new checkpoint",
                              what, remembered, adoption->epoch);
    while (adoption->epoch < remembered) {
        if (!journal_append(adoption->journal, adoption->epoch + 1, (struct str){"", 0}, err))
            return false;
        adoption->epoch++;
    }
    buf_print(adoption->report,
              "%s: holds epoch %" PRIu64 ", the checkpoint ended at %" PRIu64
              "; it goes on with epoch %" PRIu64 ". Rows of epochs %" PRIu64 " to %" PRIu64
              " stay there. Input that is read again is there a second time\n",
              what, remembered, first - 1, remembered + 1, first, remembered);
    return true;
}

static bool adopt_sink(struct adoption *adoption, const struct plan *plan,
                       const struct outbox_sink *sink, struct error *err)
{
    const struct sink_type *type = sink->plan->type;
    uint64_t remembered = 0;
    if (sink->sink == NULL || type->recover == NULL)
        return true;
    if (!type->recover(sink->sink, &remembered, err)) {
        bool is_stranger = error_exit_code(err) == EXIT_REFUSED;
        bool is_taken =
            is_stranger && (type->adopt != NULL ? adopt_marks(adoption, sink, err)
                                                : take_over(adoption, plan, sink->plan, err));
        if (!is_taken || !type->recover(sink->sink, &remembered, err))
            return error_wrap(err, "sink %.*s", STR_ARGS(sink->plan->name));
    }
    struct str what = arena_print(&adoption->arena, "sink %.*s", STR_ARGS(sink->plan->name));
    return pass_by(adoption, what.ptr, remembered, err);
}

static bool adopt_all(struct adoption *adoption, const struct plan *plan, struct error *err)
{
    for (size_t s = 0; s < adoption->outbox->sinks_len; s++)
        if (!adopt_sink(adoption, plan, &adoption->outbox->sinks[s], err))
            return false;
    // Rejected rows lie in a folder of their own when SET quarantine says so.
    struct str folder = plan->settings.quarantine;
    if (folder.len == 0)
        folder =
            arena_print(&adoption->arena, "%.*s/quarantine", STR_ARGS(plan->settings.checkpoint));
    uint64_t newest;
    if (!quarantine_newest(arena_cstr(&adoption->arena, folder),
                           journal_identity(adoption->journal)->uuid, &newest, err) ||
        !pass_by(adoption, "the quarantine", newest, err))
        return false;
    if (adoption->report->len == 0)
        buf_add_cstr(adoption->report, "nothing to accept: every sink fits the checkpoint\n");
    return true;
}

static bool open_journal(struct adoption *adoption, const struct plan *plan, struct error *err)
{
    const char *folder = arena_cstr(&adoption->arena, plan->settings.checkpoint);
    adoption->journal = journal_open(folder, note_epoch, adoption, err);
    if (adoption->journal == NULL)
        return false;
    return adoption->has_records ||
           error_set_exit(err, ERROR_USER, EXIT_FAILED,
                          "there is no checkpoint in %s that could go on at the sinks; `firesteel "
                          "run` makes one before it refuses",
                          folder);
}

bool adopt_sinks(const struct plan *plan, struct buf *report, struct error *err)
{
    struct adoption adoption = {.report = report};
    if (plan->settings.execution == EXECUTION_BATCH)
        return error_set_exit(err, ERROR_USER, EXIT_PIPELINE,
                              "a batch pipeline replaces its output: there is nothing to accept");
    struct database *database = NULL;
    bool ok = open_journal(&adoption, plan, err) &&
              (database = database_open((struct database_options){.threads = 1}, err)) != NULL;
    if (ok) {
        const struct journal_identity *identity = journal_identity(adoption.journal);
        struct outbox_options options = {.clock = &clock_system,
                                         .execution = (enum execution)plan->settings.execution,
                                         .uuid = str_of(identity->uuid),
                                         .generation = identity->generation,
                                         .is_synchronous = true,
                                         .database = database};
        adoption.outbox = outbox_open(plan, &options, err);
        ok = adoption.outbox != NULL && adopt_all(&adoption, plan, err);
    }
    outbox_close(adoption.outbox);
    if (database != NULL)
        database_close(database);
    if (adoption.journal != NULL)
        journal_close(adoption.journal);
    arena_clear(&adoption.arena);
    return ok;
}
