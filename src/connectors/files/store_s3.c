// SPDX-License-Identifier: MIT
// A prefix of a bucket. An object appears whole, under its final key, or not at all, so placing a
// file is one PUT (or the completion of an upload in parts); the same name with the same rows makes
// repeating it harmless. Many small objects cost a round trip each: they go out over several
// connections at once.
#include "connectors/files/store_type.h"

#include "base/failpoint.h"
#include "base/file.h"
#include "base/hash.h"
#include "connectors/files/listing_s3.h"
#include "connectors/files/work_folder.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS_MAX 8

struct s3_store {
    struct store store;
    struct str bucket, prefix; // prefix: "" or "a/b", without slash at its end
    struct s3_options options;
    struct s3 *clients[CLIENTS_MAX]; // the first is always there
    struct work_folder work;
    uint64_t *seen; // hashes of folders written to, an open-addressing set; 0: empty
    size_t seen_len, seen_capacity;
};

static struct s3_store *of(const struct store *store)
{
    return (struct s3_store *)(uintptr_t)store;
}

static void remote_close(struct store *store)
{
    struct s3_store *s3_store = of(store);
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        s3_close(s3_store->clients[i]);
    work_folder_close(&s3_store->work);
    heap_free(s3_store->seen);
    arena_clear(&store->arena);
    heap_free(s3_store);
}

static void remote_print(const struct store *store, struct buf *out)
{
    const struct s3_store *s3_store = of(store);
    buf_print(out, "%s s3://%.*s/%.*s", s3_endpoint(s3_store->clients[0]),
              STR_ARGS(s3_store->bucket), STR_ARGS(s3_store->prefix));
}

static struct str key_of(const struct store *store, struct str name, struct arena *arena)
{
    struct str prefix = of(store)->prefix;
    return arena_print(arena, "%.*s%s%.*s", STR_ARGS(prefix), prefix.len > 0 ? "/" : "",
                       STR_ARGS(name));
}

static bool remote_read(struct store *store, struct str name, struct buf *out, bool *is_there,
                        struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    enum s3_status status;
    if (!s3_get(of(store)->clients[0], key_of(store, name, &arena), 0, -1, (struct str){"", 0}, out,
                NULL, &status, err))
        return false;
    *is_there = status == S3_DONE;
    return true;
}

static bool remote_write(struct store *store, struct str name, struct str bytes, struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    enum s3_status status;
    return s3_put(of(store)->clients[0], key_of(store, name, &arena), bytes, NULL, NULL, &status,
                  err);
}

static bool remote_make(struct store *store, struct str name, struct str bytes, bool *is_made,
                        struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    enum s3_status status;
    struct s3_condition condition = {.if_absent = true};
    if (!s3_put(of(store)->clients[0], key_of(store, name, &arena), bytes, &condition, NULL,
                &status, err))
        return false;
    *is_made = status == S3_DONE;
    return true;
}

static bool remote_remove(struct store *store, struct str name, struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    return s3_delete(of(store)->clients[0], key_of(store, name, &arena), err);
}

static bool remote_list(struct store *store, struct str folder, struct arena *arena,
                        struct listed **files, size_t *len, struct error *err)
{
    struct str prefix = of(store)->prefix;
    bool is_root = prefix.len == 0 && folder.len == 0;
    if (!is_root)
        prefix = arena_print(arena, "%.*s%s%.*s/", STR_ARGS(prefix),
                             prefix.len > 0 && folder.len > 0 ? "/" : "", STR_ARGS(folder));
    if (!listing_s3_below(of(store)->clients[0], prefix, arena, files, len, err))
        return false;
    for (size_t i = 0; folder.len > 0 && i < *len; i++)
        (*files)[i].path =
            arena_print(arena, "%.*s/%.*s", STR_ARGS(folder), STR_ARGS((*files)[i].path));
    return true;
}

// Is this folder new in this run? There are none in a bucket, but there can be too many.
static bool folder_is_new(struct s3_store *s3_store, struct str name)
{
    size_t end = name.len;
    while (end > 0 && name.ptr[end - 1] != '/')
        end--;
    uint64_t hash = hash64_bytes(name.ptr, end) | 1;
    if (2 * s3_store->seen_len >= s3_store->seen_capacity) {
        size_t capacity = s3_store->seen_capacity == 0 ? 64 : s3_store->seen_capacity * 2;
        uint64_t *seen = heap_array(capacity, sizeof(*seen));
        for (size_t i = 0; i < s3_store->seen_capacity; i++) {
            size_t at = s3_store->seen[i] >> 1 & (capacity - 1);
            while (s3_store->seen[i] != 0 && seen[at] != 0)
                at = (at + 1) & (capacity - 1);
            if (s3_store->seen[i] != 0)
                seen[at] = s3_store->seen[i];
        }
        heap_free(s3_store->seen);
        s3_store->seen = seen;
        s3_store->seen_capacity = capacity;
    }
    size_t at = hash >> 1 & (s3_store->seen_capacity - 1);
    while (s3_store->seen[at] != 0 && s3_store->seen[at] != hash)
        at = (at + 1) & (s3_store->seen_capacity - 1);
    if (s3_store->seen[at] == hash)
        return false;
    s3_store->seen[at] = hash;
    s3_store->seen_len++;
    return true;
}

// Several threads take the next file from one counter until all are placed or one has failed.
struct placing {
    struct s3_store *s3_store;
    struct placement *files;
    size_t len;
    _Atomic size_t next;
    atomic_bool has_failed;
};
struct placer {
    struct placing *placing;
    struct s3 *client;
    struct error error;
    pthread_t thread;
    bool has_thread;
};

static bool file_place(struct placing *placing, struct s3 *client, struct placement *file,
                       struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    enum s3_status status;
    FAILPOINT("files.before_put");
    if (!s3_put_file(client, key_of(&placing->s3_store->store, file->name, &arena), file->staged,
                     NULL, &status, err))
        return false;
    FAILPOINT("files.after_put");
    file->is_placed = true;
    return file_remove(file->staged, err);
}

static void *placer_main(void *argument)
{
    struct placer *placer = argument;
    struct placing *placing = placer->placing;
    while (!atomic_load(&placing->has_failed)) {
        size_t i = atomic_fetch_add(&placing->next, 1);
        if (i >= placing->len)
            break;
        if (placing->files[i].is_placed)
            continue;
        if (!file_place(placing, placer->client, &placing->files[i], &placer->error))
            atomic_store(&placing->has_failed, true);
    }
    return NULL;
}

static bool clients_open(struct s3_store *s3_store, size_t wanted, size_t *len, struct error *err)
{
    *len = wanted < CLIENTS_MAX ? wanted : CLIENTS_MAX;
    for (size_t i = 0; i < *len; i++) {
        if (s3_store->clients[i] == NULL)
            s3_store->clients[i] = s3_open(s3_store->bucket, &s3_store->options, err);
        if (s3_store->clients[i] == NULL)
            return false;
    }
    return true;
}

static bool remote_place(struct store *store, struct placement *files, size_t len,
                         struct error *err)
{
    struct s3_store *s3_store = of(store);
    struct placer placers[CLIENTS_MAX] = {0};
    struct placing placing = {.s3_store = s3_store, .files = files, .len = len};
    size_t threads;
    for (size_t i = 0; i < len; i++) {
        if (folder_is_new(s3_store, files[i].name) && !store_folder_count(store, err))
            return false;
    }
    if (!clients_open(s3_store, (len + 1) / 2, &threads, err))
        return false;
    for (size_t i = 0; i < threads; i++)
        placers[i] = (struct placer){.placing = &placing, .client = s3_store->clients[i]};
    for (size_t i = 1; i < threads; i++)
        placers[i].has_thread =
            pthread_create(&placers[i].thread, NULL, placer_main, &placers[i]) == 0;
    placer_main(&placers[0]);
    for (size_t i = 0; i < threads; i++) {
        if (placers[i].has_thread)
            pthread_join(placers[i].thread, NULL);
        if (placers[i].error.kind != ERROR_NONE)
            *err = placers[i].error;
    }
    return !atomic_load(&placing.has_failed);
}

static const struct store_type remote_type = {.close = remote_close,
                                              .print = remote_print,
                                              .read = remote_read,
                                              .write = remote_write,
                                              .make = remote_make,
                                              .remove = remote_remove,
                                              .list = remote_list,
                                              .place = remote_place};

struct store *store_s3_open(struct str root, const struct store_options *options, struct error *err)
{
    struct str bucket, prefix;
    if (!s3_url_parse(root, &bucket, &prefix, err))
        return NULL;
    while (prefix.len > 0 && prefix.ptr[prefix.len - 1] == '/')
        prefix.len--;
    struct s3_store *s3_store = heap_new(sizeof(*s3_store));
    struct store *store = &s3_store->store;
    store->type = &remote_type;
    s3_store->bucket = arena_str(&store->arena, bucket);
    s3_store->prefix = arena_str(&store->arena, prefix);
    s3_store->options = store_s3_options(options);
    s3_store->work.lock = -1;
    s3_store->clients[0] = s3_open(bucket, &s3_store->options, err);
    if (s3_store->clients[0] == NULL || !work_folder_open(&s3_store->work, err)) {
        remote_close(store);
        return NULL;
    }
    store->staging = s3_store->work.path;
    return store;
}
