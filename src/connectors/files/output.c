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

static const char *owner_print(struct output *output, struct str pipeline, struct str sink)
{
    struct str text = arena_print(&output->arena, "%.*s.%.*s", STR_ARGS(pipeline), STR_ARGS(sink));
    char *owner = arena_bytes(&output->arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
        owner[i] = is_plain ? c : '_';
    }
    owner[text.len] = 0;
    return owner;
}

void output_init(struct output *output, struct str root, struct str pipeline, struct str sink,
                 struct str checkpoint, bool replaces, int64_t folders_max)
{
    *output = (struct output){.replaces = replaces, .folders_max = folders_max};
    while (root.len > 1 && root.ptr[root.len - 1] == '/')
        root.len--;
    output->root = arena_cstr(&output->arena, root);
    output->owner = owner_print(output, pipeline, sink);
    output->checkpoint = arena_str(&output->arena, checkpoint);
}

void output_clear(struct output *output)
{
    heap_free(output->files);
    arena_clear(&output->arena);
}

static const char *memory_path(struct output *output, const char *suffix)
{
    return arena_print(&output->arena, "%s/_firesteel/%s%s", output->root, output->owner, suffix)
        .ptr;
}

static const char *staging_path(struct output *output)
{
    return arena_print(&output->arena, "%s/.staging-%s", output->root, output->owner).ptr;
}

bool output_recover(struct output *output, struct error *err)
{
    const char *path = memory_path(output, ".checkpoint");
    if (!path_exists(path))
        return true;
    if (output->replaces)
        return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                              "files: %s holds the rows of a stream: a batch run beside them would "
                              "have them there twice. Write elsewhere, or empty the folder",
                              output->root);
    AUTO(buf_clear) struct buf content = {0};
    if (!file_read_whole(path, &content, err))
        return false;
    struct str known = str_trim(buf_str(&content));
    output->is_claimed = str_equal(known, output->checkpoint);
    if (output->is_claimed)
        return true;
    return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                          "files: %s was written by checkpoint %.*s, this run has checkpoint %.*s: "
                          "its rows would be there twice. Put the old checkpoint back, or write "
                          "elsewhere; to go on in this folder all the same: firesteel state adopt "
                          "PIPELINE.sql",
                          output->root, STR_ARGS(known), STR_ARGS(output->checkpoint));
}

bool output_begin(struct output *output, uint64_t epoch, struct error *err)
{
    if (!output->replaces) {
        output->files_len = 0;
        return true;
    }
    if (output->files_len == 0)
        return folder_remove_tree(staging_path(output), err); // of a run that failed
    size_t kept = 0;
    for (size_t i = 0; i < output->files_len; i++) {
        if (output->files[i].epoch != epoch)
            output->files[kept++] = output->files[i];
    }
    output->files_len = kept;
    return true;
}

static bool folder_make(struct output *output, const char *path, struct error *err)
{
    if (path_is_folder(path))
        return true;
    if (++output->folders_made > output->folders_max)
        return error_set(err, ERROR_DATA,
                         "files: partition_by made more than %lld folders in this run: choose "
                         "columns with fewer values or raise partitions_max",
                         (long long)output->folders_max);
    return folder_create(path, err);
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
    const char *slash = folder.len > 0 ? "/" : "";
    file.below = arena_print(arena, "%.*s%s%.*s", STR_ARGS(folder), slash, STR_ARGS(name));
    file.folder = arena_print(arena, "%s%s%.*s", output->root, slash, STR_ARGS(folder)).ptr;
    file.target = arena_print(arena, "%s/%.*s", output->root, STR_ARGS(file.below)).ptr;
    const char *staging = output->replaces ? staging_path(output) : output->root;
    if (output->replaces)
        file.temporary = arena_print(arena, "%s/%llu-%zu%.*s", staging, (unsigned long long)epoch,
                                     output->files_len, STR_ARGS(name))
                             .ptr;
    else
        file.temporary = arena_print(arena, "%s/.%.*s.tmp", staging, STR_ARGS(name)).ptr;
    if (strlen(file.target) >= 1000 || strlen(file.temporary) >= 1000) {
        error_set(err, ERROR_DATA, "files: the path is too long: %.300s..", file.target);
        return NULL;
    }
    if (!path_is_folder(staging) && !folder_create(staging, err))
        return NULL;
    output->files[output->files_len++] = file;
    return file.temporary;
}

// Renames all files into place and makes their folders durable, each once.
static bool files_place(struct output *output, struct error *err)
{
    for (size_t i = 0; i < output->files_len; i++) {
        const struct output_file *file = &output->files[i];
        if (!folder_make(output, file->folder, err) ||
            !file_rename(file->temporary, file->target, err))
            return false;
    }
    const char *last = "";
    for (size_t i = 0; i < output->files_len; i++) {
        const char *folder = output->files[i].folder;
        if (strcmp(folder, last) != 0 && !file_sync_folder(folder, err))
            return false;
        last = folder;
    }
    return true;
}

bool output_publish(struct output *output, struct error *err)
{
    if (output->replaces || output->files_len == 0)
        return true;
    if (!output->is_claimed) {
        const char *folder = arena_print(&output->arena, "%s/_firesteel", output->root).ptr;
        if (!folder_create(folder, err) ||
            !file_write_whole(memory_path(output, ".checkpoint"), output->checkpoint, err))
            return false;
        output->is_claimed = true;
    }
    FAILPOINT("files.written");
    if (!files_place(output, err))
        return false;
    FAILPOINT("files.renamed");
    output->files_len = 0;
    // Names of past deliveries are not needed again.
    struct arena fresh = {0};
    output->root = arena_cstr(&fresh, str_of(output->root));
    output->owner = arena_cstr(&fresh, str_of(output->owner));
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
        paths[i] = output->files[i].below;
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
        if (!file_remove(arena_print(&output->arena, "%s/%.*s", output->root, STR_ARGS(path)).ptr,
                         err))
            return false;
    }
    return true;
}

static bool switch_over(struct output *output, struct buf *old, struct buf *both, struct buf *fresh,
                        struct error *err)
{
    const char *list = memory_path(output, ".files");
    const char *success = arena_print(&output->arena, "%s/_SUCCESS", output->root).ptr;
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
    if (path_exists(list) && !file_read_whole(list, old, err))
        return false;
    buf_add_str(both, buf_str(old));
    buf_add_str(both, buf_str(fresh));
    const char *memory = arena_print(&output->arena, "%s/_firesteel", output->root).ptr;
    if (!folder_create(memory, err) || !file_remove(success, err) ||
        !file_write_whole(list, buf_str(both), err))
        return false;
    FAILPOINT("files.written");
    if (!files_place(output, err))
        return false;
    FAILPOINT("files.renamed");
    return old_remove(output, buf_str(old), paths, err) &&
           file_write_whole(list, buf_str(fresh), err) &&
           folder_remove_tree(staging_path(output), err) &&
           file_write_whole(success, (struct str){"", 0}, err);
}

bool output_finish(struct output *output, struct error *err)
{
    if (!output->replaces)
        return true;
    AUTO(buf_clear) struct buf old = {0};
    AUTO(buf_clear) struct buf both = {0};
    AUTO(buf_clear) struct buf fresh = {0};
    return folder_create(output->root, err) && switch_over(output, &old, &both, &fresh, err);
}
