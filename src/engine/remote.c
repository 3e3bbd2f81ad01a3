// SPDX-License-Identifier: MIT
// Writing to a checkpoint on S3, and who may (layout and fencing: remote.h; reading:
// remote_read.c). Every record carries its own checksum and does not depend on the one before it,
// because the local copy chains them anew.
#include "engine/remote_state.h"
#include "base/file.h"
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static bool fenced(const struct remote *remote, const char *what, uint64_t number,
                   struct error *err)
{
    return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                          "checkpoint %s: another process has taken over (%s %" PRIu64
                          " is there); this one stops, "
                          "and what it had not committed is done there",
                          remote->url, what, number);
}

struct str remote_key(struct remote *remote, const char *format, ...)
{
    va_list arguments;
    char name[512];
    va_start(arguments, format);
    vsnprintf(name, sizeof(name), format, arguments);
    va_end(arguments);
    arena_reset(&remote->scratch);
    return arena_print(&remote->scratch, "%.*s%s", STR_ARGS(remote->prefix), name);
}

// Made once. The token tells a repeat of ours from somebody else's.
static bool put_once(struct remote *remote, struct str key, struct str bytes, bool *is_made,
                     struct error *err)
{
    char token[80];
    snprintf(token, sizeof(token), "%s-%" PRIu64, remote->writer, remote->generation);
    const struct s3_condition condition = {.if_absent = true, .token = str_of(token)};
    enum s3_status status;
    if (!s3_put(remote->s3, key, bytes, &condition, NULL, &status, err))
        return false;
    *is_made = status == S3_DONE;
    return true;
}

bool remote_claim(struct remote *remote, const char *uuid, uint64_t generation, struct error *err)
{
    if (generation == remote->generation) // taken at open
        return true;
    ASSERT(remote->generation == 0);
    bool is_made;
    remote->generation = generation;
    struct str key = remote_key(remote, "generation/%020" PRIu64, generation);
    if (!put_once(remote, key, str_of(uuid), &is_made, err))
        return false;
    return is_made || fenced(remote, "generation", generation, err);
}

// Cheap, and stops a living writer before it does more than one epoch beside its successor.
static bool is_owner(struct remote *remote, struct error *err)
{
    enum s3_status status;
    struct s3_object object;
    uint64_t next = remote->generation + 1;
    struct str key = remote_key(remote, "generation/%020" PRIu64, next);
    if (!s3_head(remote->s3, key, &object, &status, err))
        return false;
    return status == S3_ABSENT || fenced(remote, "generation", next, err);
}

static struct str write_record(struct remote *remote, bool is_base, uint64_t epoch,
                               struct str payload)
{
    const struct record record = {
        .is_base = is_base, .epoch = epoch, .generation = remote->generation, .payload = payload};
    buf_reset(&remote->record);
    record_write(&remote->record, REMOTE_SEED, &record);
    return buf_str(&remote->record);
}

bool remote_put_frame(struct remote *remote, uint64_t epoch, struct str payload, struct error *err)
{
    bool is_made;
    if (!is_owner(remote, err))
        return false;
    struct str bytes = write_record(remote, false, epoch, payload);
    if (!put_once(remote, remote_key(remote, "frames/%020" PRIu64, epoch), bytes, &is_made, err))
        return false;
    return is_made || fenced(remote, "frame", epoch, err);
}

// Removes what sorts below `end` under `folder`.
static bool remove_below(struct remote *remote, const char *folder, const char *end,
                         struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    struct s3_list list = {.prefix = arena_str(&arena, remote_key(remote, "%s/", folder))};
    struct str until = arena_str(&arena, remote_key(remote, "%s/%s", folder, end));
    do {
        if (!s3_list(remote->s3, &list, &arena, err))
            return false;
        for (size_t i = 0; i < list.objects_len; i++) {
            if (str_compare(list.objects[i].key, until) >= 0)
                return true;
            if (!s3_delete(remote->s3, list.objects[i].key, err))
                return false;
        }
    } while (list.has_more);
    return true;
}

bool remote_put_base(struct remote *remote, uint64_t epoch, struct str payload, struct error *err)
{
    enum s3_status status;
    char name[64], end[64];
    snprintf(name, sizeof(name), "%020" PRIu64 "-%020" PRIu64, epoch, remote->generation);
    snprintf(end, sizeof(end), "%020" PRIu64, epoch + 1);
    struct str bytes = write_record(remote, true, epoch, payload);
    bool ok =
        is_owner(remote, err) &&
        s3_put(remote->s3, remote_key(remote, "bases/%s", name), bytes, NULL, NULL, &status, err) &&
        remove_below(remote, "bases", name, err) && remove_below(remote, "frames", end, err);
    buf_clear(&remote->record); // a base is rare and large
    return ok;
}

bool remote_put_keys(struct remote *remote, const struct key_files *files, uint64_t epoch,
                     struct error *err)
{
    struct key_piece piece = {0};
    while (key_files_next_fresh(files, &piece)) {
        enum s3_status status;
        struct str key = remote_key(remote, "keys/%.*s/%020" PRId64 "-%020" PRIu64,
                                    STR_ARGS(piece.name), piece.offset, epoch);
        if (!s3_put(remote->s3, key, piece.bytes, NULL, NULL, &status, err))
            return false;
    }
    return true;
}

bool remote_forget_keys(struct remote *remote, const struct key_files *files, struct error *err)
{
    struct key_piece piece = {0};
    while (key_files_next_forgotten(files, &piece)) {
        AUTO(arena_clear) struct arena arena = {0};
        const char *folder = arena_print(&arena, "keys/%.*s", STR_ARGS(piece.name)).ptr;
        if (!remove_below(remote, folder, "~", err)) // digits sort before it
            return false;
    }
    return true;
}

bool remote_put_file(struct remote *remote, const char *name, struct error *err)
{
    enum s3_status status;
    char path[2048];
    snprintf(path, sizeof(path), "%s/%s", remote->folder, name);
    return s3_put_file(remote->s3, remote_key(remote, "%s", name), path, NULL, &status, err);
}

const char *remote_folder(const struct remote *remote)
{
    return remote->folder;
}

void remote_close(struct remote *remote)
{
    if (remote == NULL)
        return;
    struct error ignored = {0};
    if (remote->folder[0] != 0 && !folder_remove_tree(remote->folder, &ignored))
        error_clear(&ignored);
    s3_close(remote->s3);
    buf_clear(&remote->record);
    arena_clear(&remote->scratch);
    arena_clear(&remote->arena);
    heap_free(remote);
}
