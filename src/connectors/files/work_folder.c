// SPDX-License-Identifier: MIT
// A folder belongs to a living process as long as the lock on the file `lock` in it is held: the
// kernel gives the lock back when the process dies, however it dies. So a folder whose lock is to
// be had has no owner and is removed. A folder without that file is being made at this moment, and
// is left alone.
#include "connectors/files/work_folder.h"

#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "firesteel-work-"

// A folder that another user made under this name is not ours to touch.
static bool is_mine(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid();
}

static void sweep(const char *above)
{
    AUTO(arena_clear) struct arena arena = {0};
    struct str *names;
    size_t len;
    struct error ignored = {0};
    if (!folder_list(above, &arena, &names, &len, &ignored))
        return;
    for (size_t i = 0; i < len; i++) {
        if (!str_starts(names[i], PREFIX))
            continue;
        const char *path = arena_print(&arena, "%s/%.*s", above, STR_ARGS(names[i])).ptr;
        const char *lock = arena_print(&arena, "%s/lock", path).ptr;
        int fd = is_mine(path) ? open(lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;
        if (fd < 0)
            continue;
        bool is_left = flock(fd, LOCK_EX | LOCK_NB) == 0;
        bool is_removed = is_left && folder_remove_tree(path, &ignored);
        (void)is_removed; // the next one tries again
        close(fd);
    }
}

bool work_folder_open(struct work_folder *folder, struct error *err)
{
    char lock[sizeof(folder->path) + 8];
    const char *above = getenv("TMPDIR");
    above = above != NULL && above[0] != 0 ? above : "/tmp";
    folder->lock = -1;
    if (!path_is_folder(above))
        return error_set(err, ERROR_USER, "files: TMPDIR = '%s' is no folder", above);
    sweep(above);
    int len = snprintf(folder->path, sizeof(folder->path), "%s/" PREFIX "XXXXXX", above);
    if (len < 0 || (size_t)len >= sizeof(folder->path))
        return error_set(err, ERROR_USER, "files: TMPDIR is too long: %.300s", above);
    if (mkdtemp(folder->path) == NULL)
        return error_set_errno(err, ERROR_FATAL, errno, "files: cannot make a folder in %s", above);
    snprintf(lock, sizeof(lock), "%s/lock", folder->path);
    // Locked before it has its name, so that no sweep finds it without an owner.
    char first[sizeof(lock) + 8];
    snprintf(first, sizeof(first), "%s.new", lock);
    folder->lock = open(first, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (folder->lock >= 0 && flock(folder->lock, LOCK_EX) == 0 && file_rename(first, lock, err))
        return true;
    if (err->kind == ERROR_NONE)
        error_set_errno(err, ERROR_FATAL, errno, "files: cannot lock %s", first);
    work_folder_close(folder);
    return false;
}

void work_folder_close(struct work_folder *folder)
{
    struct error ignored = {0};
    if (folder->path[0] == 0)
        return;
    bool is_removed = folder_remove_tree(folder->path, &ignored);
    (void)is_removed; // the next process sweeps it
    if (folder->lock >= 0)
        close(folder->lock);
    *folder = (struct work_folder){.lock = -1};
}
