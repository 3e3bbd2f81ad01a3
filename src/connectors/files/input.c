// SPDX-License-Identifier: MIT
// A local file is read where the batch wants it, by pread. An object comes in large pieces, since a
// request costs a round trip, and each piece is asked for by the etag that was listed: an object
// replaced meanwhile is noticed, never mixed. Parquet needs a file to jump around in; an object is
// fetched whole, one at a time, under its key's own folders (they are partition columns).
#include "connectors/files/input.h"

#include "base/file.h"
#include "base/hash.h"
#include "connectors/files/listing_s3.h"
#include "connectors/files/path_list.h"
#include "connectors/files/work_folder.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define WINDOW_BYTES (INT64_C(8) << 20)

struct input {
    struct arena arena;
    struct str paths;
    const char *folder;
    // Local: the open file.
    int fd;
    struct str open_path;
    // Remote.
    struct s3 *s3;
    struct work_folder work;
    struct buf window; // bytes of window_path from window_from on
    struct buf window_path;
    int64_t window_from;
    struct buf fetched, fetched_etag; // local path of the object that is there whole
};

static bool remote_open(struct input *input, const struct str *paths, size_t len,
                        const struct store_options *options, struct error *err)
{
    struct str bucket = {"", 0}, other, key;
    for (size_t i = 0; i < len; i++) {
        if (!store_is_remote(paths[i]))
            return error_set(err, ERROR_USER,
                             "files: path names files of this machine and of S3 together; make two "
                             "sources of it");
        if (!s3_url_parse(paths[i], i == 0 ? &bucket : &other, &key, err))
            return false;
        if (i > 0 && !str_equal(bucket, other))
            return error_set(err, ERROR_USER,
                             "files: path names buckets %.*s and %.*s; make two sources of it",
                             STR_ARGS(bucket), STR_ARGS(other));
    }
    struct s3_options s3_options = store_s3_options(options);
    input->s3 = s3_open(bucket, &s3_options, err);
    return input->s3 != NULL;
}

struct input *input_open(struct str paths, const struct store_options *options, const char *folder,
                         struct error *err)
{
    struct input *input = heap_new(sizeof(*input));
    struct str *all;
    size_t len;
    bool is_good = true;
    input->fd = -1;
    input->work.lock = -1;
    input->folder = folder;
    input->paths = arena_str(&input->arena, paths);
    path_list_split(input->paths, &input->arena, &all, &len);
    bool is_remote = false;
    for (size_t i = 0; i < len; i++)
        is_remote = is_remote || store_is_remote(all[i]);
    if (is_remote)
        is_good = remote_open(input, all, len, options, err);
    else if (paths.len == 0)
        is_good = error_set(err, ERROR_USER, "files: path is empty");
    if (is_good)
        return input;
    input_close(input);
    return NULL;
}

void input_close(struct input *input)
{
    if (input == NULL)
        return;
    if (input->fd >= 0)
        close(input->fd);
    s3_close(input->s3);
    work_folder_close(&input->work);
    buf_clear(&input->window);
    buf_clear(&input->window_path);
    buf_clear(&input->fetched);
    buf_clear(&input->fetched_etag);
    arena_clear(&input->arena);
    heap_free(input);
}

bool input_is_remote(const struct input *input)
{
    return input->s3 != NULL;
}

static int64_t etag_number(struct str etag)
{
    return (int64_t)(hash64_bytes(etag.ptr, etag.len) >> 1);
}

static bool list_one(void *context, struct str path, struct arena *arena, struct listed **files,
                     size_t *len, struct error *err)
{
    const struct input *input = context;
    if (input->s3 == NULL)
        return listing_make(path, input->folder, arena, files, len, err);
    if (!listing_s3(input->s3, path, arena, files, len, err))
        return false;
    for (size_t i = 0; i < *len; i++)
        (*files)[i].modified_us = etag_number((*files)[i].etag);
    return true;
}

bool input_list(struct input *input, struct arena *arena, struct listed **files, size_t *len,
                struct error *err)
{
    return path_list_make(input->paths, list_one, input, arena, files, len, err);
}

bool input_is_missing(struct input *input, struct str path, struct arena *arena,
                      const char **nearest)
{
    *nearest = NULL;
    if (input->s3 == NULL)
        return listing_is_missing(path, input->folder, arena, nearest);
    for (size_t i = 0; i < path.len; i++)
        if (strchr("*?[", path.ptr[i]) != NULL)
            return false;
    struct listed *files;
    size_t len;
    struct error ignored = {0};
    return listing_s3(input->s3, path, arena, &files, &len, &ignored) && len == 0;
}

bool input_look(struct input *input, struct str path, struct arena *arena, struct listed *file,
                bool *is_there, struct error *err)
{
    *file = (struct listed){.path = path};
    if (input->s3 == NULL) {
        const char *place = input_place(input, path, arena);
        *is_there = path_exists(place);
        file->size = *is_there ? path_size(place) : -1;
        file->modified_us = *is_there ? path_modified_us(place) : 0;
        return true;
    }
    struct str bucket, key;
    struct s3_object object;
    enum s3_status status;
    if (!s3_url_parse(path, &bucket, &key, err) || !s3_head(input->s3, key, &object, &status, err))
        return false;
    *is_there = status == S3_DONE;
    file->size = object.size;
    file->etag = arena_str(arena, object.etag);
    file->modified_us = etag_number(object.etag);
    return true;
}

const char *input_place(const struct input *input, struct str path, struct arena *arena)
{
    return input->s3 != NULL ? arena_cstr(arena, path) : listing_place(path, input->folder, arena);
}

static bool local_read(struct input *input, const struct listed *file, int64_t offset, char *target,
                       size_t len, size_t *got, struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    ssize_t n;
    if (input->fd < 0 || !str_equal(input->open_path, file->path)) {
        const char *place = input_place(input, file->path, &arena);
        if (input->fd >= 0)
            close(input->fd);
        input->fd = open(place, O_RDONLY | O_CLOEXEC);
        if (input->fd < 0)
            return error_set_errno(err, errno == EACCES ? ERROR_RETRY : ERROR_FATAL, errno,
                                   "files: cannot open %s", place);
        input->open_path = file->path;
        (void)posix_fadvise(input->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    }
    do {
        n = pread(input->fd, target, len, offset);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return error_set_errno(err, ERROR_RETRY, errno, "files: cannot read %s",
                               input_place(input, file->path, &arena));
    if (n == 0)
        return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                              "files: %s shrank to %lld bytes while it was read",
                              input_place(input, file->path, &arena), (long long)offset);
    *got = (size_t)n;
    return true;
}

static bool changed(const struct listed *file, enum s3_status status, struct error *err)
{
    return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                          "files: %.*s %s while it was read: put the old content back, or start "
                          "with a new checkpoint",
                          STR_ARGS(file->path), status == S3_ABSENT ? "vanished" : "was replaced");
}

static bool window_fill(struct input *input, const struct listed *file, int64_t offset,
                        struct error *err)
{
    struct str bucket, key;
    enum s3_status status = S3_DONE;
    if (!s3_url_parse(file->path, &bucket, &key, err))
        return false;
    buf_reset(&input->window);
    buf_reset(&input->window_path);
    int64_t left = file->size - offset;
    if (!s3_get(input->s3, key, offset, left < WINDOW_BYTES ? left : WINDOW_BYTES, file->etag,
                &input->window, NULL, &status, err))
        return false;
    if (status != S3_DONE || input->window.len == 0)
        return changed(file, status, err);
    buf_add_str(&input->window_path, file->path);
    input->window_from = offset;
    return true;
}

bool input_read(struct input *input, const struct listed *file, int64_t offset, char *target,
                size_t len, size_t *got, struct error *err)
{
    if (input->s3 == NULL)
        return local_read(input, file, offset, target, len, got, err);
    bool is_known = str_equal(buf_str(&input->window_path), file->path) &&
                    offset >= input->window_from &&
                    offset < input->window_from + (int64_t)input->window.len;
    if (!is_known && !window_fill(input, file, offset, err))
        return false;
    size_t at = (size_t)(offset - input->window_from);
    *got = input->window.len - at < len ? input->window.len - at : len;
    memcpy(target, input->window.ptr + at, *got);
    return true;
}

// work/<key>, without components that lead elsewhere.
static void fetched_print(struct input *input, struct str key)
{
    buf_reset(&input->fetched);
    buf_print(&input->fetched, "%s/object", input->work.path);
    for (size_t at = 0; at < key.len;) {
        struct str rest = str_slice(key, at, key.len);
        int64_t slash = str_find(rest, '/');
        struct str component = str_slice(rest, 0, slash < 0 ? rest.len : (size_t)slash);
        at += component.len + 1;
        if (component.len == 0)
            continue;
        buf_add_char(&input->fetched, '/');
        buf_add_str(&input->fetched,
                    str_is(component, ".") || str_is(component, "..") ? STR("_") : component);
    }
}

const char *input_local(struct input *input, const struct listed *file, struct error *err)
{
    struct str bucket, key;
    enum s3_status status;
    if (input->s3 == NULL)
        return input_place(input, file->path, &input->arena);
    if (!s3_url_parse(file->path, &bucket, &key, err) ||
        (input->work.lock < 0 && !work_folder_open(&input->work, err)))
        return NULL;
    AUTO(buf_clear) struct buf before = {0};
    buf_add_str(&before, buf_str(&input->fetched));
    fetched_print(input, key);
    const char *path = buf_cstr(&input->fetched);
    if (str_equal(buf_str(&before), buf_str(&input->fetched)) &&
        str_equal(buf_str(&input->fetched_etag), file->etag))
        return path;
    buf_reset(&input->fetched_etag);
    AUTO(arena_clear) struct arena arena = {0};
    const char *all = arena_print(&arena, "%s/object", input->work.path).ptr;
    const char *folder =
        arena_cstr(&arena, (struct str){path, (size_t)(strrchr(path, '/') - path)});
    if (!folder_remove_tree(all, err) || !folder_create(folder, err) ||
        !s3_get_file(input->s3, key, file->etag, path, &status, err))
        return NULL;
    if (status != S3_DONE) {
        changed(file, status, err);
        return NULL;
    }
    buf_add_str(&input->fetched_etag, file->etag);
    return path;
}
