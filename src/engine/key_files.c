// SPDX-License-Identifier: MIT
// Seen keys on disk: one append-only file a slice of event time, `keys-<relation>-<slice>`, holding
// bare 16-byte hashes. A frame records how long each file is; what lies beyond was never decided
// and is cut off at recovery. A file goes when its slice is forgotten. So keys are written once,
// however many bases the journal starts: copying millions of them into each base was most of the
// disk traffic.
//
// Order at a commit: take the new keys (memory only; the frame is then encoded with the lengths to
// be), append and fsync the key files, then the frame. A slice's file is removed only after a frame
// with a watermark past it is durable. Taking and writing may happen on different threads, one
// after the other.
#include "engine/key_files.h"
#include "base/hash.h"
#include <stdio.h>

struct key_file {
    int64_t slice;
    int64_t length; // bytes decided (after the running commit)
    uint32_t crc;   // CRC32C of them
    bool changed;
    struct str fresh; // taken, not yet written; in `taken`
    struct file file;
};

struct key_files {
    struct arena arena;
    const char *folder; // checkpoint
    struct str relation;
    struct key_file *list; // ascending slice
    size_t len, capacity;
    struct buf taken;   // scratch
    int64_t dead_slice; // at the last take
};

struct key_files *key_files_new(const char *folder, struct str relation)
{
    struct key_files *files = heap_new(sizeof(*files));
    files->dead_slice = INT64_MIN;
    files->folder = arena_cstr(&files->arena, str_of(folder));
    files->relation = arena_str(&files->arena, relation);
    for (size_t i = 0; i < relation.len; i++) { // a name must not leave the folder
        char *c = (char *)files->relation.ptr + i;
        *c = *c == '/' || *c == '.' ? '_' : *c;
    }
    return files;
}

void key_files_free(struct key_files *files)
{
    if (files == NULL)
        return;
    for (size_t i = 0; i < files->len; i++)
        file_close(&files->list[i].file);
    heap_free(files->list);
    buf_clear(&files->taken);
    arena_clear(&files->arena);
    heap_free(files);
}

static void path_of(const struct key_files *files, int64_t slice, char *path, size_t size)
{
    snprintf(path, size, "%s/keys-%.*s-%lld", files->folder, STR_ARGS(files->relation),
             (long long)slice);
}

static struct key_file *file_of(struct key_files *files, int64_t slice)
{
    size_t at = files->len;
    while (at > 0 && files->list[at - 1].slice > slice)
        at--;
    if (at > 0 && files->list[at - 1].slice == slice)
        return &files->list[at - 1];
    if (files->len == files->capacity) {
        files->capacity = files->capacity > 0 ? files->capacity * 2 : 16;
        files->list = heap_resize(files->list, files->capacity * sizeof(*files->list));
    }
    memmove(files->list + at + 1, files->list + at, (files->len - at) * sizeof(*files->list));
    files->list[at] = (struct key_file){.slice = slice, .file.fd = -1};
    files->len++;
    return &files->list[at];
}

void key_files_take(struct key_files *files, struct dedup *dedup)
{
    files->dead_slice = dedup_dead_slice(dedup);
    buf_reset(&files->taken);
    dedup_take_added(dedup, &files->taken);
    struct reader reader = reader_of(buf_str(&files->taken));
    while (!reader_is_done(&reader)) {
        int64_t slice = reader_i64(&reader);
        struct str hashes = reader_raw(&reader, (size_t)reader_u32(&reader) * 16);
        ASSERT(!reader.bad);
        struct key_file *file = file_of(files, slice);
        file->fresh = hashes;
        file->length += (int64_t)hashes.len;
        file->crc = crc32c(file->crc, hashes.ptr, hashes.len);
        file->changed = true;
    }
}

static void name_piece(const struct key_files *files, const struct key_file *file,
                       struct key_piece *piece)
{
    int len = snprintf(piece->text, sizeof(piece->text), "%.*s-%lld", STR_ARGS(files->relation),
                       (long long)file->slice);
    piece->name = (struct str){piece->text, (size_t)len};
}

bool key_files_next_fresh(const struct key_files *files, struct key_piece *piece)
{
    while (piece->next < files->len) {
        const struct key_file *file = &files->list[piece->next++];
        if (file->fresh.len == 0)
            continue;
        name_piece(files, file, piece);
        piece->offset = file->length - (int64_t)file->fresh.len;
        piece->bytes = file->fresh;
        return true;
    }
    return false;
}

bool key_files_next_forgotten(const struct key_files *files, struct key_piece *piece)
{
    if (piece->next == files->len || files->list[piece->next].slice > files->dead_slice)
        return false;
    name_piece(files, &files->list[piece->next++], piece);
    return true;
}

// What an earlier try left behind is cut off: the file is opened anew after a failure.
static bool append(struct key_files *files, struct key_file *file, struct error *err)
{
    char path[1024];
    path_of(files, file->slice, path, sizeof(path));
    int64_t before = file->length - (int64_t)file->fresh.len;
    if (file->file.fd < 0) {
        bool ok = before == 0 ? file_create(&file->file, path, err)
                              : file_open_append(&file->file, path, before, err);
        if (!ok)
            return false;
    }
    if (file_append(&file->file, file->fresh.ptr, file->fresh.len, err) &&
        file_sync(&file->file, err))
        return true;
    file_close(&file->file);
    return false;
}

bool key_files_write(struct key_files *files, struct error *err)
{
    bool is_new = false;
    for (size_t i = 0; i < files->len; i++) {
        struct key_file *file = &files->list[i];
        if (file->fresh.len == 0)
            continue;
        is_new = is_new || file->length == (int64_t)file->fresh.len;
        if (!append(files, file, err))
            return false;
        file->fresh = (struct str){0};
    }
    return !is_new || file_sync_folder(files->folder, err);
}

void key_files_encode(struct key_files *files, bool all, struct buf *out)
{
    uint32_t len = 0;
    for (size_t i = 0; i < files->len; i++)
        len += all || files->list[i].changed;
    buf_add_u32(out, len);
    for (size_t i = 0; i < files->len; i++) {
        if (!all && !files->list[i].changed)
            continue;
        buf_add_i64(out, files->list[i].slice);
        buf_add_i64(out, files->list[i].length);
        buf_add_u32(out, files->list[i].crc);
        files->list[i].changed = false;
    }
}

void key_files_decode(struct key_files *files, struct reader *reader)
{
    uint32_t len = reader_u32(reader);
    for (uint32_t i = 0; i < len && !reader->bad; i++) {
        int64_t slice = reader_i64(reader), length = reader_i64(reader);
        uint32_t crc = reader_u32(reader);
        if (reader->bad)
            return;
        struct key_file *file = file_of(files, slice);
        file->length = length;
        file->crc = crc;
    }
}

static bool load_file(struct key_files *files, const struct key_file *file, struct dedup *dedup,
                      struct error *err)
{
    char path[1024];
    path_of(files, file->slice, path, sizeof(path));
    AUTO(buf_clear) struct buf bytes = {0}, record = {0};
    if (!file_read_whole(path, &bytes, err))
        return false;
    bool is_whole = (int64_t)bytes.len >= file->length;
    if (!is_whole || crc32c(0, bytes.ptr, (size_t)file->length) != file->crc)
        return error_set_exit(
            err, ERROR_FATAL, EXIT_REFUSED,
            "%s: %s (its first %lld bytes are needed): the checkpoint folder was "
            "damaged or copied in part; restore it whole, or start without these keys "
            "with --drop-state %.*s",
            path, is_whole ? "the checksum is wrong" : "the file is too short",
            (long long)file->length, STR_ARGS(files->relation));
    buf_add_i64(&record, file->slice);
    buf_add_u32(&record, (uint32_t)(file->length / 16));
    buf_add(&record, bytes.ptr, (size_t)file->length);
    return dedup_load(dedup, buf_str(&record), err);
}

bool key_files_load(struct key_files *files, struct dedup *dedup, int64_t dead_slice,
                    struct error *err)
{
    for (size_t i = 0; i < files->len; i++)
        if (files->list[i].slice > dead_slice && files->list[i].length > 0 &&
            !load_file(files, &files->list[i], dedup, err))
            return false;
    return true;
}

bool key_files_forget(struct key_files *files, struct error *err)
{
    size_t gone = 0;
    while (gone < files->len && files->list[gone].slice <= files->dead_slice) {
        char path[1024];
        path_of(files, files->list[gone].slice, path, sizeof(path));
        file_close(&files->list[gone].file);
        if (!file_remove(path, err))
            return false;
        gone++;
    }
    files->len -= gone;
    if (gone > 0)
        memmove(files->list, files->list + gone, files->len * sizeof(*files->list));
    return true;
}
