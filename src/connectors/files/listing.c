// SPDX-License-Identifier: MIT
// The pattern is cut into components; the leading ones without wildcards are the folder where the
// walk begins. The walk keeps its own stack of folders (no recursion on input depth) and prunes a
// folder as soon as its path cannot match. Matching with ** is a small backtracking over
// components.
//
// A folder that may not be read is never taken for an empty one: its rows would be missing without
// a word. Only what vanished meanwhile is passed over.
#include "connectors/files/listing.h"

#include "base/file.h"
#include "base/option.h"
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// A folder still to be read, below the first one.
struct pending_folder {
    const char *path;
    size_t depth;
    const char *names[COMPONENTS_MAX]; // path components below the first folder
};

struct walk {
    struct arena *arena;
    const char *folder;
    struct name_pattern pattern;
    struct pending_folder **stack;
    size_t stack_len, stack_capacity;
    struct listed *files;
    size_t files_len, files_capacity;
};

const char *listing_place(struct str path, const char *folder, struct arena *arena)
{
    if (folder == NULL || folder[0] == 0 || (path.len > 0 && path.ptr[0] == '/'))
        return arena_cstr(arena, path);
    return arena_print(arena, "%s/%.*s", folder, STR_ARGS(path)).ptr;
}

static bool is_wild(const char *component)
{
    return strpbrk(component, "*?[") != NULL;
}

static bool is_hidden(const char *name, const char *component)
{
    if (name[0] == '.')
        return component == NULL || component[0] != '.';
    // A partition folder `_day=1` is data, as Spark sees it.
    return name[0] == '_' && strchr(name, '=') == NULL &&
           (component == NULL || component[0] != '_');
}

static bool component_matches(const char *component, const char *name)
{
    return fnmatch(component, name, 0) == 0 && !is_hidden(name, component);
}

// Do the names match the whole pattern? `only_prefix`: could something below them?
static bool names_match(const struct name_pattern *pattern, const char *const *names,
                        size_t names_len, bool only_prefix)
{
    size_t at = 0, name = 0;
    size_t star = SIZE_MAX, star_name = 0; // newest ** and the name after what it swallowed
    for (;;) {
        if (name == names_len) {
            if (only_prefix)
                return at < pattern->len || star != SIZE_MAX;
            while (at < pattern->len && strcmp(pattern->components[at], "**") == 0)
                at++;
            return at == pattern->len;
        }
        if (at < pattern->len && strcmp(pattern->components[at], "**") == 0) {
            star = at++;
            star_name = name;
            continue;
        }
        if (at < pattern->len && component_matches(pattern->components[at], names[name])) {
            at++;
            name++;
            continue;
        }
        if (star == SIZE_MAX || is_hidden(names[star_name], NULL))
            return false;
        name = ++star_name;
        at = star + 1;
    }
}

bool name_pattern_parse(struct name_pattern *pattern, struct str text, struct arena *arena,
                        struct error *err)
{
    *pattern = (struct name_pattern){0};
    for (size_t at = 0; at < text.len;) {
        struct str rest = str_slice(text, at, text.len);
        int64_t slash = str_find(rest, '/');
        struct str component = str_slice(rest, 0, slash < 0 ? rest.len : (size_t)slash);
        at += component.len + 1;
        if (component.len == 0)
            continue;
        if (pattern->len == COMPONENTS_MAX)
            return error_set(err, ERROR_USER, "files: path '%.*s' has more than %d components",
                             STR_ARGS(text), COMPONENTS_MAX);
        pattern->components[pattern->len++] = arena_cstr(arena, component);
    }
    return true;
}

bool name_pattern_matches(const struct name_pattern *pattern, struct str path)
{
    char text[1100]; // a key has at most 1,024 bytes
    const char *names[COMPONENTS_MAX];
    size_t len = 0;
    if (path.len >= sizeof(text))
        return false;
    memcpy(text, path.ptr, path.len);
    text[path.len] = 0;
    for (char *at = text; at != NULL && len < COMPONENTS_MAX;) {
        char *slash = strchr(at, '/');
        if (slash != NULL)
            *slash = 0;
        if (at[0] != 0)
            names[len++] = at;
        at = slash != NULL ? slash + 1 : NULL;
    }
    return names_match(pattern, names, len, false);
}

static void folder_push(struct walk *walk, const char *path, const struct pending_folder *parent,
                        const char *name)
{
    if (walk->stack_len == walk->stack_capacity) {
        size_t capacity = walk->stack_capacity == 0 ? 16 : walk->stack_capacity * 2;
        struct pending_folder **stack = ARENA_ARRAY(walk->arena, struct pending_folder *, capacity);
        if (walk->stack_len > 0)
            memcpy(stack, walk->stack, walk->stack_len * sizeof(struct pending_folder *));
        walk->stack = stack;
        walk->stack_capacity = capacity;
    }
    struct pending_folder *folder = ARENA_NEW(walk->arena, struct pending_folder);
    folder->path = path;
    if (parent != NULL) {
        memcpy(folder->names, parent->names, parent->depth * sizeof(folder->names[0]));
        folder->depth = parent->depth;
        folder->names[folder->depth++] = name;
    }
    walk->stack[walk->stack_len++] = folder;
}

static void file_add(struct walk *walk, struct str path, const struct stat *status)
{
    if (walk->files_len == walk->files_capacity) {
        size_t capacity = walk->files_capacity == 0 ? 64 : walk->files_capacity * 2;
        struct listed *files = ARENA_ARRAY(walk->arena, struct listed, capacity);
        if (walk->files_len > 0)
            memcpy(files, walk->files, walk->files_len * sizeof(*files));
        walk->files = files;
        walk->files_capacity = capacity;
    }
    walk->files[walk->files_len++] = (struct listed){
        .path = path,
        .size = status->st_size,
        .modified_us = status->st_mtim.tv_sec * US_PER_SECOND + status->st_mtim.tv_nsec / 1000};
}

// *is_there false: nothing is there. An answer such as "permission denied" is an error.
static bool status_of(const char *place, struct stat *status, bool *is_there, struct error *err)
{
    *is_there = stat(place, status) == 0;
    if (*is_there || errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
        return true;
    return error_set_errno(err, ERROR_RETRY, errno, "files: cannot look at %s", place);
}

static bool folder_read(struct walk *walk, const struct pending_folder *folder, struct error *err)
{
    struct str *names;
    size_t count;
    const char *place =
        listing_place(str_of(folder->path[0] == 0 ? "." : folder->path), walk->folder, walk->arena);
    if (!folder_list(place, walk->arena, &names, &count, err)) {
        struct stat status;
        bool is_there;
        struct error cause = *err;
        error_clear(err);
        if (!status_of(place, &status, &is_there, err))
            return false;
        if (!is_there) // it vanished meanwhile: matches nothing
            return true;
        return error_set(err, ERROR_RETRY, "files: %s", cause.text);
    }
    size_t prefix = strlen(folder->path);
    const char *slash = prefix > 0 && folder->path[prefix - 1] != '/' ? "/" : "";
    for (size_t i = 0; i < count; i++) {
        const char *below[COMPONENTS_MAX];
        memcpy(below, folder->names, folder->depth * sizeof(below[0]));
        const char *name = arena_cstr(walk->arena, names[i]);
        below[folder->depth] = name;
        size_t depth = folder->depth + 1;
        bool can_be_file = names_match(&walk->pattern, below, depth, false);
        bool can_be_folder =
            depth + 1 < COMPONENTS_MAX && names_match(&walk->pattern, below, depth, true);
        if (!can_be_file && !can_be_folder)
            continue;
        struct str path = arena_print(walk->arena, "%s%s%s", folder->path, slash, name);
        struct stat status;
        bool is_there;
        if (!status_of(listing_place(path, walk->folder, walk->arena), &status, &is_there, err))
            return false;
        if (!is_there)
            continue; // gone, or a link to nowhere
        if (S_ISDIR(status.st_mode) && can_be_folder)
            folder_push(walk, path.ptr, folder, name);
        else if (S_ISREG(status.st_mode) && can_be_file)
            file_add(walk, path, &status);
    }
    return true;
}

// Fills pattern with the components from the first wildcard on; *first is the folder before them.
static bool pattern_cut(struct walk *walk, struct str path, const char **first, struct error *err)
{
    struct name_pattern *pattern = &walk->pattern;
    char *text = arena_bytes(walk->arena, path.len + 1);
    memcpy(text, path.ptr, path.len);
    text[path.len] = 0;
    size_t first_len = text[0] == '/' ? 1 : 0;
    const char *rest = text;
    bool seen_wild = false;
    while (*rest != 0) {
        size_t len = strcspn(rest, "/");
        const char *component = arena_cstr(walk->arena, (struct str){rest, len});
        rest += len + (rest[len] == '/');
        seen_wild = seen_wild || is_wild(component);
        if (!seen_wild) {
            first_len = (size_t)(rest - text);
            continue;
        }
        if (len == 0)
            continue;
        if (pattern->len == COMPONENTS_MAX)
            return error_set(err, ERROR_USER, "files: path '%.*s' has more than %d components",
                             STR_ARGS(path), COMPONENTS_MAX);
        pattern->components[pattern->len++] = component;
    }
    while (first_len > 1 && text[first_len - 1] == '/')
        first_len--;
    *first = arena_cstr(walk->arena, (struct str){text, first_len});
    return true;
}

static int listed_compare(const void *a, const void *b)
{
    return str_compare(((const struct listed *)a)->path, ((const struct listed *)b)->path);
}

bool listing_make(struct str path, const char *folder, struct arena *arena, struct listed **files,
                  size_t *len, struct error *err)
{
    struct walk walk = {.arena = arena, .folder = folder};
    const char *first = "";
    if (!pattern_cut(&walk, path, &first, err))
        return false;
    if (walk.pattern.len == 0) {
        struct stat status;
        bool is_there;
        if (!status_of(listing_place(str_of(first), folder, arena), &status, &is_there, err))
            return false;
        if (is_there) {
            if (S_ISREG(status.st_mode))
                file_add(&walk, str_of(first), &status);
            walk.pattern.components[0] = "**";
            walk.pattern.components[1] = "*";
            walk.pattern.len = S_ISDIR(status.st_mode) ? 2 : 0;
        }
    }
    if (walk.pattern.len > 0)
        folder_push(&walk, first, NULL, NULL);
    while (walk.stack_len > 0) {
        const struct pending_folder *next = walk.stack[--walk.stack_len];
        if (!folder_read(&walk, next, err))
            return false;
    }
    if (walk.files_len > 1)
        qsort(walk.files, walk.files_len, sizeof(*walk.files), listed_compare);
    *files = walk.files;
    *len = walk.files_len;
    return true;
}

bool listing_is_missing(struct str path, const char *folder, struct arena *arena,
                        const char **nearest)
{
    *nearest = NULL;
    const char *text = arena_cstr(arena, path);
    if (is_wild(text) || path_exists(listing_place(path, folder, arena)))
        return false;
    // The first component that is not there is the mistyped one; its siblings are what was meant.
    size_t end = 0, begin = 0;
    do {
        begin = end + (text[end] == '/');
        end = begin + strcspn(text + begin, "/");
    } while (text[end] != 0 &&
             path_exists(listing_place((struct str){text, end > 0 ? end : 1}, folder, arena)));
    struct str above = {text, begin};
    struct str *names;
    size_t count;
    struct error err = {0};
    const char *place = listing_place(begin == 0 ? STR(".") : above, folder, arena);
    if (!folder_list(place, arena, &names, &count, &err))
        return true;
    const char **siblings = ARENA_ARRAY(arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        siblings[i] = names[i].ptr;
    const char *name = nearest_name((struct str){text + begin, end - begin}, siblings, count);
    if (name != NULL)
        *nearest = arena_print(arena, "%.*s%s%s", STR_ARGS(above), name, text + end).ptr;
    return true;
}
