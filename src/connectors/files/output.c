// SPDX-License-Identifier: MIT
// Why the order is as it is. Append: rename is atomic and the same epoch has the same name, so a
// crash between two renames is cured by delivering again. Replace: the list of this run's files is
// merged into the list on disk before the first rename, so whatever a crash leaves is known to the
// next run as its own and will be replaced; old files go after the new ones are there; _SUCCESS is
// removed first and written last.
#include "connectors/files/output.h"

#include "base/failpoint.h"
#include "base/file.h"
#include <stdlib.h>
#include <string.h>

const char *output_owner(struct str pipeline, struct str sink, struct arena *arena)
{
    struct str text = arena_print(arena, "%.*s.%.*s", STR_ARGS(pipeline), STR_ARGS(sink));
    char *owner = arena_bytes(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
        owner[i] = is_plain ? c : '_';
    }
    owner[text.len] = 0;
    return owner;
}

void output_init(struct output *output, struct store *store, const char *owner,
                 struct str checkpoint, bool replaces)
{
    *output = (struct output){.store = store, .replaces = replaces};
    output->owner = arena_str(&output->arena, str_of(owner));
    output->checkpoint = arena_str(&output->arena, checkpoint);
}

void output_clear(struct output *output)
{
    heap_free(output->files);
    arena_clear(&output->arena);
}

static struct str memory_name(struct output *output, const char *suffix)
{
    return arena_print(&output->arena, "_firesteel/%.*s%s", STR_ARGS(output->owner), suffix);
}

static bool known_check(struct output *output, struct str known, struct error *err)
{
    known = str_trim(known);
    output->is_claimed = str_equal(known, output->checkpoint);
    if (output->is_claimed)
        return true;
    return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                          "files: %s was written by checkpoint %.*s, this run has checkpoint %.*s: "
                          "its rows would be there twice. Put the old checkpoint back, or write "
                          "elsewhere; to go on in this folder all the same: firesteel state adopt "
                          "PIPELINE.sql",
                          store_root(output->store), STR_ARGS(known), STR_ARGS(output->checkpoint));
}

bool output_recover(struct output *output, struct error *err)
{
    AUTO(buf_clear) struct buf content = {0};
    bool is_there;
    if (!store_read(output->store, memory_name(output, ".checkpoint"), &content, &is_there, err))
        return false;
    if (!is_there || content.len == 0) // empty: a writer was killed inside its put
        return true;
    if (output->replaces)
        return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                              "files: %s holds the rows of a stream: a batch run beside them would "
                              "have them there twice. Write elsewhere, or empty the folder",
                              store_root(output->store));
    return known_check(output, buf_str(&content), err);
}

bool output_begin(struct output *output, uint64_t epoch, struct error *err)
{
    if (!output->replaces) {
        output->files_len = 0;
        return true;
    }
    if (output->files_len == 0)
        return folder_remove_tree(store_staging(output->store), err); // of a run that failed
    size_t kept = 0;
    for (size_t i = 0; i < output->files_len; i++) {
        if (output->files[i].epoch != epoch)
            output->files[kept++] = output->files[i];
    }
    output->files_len = kept;
    return true;
}

const char *output_add(struct output *output, struct str folder, struct str name, uint64_t epoch,
                       struct error *err)
{
    if (output->files_len == output->files_capacity) {
        size_t capacity = output->files_capacity == 0 ? 16 : output->files_capacity * 2;
        output->files = heap_resize(output->files, capacity * sizeof(*output->files));
        output->files_capacity = capacity;
    }
    struct arena *arena = &output->arena;
    struct output_file file = {.epoch = epoch};
    file.name = arena_print(arena, "%.*s%s%.*s", STR_ARGS(folder), folder.len > 0 ? "/" : "",
                            STR_ARGS(name));
    const char *staging = store_staging(output->store);
    if (output->replaces)
        file.temporary = arena_print(arena, "%s/%llu-%zu%.*s", staging, (unsigned long long)epoch,
                                     output->files_len, STR_ARGS(name))
                             .ptr;
    else
        file.temporary = store_temporary(output->store, name, arena);
    if (strlen(store_root(output->store)) + file.name.len >= 999 ||
        strlen(file.temporary) >= 1000) {
        error_set(err, ERROR_DATA, "files: the path is too long: %s/%.300s..",
                  store_root(output->store), file.name.ptr);
        return NULL;
    }
    size_t above = (size_t)(strrchr(file.temporary, '/') - file.temporary);
    const char *temporary_folder = arena_cstr(arena, (struct str){file.temporary, above});
    if (!path_is_folder(temporary_folder) && !folder_create(temporary_folder, err))
        return NULL;
    output->files[output->files_len++] = file;
    return file.temporary;
}

static bool files_place(struct output *output, struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    struct placement *placements = ARENA_ARRAY(&arena, struct placement, output->files_len);
    for (size_t i = 0; i < output->files_len; i++)
        placements[i] =
            (struct placement){.staged = output->files[i].temporary, .name = output->files[i].name};
    return store_place(output->store, placements, output->files_len, err);
}

// The folder is ours from the first file on. Of two that come at the same time one is refused.
static bool claim(struct output *output, struct error *err)
{
    AUTO(buf_clear) struct buf content = {0};
    struct str name = memory_name(output, ".checkpoint");
    bool is_there;
    if (!store_make(output->store, name, output->checkpoint, &output->is_claimed, err))
        return false;
    if (output->is_claimed)
        return true;
    if (!store_read(output->store, name, &content, &is_there, err))
        return false;
    if (is_there && content.len == 0 && // what is read afterwards decides between two that do this
        (!store_write(output->store, name, output->checkpoint, err) ||
         !store_read(output->store, name, &content, &is_there, err)))
        return false;
    return known_check(output, buf_str(&content), err);
}

bool output_publish(struct output *output, struct error *err)
{
    if (output->replaces || output->files_len == 0)
        return true;
    if (!output->is_claimed && !claim(output, err))
        return false;
    FAILPOINT("files.written");
    if (!files_place(output, err))
        return false;
    FAILPOINT("files.renamed");
    output->files_len = 0;
    // Names of past deliveries are not needed again.
    struct arena fresh = {0};
    output->owner = arena_str(&fresh, output->owner);
    output->checkpoint = arena_str(&fresh, output->checkpoint);
    arena_clear(&output->arena);
    output->arena = fresh;
    return true;
}

static int text_compare(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

// Sorted paths below the root of this run's files.
static struct str *paths_new(const struct output *output, struct arena *arena)
{
    struct str *paths = ARENA_ARRAY(arena, struct str, output->files_len);
    for (size_t i = 0; i < output->files_len; i++)
        paths[i] = output->files[i].name;
    if (output->files_len > 1)
        qsort(paths, output->files_len, sizeof(*paths), text_compare);
    return paths;
}

// A line of the list is a path that this program made; anything that leads elsewhere is not.
static bool is_below(struct str path)
{
    if (path.len == 0 || path.ptr[0] == '/')
        return false;
    for (size_t at = 0; at < path.len;) {
        size_t end = at;
        while (end < path.len && path.ptr[end] != '/')
            end++;
        if (str_is(str_slice(path, at, end), "..") || str_is(str_slice(path, at, end), "."))
            return false;
        at = end + 1;
    }
    return true;
}

static bool old_remove(struct output *output, struct str list, const struct str *paths,
                       struct error *err)
{
    for (size_t at = 0; at < list.len;) {
        size_t end = at;
        while (end < list.len && list.ptr[end] != '\n')
            end++;
        struct str path = str_slice(list, at, end);
        at = end + 1;
        bool is_new = output->files_len > 0 && bsearch(&path, paths, output->files_len,
                                                       sizeof(*paths), text_compare) != NULL;
        if (is_new || !is_below(path))
            continue;
        if (!store_remove(output->store, path, err))
            return false;
    }
    return true;
}

static bool switch_over(struct output *output, struct buf *old, struct buf *both, struct buf *fresh,
                        struct error *err)
{
    struct store *store = output->store;
    struct str list = memory_name(output, ".files"), success = STR("_SUCCESS");
    bool is_there;
    struct str *paths = paths_new(output, &output->arena);
    for (size_t i = 0; i < output->files_len; i++) {
        if (i > 0 && str_equal(paths[i], paths[i - 1]))
            return error_set(err, ERROR_USER,
                             "files: two files of this run are called %.*s: the name needs "
                             "{sequence}, and {epoch} when there are several deliveries",
                             STR_ARGS(paths[i]));
        buf_add_str(fresh, paths[i]);
        buf_add_char(fresh, '\n');
    }
    if (!store_read(store, list, old, &is_there, err))
        return false;
    buf_add_str(both, buf_str(old));
    buf_add_str(both, buf_str(fresh));
    if (!store_remove(store, success, err) || !store_write(store, list, buf_str(both), err))
        return false;
    FAILPOINT("files.written");
    if (!files_place(output, err))
        return false;
    FAILPOINT("files.renamed");
    return old_remove(output, buf_str(old), paths, err) &&
           store_write(store, list, buf_str(fresh), err) &&
           folder_remove_tree(store_staging(store), err) &&
           store_write(store, success, (struct str){"", 0}, err);
}

bool output_finish(struct output *output, struct error *err)
{
    if (!output->replaces)
        return true;
    AUTO(buf_clear) struct buf old = {0};
    AUTO(buf_clear) struct buf both = {0};
    AUTO(buf_clear) struct buf fresh = {0};
    return switch_over(output, &old, &both, &fresh, err);
}
