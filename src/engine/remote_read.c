// SPDX-License-Identifier: MIT
// Reading a checkpoint from S3: the newest base, the frames after it, keys and identity become a
// local checkpoint folder with one journal file, which then is opened as any other.
//
// Some servers show an empty object when a writer was killed inside its put. Such an object was
// never acknowledged: it counts as absent where it is the newest, and makes room.
#include "engine/remote_state.h"
#include "base/file.h"
#include "base/log.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool remote_is(struct str checkpoint)
{
    return s3_url_is(checkpoint);
}

struct names {
    struct str *items; // without the folder
    int64_t *sizes;
    size_t len, capacity;
};

// All names below `folder`, in byte order.
static bool list_names(struct remote *remote, const char *folder, struct arena *arena,
                       struct names *names, struct error *err)
{
    struct s3_list list = {.prefix = arena_str(arena, remote_key(remote, "%s/", folder))};
    do {
        if (!s3_list(remote->s3, &list, arena, err))
            return false;
        for (size_t i = 0; i < list.objects_len; i++) {
            if (names->len == names->capacity) {
                names->capacity = names->capacity > 0 ? names->capacity * 2 : 64;
                names->items = heap_resize(names->items, names->capacity * sizeof(*names->items));
                names->sizes = heap_resize(names->sizes, names->capacity * sizeof(*names->sizes));
            }
            struct str key = list.objects[i].key;
            names->sizes[names->len] = list.objects[i].size;
            names->items[names->len++] = str_slice(key, list.prefix.len, key.len);
        }
    } while (list.has_more);
    return true;
}

static void names_clear(struct names *names)
{
    heap_free(names->items);
    heap_free(names->sizes);
}

static bool get(struct remote *remote, struct str key, struct buf *out, struct error *err)
{
    enum s3_status status;
    if (!s3_get(remote->s3, key, 0, -1, (struct str){0}, out, NULL, &status, err))
        return false;
    return status == S3_DONE ||
           error_set(err, ERROR_RETRY,
                     "checkpoint %s: %.*s went away while it was read: another process works on "
                     "it; start again",
                     remote->url, STR_ARGS(key));
}

static bool damaged(const struct remote *remote, const char *folder, struct str name,
                    struct error *err)
{
    return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                          "checkpoint %s: %s/%.*s is damaged (its checksum is wrong); restore the "
                          "prefix from a copy",
                          remote->url, folder, STR_ARGS(name));
}

// Appends the object's record to the journal file in the making.
static bool add_record(struct remote *remote, const char *folder, struct str name, struct buf *file,
                       uint32_t seed, uint32_t *crc, uint64_t *epoch, struct error *err)
{
    AUTO(buf_clear) struct buf bytes = {0};
    struct record record;
    if (!get(remote, remote_key(remote, "%s/%.*s", folder, STR_ARGS(name)), &bytes, err))
        return false;
    if (!record_read(buf_str(&bytes), REMOTE_SEED, &record) || record.bytes != bytes.len)
        return damaged(remote, folder, name, err);
    *epoch = record.epoch;
    record.previous_crc = *crc;
    *crc = record_write(file, seed, &record);
    return true;
}

static bool remove_empty(struct remote *remote, struct str frame, struct error *err)
{
    log_warn("checkpoint %s: frame %.*s is empty: a writer was killed inside its put; it never "
             "counted",
             remote->url, STR_ARGS(frame));
    return !remote->takes_over ||
           s3_delete(remote->s3, remote_key(remote, "frames/%.*s", STR_ARGS(frame)), err);
}

static bool read_journal(struct remote *remote, struct str uuid, struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    AUTO(names_clear) struct names bases = {0}, frames = {0};
    if (!list_names(remote, "bases", &arena, &bases, err) || bases.len == 0)
        return err->kind == ERROR_NONE;
    AUTO(buf_clear) struct buf file = {0};
    uint32_t seed, crc;
    uint64_t epoch;
    journal_header_write(&file, arena_cstr(&arena, uuid), 1, &seed);
    crc = seed;
    while (bases.len > 1 && bases.sizes[bases.len - 1] == 0)
        bases.len--;
    if (!add_record(remote, "bases", bases.items[bases.len - 1], &file, seed, &crc, &epoch, err) ||
        !list_names(remote, "frames", &arena, &frames, err))
        return false;
    if (frames.len > 0 && frames.sizes[frames.len - 1] == 0 &&
        !remove_empty(remote, frames.items[--frames.len], err))
        return false;
    for (size_t i = 0; i < frames.len; i++) {
        int64_t number;
        uint64_t found;
        bool is_number = str_parse_int64(frames.items[i], &number);
        if (!is_number || (uint64_t)number <= epoch)
            continue; // part of the base; on its way out
        if ((uint64_t)number != epoch + 1)
            return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                                  "checkpoint %s: frame %" PRIu64 " is missing, frame %" PRId64
                                  " is there; restore the prefix from a copy",
                                  remote->url, epoch + 1, number);
        if (!add_record(remote, "frames", frames.items[i], &file, seed, &crc, &found, err))
            return false;
        epoch = found;
    }
    char path[JOURNAL_PATH_MAX];
    return journal_file_path(remote->folder, 1, path, err) &&
           file_write_whole(path, buf_str(&file), err);
}

// One slice's pieces, "<offset>-<epoch>": of several for one offset the newest counts, the others
// were never decided.
static bool read_slice(struct remote *remote, struct str slice, const struct str *pieces,
                       size_t len, struct error *err)
{
    AUTO(buf_clear) struct buf bytes = {0};
    for (size_t i = 0; i < len; i++) {
        struct str piece = str_slice(pieces[i], slice.len + 1, pieces[i].len);
        int64_t offset, next;
        if (piece.len < 21 || !str_parse_int64(str_slice(piece, 0, 20), &offset))
            continue;
        bool is_replaced = false;
        if (i + 1 < len) {
            struct str after = str_slice(pieces[i + 1], slice.len + 1, pieces[i + 1].len);
            is_replaced = after.len >= 21 && str_parse_int64(str_slice(after, 0, 20), &next) &&
                          next == offset;
        }
        if (is_replaced || offset > (int64_t)bytes.len)
            continue;
        bytes.len = (size_t)offset; // an undecided end of an earlier piece
        if (!get(remote, remote_key(remote, "keys/%.*s", STR_ARGS(pieces[i])), &bytes, err))
            return false;
    }
    char path[2048];
    snprintf(path, sizeof(path), "%s/keys-%.*s", remote->folder, STR_ARGS(slice));
    return file_write_whole(path, buf_str(&bytes), err);
}

static struct str slice_of(struct str name)
{
    int64_t slash = str_find(name, '/');
    return slash < 0 ? (struct str){0} : str_slice(name, 0, (size_t)slash);
}

static bool read_keys(struct remote *remote, struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    AUTO(names_clear) struct names names = {0};
    if (!list_names(remote, "keys", &arena, &names, err))
        return false;
    for (size_t i = 0, end; i < names.len; i = end) {
        struct str slice = slice_of(names.items[i]);
        for (end = i + 1; end < names.len && str_equal(slice_of(names.items[end]), slice);)
            end++;
        if (slice.len > 0 && !read_slice(remote, slice, names.items + i, end - i, err))
            return false;
    }
    return true;
}

bool remote_read(struct remote *remote, uint64_t generation, struct str uuid, struct error *err)
{
    if (generation == 0)
        return true;
    struct journal_identity identity = {.generation = generation};
    snprintf(identity.uuid, sizeof(identity.uuid), "%.*s", STR_ARGS(uuid));
    return generation_write(remote->folder, &identity, err) && read_journal(remote, uuid, err) &&
           read_keys(remote, err);
}

// The newest generation, and whom the checkpoint belongs to.
static bool read_owner(struct remote *remote, uint64_t *generation, struct buf *uuid,
                       struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    AUTO(names_clear) struct names names = {0};
    int64_t number = 0;
    *generation = 0;
    if (!list_names(remote, "generation", &arena, &names, err) || names.len == 0)
        return err->kind == ERROR_NONE;
    struct str last = names.items[names.len - 1];
    size_t named = names.len - 1; // the newest that says whose the checkpoint is
    while (named > 0 && names.sizes[named] == 0)
        named--;
    struct str name = names.items[named];
    if (!str_parse_int64(last, &number) || number < 1 ||
        !get(remote, remote_key(remote, "generation/%.*s", STR_ARGS(name)), uuid, err) ||
        uuid->len != 36)
        return err->kind != ERROR_NONE ? false : damaged(remote, "generation", name, err);
    *generation = (uint64_t)number;
    return true;
}

static bool make_folder(struct remote *remote, struct error *err)
{
    const char *root = getenv("TMPDIR");
    snprintf(remote->folder, sizeof(remote->folder), "%s/firesteel-checkpoint-XXXXXX",
             root != NULL && root[0] != 0 ? root : "/tmp");
    if (mkdtemp(remote->folder) != NULL)
        return true;
    error_set(err, ERROR_USER,
              "cannot make a folder in %s for a copy of the checkpoint: %m; set "
              "TMPDIR",
              root != NULL ? root : "/tmp");
    remote->folder[0] = 0;
    return false;
}

static bool take(struct remote *remote, struct error *err)
{
    AUTO(buf_clear) struct buf uuid = {0};
    uint64_t generation;
    if (!make_folder(remote, err) || !read_owner(remote, &generation, &uuid, err))
        return false;
    // First the claim, then the reading: the owner before us then adds at most what it has in hand.
    if (remote->takes_over && generation > 0 &&
        !remote_claim(remote, buf_cstr(&uuid), generation + 1, err))
        return false;
    return remote_read(remote, generation, buf_str(&uuid), err);
}

struct remote *remote_open(struct str checkpoint, bool takes_over, struct error *err)
{
    struct remote *remote = heap_new(sizeof(*remote));
    struct str bucket, prefix;
    remote->url = arena_cstr(&remote->arena, checkpoint);
    remote->takes_over = takes_over;
    uuid_new(remote->writer);
    bool ok = s3_url_parse(checkpoint, &bucket, &prefix, err);
    while (prefix.len > 0 && prefix.ptr[prefix.len - 1] == '/')
        prefix.len--;
    remote->prefix =
        prefix.len == 0 ? (struct str){0} : arena_print(&remote->arena, "%.*s/", STR_ARGS(prefix));
    ok = ok && (remote->s3 = s3_open(bucket, &(struct s3_options){0}, err)) != NULL;
    if (ok && take(remote, err))
        return remote;
    remote_close(remote);
    error_wrap(err, "checkpoint");
    return NULL;
}
