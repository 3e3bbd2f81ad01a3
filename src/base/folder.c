// SPDX-License-Identifier: MIT
// Folders and questions about paths (contracts in file.h). A created folder is made durable in its
// parent at once: a checkpoint that lies in a folder nobody remembers is no checkpoint.
#include "base/failpoint.h"
#include "base/file.h"
#include "base/powerloss.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

bool path_exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0;
}

bool path_is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

int64_t path_size(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? status.st_size : -1;
}

int64_t path_modified_us(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return -1;
    return (int64_t)status.st_mtim.tv_sec * US_PER_SECOND + status.st_mtim.tv_nsec / 1000;
}

int64_t path_free_bytes(const char *path)
{
    struct statvfs status;
    if (statvfs(path, &status) != 0)
        return -1;
    return (int64_t)(status.f_bavail * status.f_frsize);
}

// Makes one folder; its parent is `path` up to `parent_len`.
static bool create_one(char *path, size_t parent_len, struct error *err)
{
    if (mkdir(path, 0755) != 0) {
        if (errno == EEXIST && path_is_folder(path))
            return true;
        enum error_kind kind = errno == ENOSPC || errno == EDQUOT ? ERROR_RETRY : ERROR_USER;
        return error_set_errno(err, kind, errno, "cannot create the folder %s", path);
    }
    char parent[1024] = ".";
    if (parent_len > 0)
        snprintf(parent, sizeof(parent), "%.*s", (int)parent_len, path);
    else if (path[0] == '/')
        snprintf(parent, sizeof(parent), "/");
    return file_sync_folder(parent, err);
}

bool folder_create(const char *path, struct error *err)
{
    char text[1024];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof(text))
        return error_set(err, ERROR_USER, "cannot create the folder '%s': the path is %s", path,
                         len == 0 ? "empty" : "too long");
    if (path_is_folder(path))
        return true;
    memcpy(text, path, len + 1);
    size_t parent_len = 0;
    for (size_t i = 1; i <= len; i++) {
        if (text[i] != '/' && text[i] != 0)
            continue;
        char kept = text[i];
        text[i] = 0;
        if (text[i - 1] != '/' && !path_is_folder(text) && !create_one(text, parent_len, err))
            return false;
        text[i] = kept;
        parent_len = i;
    }
    return true;
}

static int name_compare(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

bool folder_list(const char *path, struct arena *arena, struct str **names, size_t *count,
                 struct error *err)
{
    *names = NULL;
    *count = 0;
    DIR *folder = opendir(path);
    if (folder == NULL)
        return error_set_errno(err, errno == EMFILE ? ERROR_RETRY : ERROR_USER, errno,
                               "cannot list the folder %s", path);
    size_t capacity = 0;
    struct str *found = NULL;
    struct dirent *entry;
    while (errno = 0, (entry = readdir(folder)) != NULL) {
        struct str name = str_of(entry->d_name);
        if (str_is(name, ".") || str_is(name, ".."))
            continue;
        if (*count == capacity) {
            capacity = capacity == 0 ? 16 : capacity * 2;
            found = heap_resize(found, capacity * sizeof(*found));
        }
        found[(*count)++] = arena_str(arena, name);
    }
    int number = errno;
    closedir(folder);
    if (*count > 0) {
        qsort(found, *count, sizeof(*found), name_compare);
        *names = ARENA_ARRAY(arena, struct str, *count);
        memcpy(*names, found, *count * sizeof(*found));
    }
    heap_free(found);
    if (number != 0)
        return error_set_errno(err, ERROR_FATAL, number, "cannot list the folder %s", path);
    return true;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path) != 0 && errno != ENOENT ? -1 : 0;
}

bool folder_remove_tree(const char *path, struct error *err)
{
    FAILPOINT("file.remove");
    if (!path_exists(path))
        return true;
    // Depth first, and symbolic links are removed, not followed.
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
        return error_set_errno(err, ERROR_FATAL, errno, "cannot remove the folder %s", path);
    char parent[1024] = ".";
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    while (len > 0 && path[len - 1] != '/')
        len--;
    if (len > 0)
        snprintf(parent, sizeof(parent), "%.*s", (int)len, path);
    if (!file_sync_folder(parent, err))
        return false;
    powerloss_after_remove_tree(path);
    return true;
}
