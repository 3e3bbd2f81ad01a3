// SPDX-License-Identifier: MIT
// The kinds of stores, and the local one. There a name is taken by a rename inside one file system,
// and made durable by syncing the folder, each folder once for many files.
#include "connectors/files/store_type.h"

#include "base/file.h"
#include <string.h>

const char *const store_style_words[] = {"auto", "true", "false", NULL};

bool store_is_remote(struct str path)
{
    return s3_url_is(path);
}

struct s3_options store_s3_options(const struct store_options *options)
{
    static const enum s3_style styles[] = {S3_STYLE_AUTO, S3_STYLE_PATH, S3_STYLE_HOST};
    return (struct s3_options){.endpoint = options->endpoint,
                               .region = options->region,
                               .access_key = options->access_key,
                               .secret_key = options->secret_key,
                               .session_token = options->session_token,
                               .style = styles[options->path_style]};
}

struct store *store_open(struct str root, const struct store_options *options,
                         const char *staging_name, int64_t folders_max, struct error *err)
{
    struct store *store =
        store_is_remote(root) ? store_s3_open(root, options, err) : store_local_open(err);
    if (store == NULL)
        return NULL;
    while (root.len > 1 && root.ptr[root.len - 1] == '/')
        root.len--;
    store->root = arena_cstr(&store->arena, root);
    store->folders_max = folders_max;
    store->is_remote = store->staging != NULL;
    const char *above = store->is_remote ? store->staging : store->root;
    store->staging = arena_print(&store->arena, "%s/.staging-%s", above, staging_name).ptr;
    return store;
}

void store_close(struct store *store)
{
    if (store != NULL)
        store->type->close(store);
}

const char *store_root(const struct store *store)
{
    return store->root;
}

void store_print(const struct store *store, struct buf *out)
{
    store->type->print(store, out);
}

const char *store_staging(const struct store *store)
{
    return store->staging;
}

const char *store_temporary(const struct store *store, struct str name, struct arena *arena)
{
    const char *above = store->is_remote ? store->staging : store->root;
    return arena_print(arena, "%s/.%.*s.tmp", above, STR_ARGS(name)).ptr;
}

bool store_read(struct store *store, struct str name, struct buf *out, bool *is_there,
                struct error *err)
{
    return store->type->read(store, name, out, is_there, err);
}

bool store_write(struct store *store, struct str name, struct str bytes, struct error *err)
{
    return store->type->write(store, name, bytes, err);
}

bool store_make(struct store *store, struct str name, struct str bytes, bool *is_made,
                struct error *err)
{
    return store->type->make(store, name, bytes, is_made, err);
}

bool store_remove(struct store *store, struct str name, struct error *err)
{
    return store->type->remove(store, name, err);
}

bool store_list(struct store *store, struct str folder, struct arena *arena, struct listed **files,
                size_t *len, struct error *err)
{
    *files = NULL;
    *len = 0;
    return store->type->list(store, folder, arena, files, len, err);
}

bool store_place(struct store *store, struct placement *files, size_t len, struct error *err)
{
    return len == 0 || store->type->place(store, files, len, err);
}

bool store_folder_count(struct store *store, struct error *err)
{
    if (++store->folders <= store->folders_max)
        return true;
    return error_set(err, ERROR_DATA,
                     "files: partition_by made more than %lld folders in this run: choose columns "
                     "with fewer values or raise partitions_max",
                     (long long)store->folders_max);
}

static void local_close(struct store *store)
{
    arena_clear(&store->arena);
    heap_free(store);
}

static void local_print(const struct store *store, struct buf *out)
{
    buf_add_cstr(out, store->root);
}

// In `arena`, with the folder it is in when `folder` is not NULL.
static const char *path_of(const struct store *store, struct str name, struct arena *arena,
                           const char **folder)
{
    const char *path =
        arena_print(arena, "%s%s%.*s", store->root, name.len > 0 ? "/" : "", STR_ARGS(name)).ptr;
    if (folder != NULL)
        *folder = arena_cstr(arena, (struct str){path, (size_t)(strrchr(path, '/') - path)});
    return path;
}

static bool local_read(struct store *store, struct str name, struct buf *out, bool *is_there,
                       struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    const char *path = path_of(store, name, &arena, NULL);
    *is_there = path_exists(path);
    return !*is_there || file_read_whole(path, out, err);
}

static bool local_write(struct store *store, struct str name, struct str bytes, struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    const char *folder, *path = path_of(store, name, &arena, &folder);
    return folder_create(folder, err) && file_write_whole(path, bytes, err);
}

// Two local jobs with one checkpoint are kept apart by its lock, so looking first is enough.
static bool local_make(struct store *store, struct str name, struct str bytes, bool *is_made,
                       struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    *is_made = !path_exists(path_of(store, name, &arena, NULL));
    return !*is_made || local_write(store, name, bytes, err);
}

static bool local_remove(struct store *store, struct str name, struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    return file_remove(path_of(store, name, &arena, NULL), err);
}

// A root with wildcard characters in its name is listed as the folder that it is.
static bool local_list(struct store *store, struct str folder, struct arena *arena,
                       struct listed **files, size_t *len, struct error *err)
{
    const char *above = path_of(store, folder, arena, NULL);
    if (!path_is_folder(above))
        return true;
    if (!listing_make(STR("."), above, arena, files, len, err))
        return false;
    for (size_t i = 0; i < *len; i++) {
        struct str path = (*files)[i].path;
        while (str_starts(path, "./"))
            path = str_slice(path, 2, path.len);
        (*files)[i].path = folder.len == 0
                               ? path
                               : arena_print(arena, "%.*s/%.*s", STR_ARGS(folder), STR_ARGS(path));
    }
    return true;
}

static bool folder_make(struct store *store, const char *path, struct error *err)
{
    if (path_is_folder(path))
        return true;
    return store_folder_count(store, err) && folder_create(path, err);
}

static bool local_place(struct store *store, struct placement *files, size_t len, struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    const char **folders = ARENA_ARRAY(&arena, const char *, len);
    for (size_t i = 0; i < len; i++) {
        const char *path = path_of(store, files[i].name, &arena, &folders[i]);
        if (files[i].is_placed)
            continue;
        if (!folder_make(store, folders[i], err) || !file_rename(files[i].staged, path, err))
            return false;
        files[i].is_placed = true;
    }
    const char *last = "";
    for (size_t i = 0; i < len; i++) {
        if (strcmp(folders[i], last) != 0 && !file_sync_folder(folders[i], err))
            return false;
        last = folders[i];
    }
    return true;
}

static const struct store_type local_type = {.close = local_close,
                                             .print = local_print,
                                             .read = local_read,
                                             .write = local_write,
                                             .make = local_make,
                                             .remove = local_remove,
                                             .list = local_list,
                                             .place = local_place};

struct store *store_local_open(struct error *err UNUSED)
{
    struct store *store = heap_new(sizeof(*store));
    store->type = &local_type;
    return store;
}
