// SPDX-License-Identifier: MIT
// Simulated power loss, the strict reading of what a file system promises:
// - bytes of a file are durable up to its last fsync;
// - a name (creation, rename, removal) is durable only after an fsync of its folder.
// Two maps from path to inode say what stands now and what would stand after power loss; an inode
// remembers its synced bytes. A file that existed when it was first touched counts as durable.
// Real disks keep more than this on a good day. The tests want the bad day.
#include "base/powerloss.h"
#include "base/arena.h"
#include "base/file.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct inode {
    struct inode *next; // all of them, to be freed together
    struct buf synced;
    size_t changed_from; // bytes before it are still as synced; appending leaves it alone
};

struct name {
    struct name *next;
    struct inode *now;     // NULL: there is no such file
    struct inode *durable; // after power loss
    char path[];
};

static _Atomic bool tracking;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct name *names;
static struct inode *inodes;

static struct inode *inode_new(void)
{
    struct inode *inode = heap_new(sizeof(*inode));
    inode->next = inodes;
    inodes = inode;
    return inode;
}

// Brings inode->synced up to what the file holds now.
static void inode_load(struct inode *inode, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    size_t at = inode->changed_from < inode->synced.len ? inode->changed_from : inode->synced.len;
    inode->synced.len = at;
    for (;;) {
        buf_reserve(&inode->synced, 65536);
        ssize_t got =
            pread(fd, inode->synced.ptr + inode->synced.len, 65536, (off_t)inode->synced.len);
        if (got <= 0)
            break;
        inode->synced.len += (size_t)got;
    }
    inode->changed_from = inode->synced.len;
    close(fd);
}

static struct name *name_find(const char *path)
{
    for (struct name *name = names; name != NULL; name = name->next) {
        if (strcmp(name->path, path) == 0)
            return name;
    }
    return NULL;
}

static struct name *name_note(const char *path)
{
    struct name *name = name_find(path);
    if (name != NULL)
        return name;
    size_t len = strlen(path);
    name = heap_new(sizeof(*name) + len + 1);
    memcpy(name->path, path, len);
    name->next = names;
    names = name;
    if (path_exists(path)) {
        name->now = name->durable = inode_new();
        inode_load(name->now, path);
    }
    return name;
}

static void forget_all(void)
{
    while (names != NULL) {
        struct name *next = names->next;
        heap_free(names);
        names = next;
    }
    while (inodes != NULL) {
        struct inode *next = inodes->next;
        buf_clear(&inodes->synced);
        heap_free(inodes);
        inodes = next;
    }
}

void powerloss_before_open(const char *path)
{
    if (!tracking)
        return;
    pthread_mutex_lock(&mutex);
    name_note(path);
    pthread_mutex_unlock(&mutex);
}

void powerloss_after_create(const char *path)
{
    if (!tracking)
        return;
    pthread_mutex_lock(&mutex);
    struct name *name = name_note(path);
    if (name->now == NULL)
        name->now = inode_new();
    name->now->changed_from = 0;
    pthread_mutex_unlock(&mutex);
}

void powerloss_after_truncate(const char *path, int64_t size)
{
    if (!tracking)
        return;
    pthread_mutex_lock(&mutex);
    struct name *name = name_note(path);
    if (name->now != NULL && (size_t)size < name->now->changed_from)
        name->now->changed_from = (size_t)size;
    pthread_mutex_unlock(&mutex);
}

void powerloss_after_sync(const char *path)
{
    if (!tracking)
        return;
    pthread_mutex_lock(&mutex);
    struct name *name = name_find(path);
    if (name == NULL) { // written by another library: its name is still at stake
        name = name_note(path);
        name->durable = NULL;
        if (name->now != NULL)
            name->now->changed_from = 0;
    }
    if (name->now == NULL)
        name->now = inode_new();
    inode_load(name->now, path);
    pthread_mutex_unlock(&mutex);
}

void powerloss_before_rename(const char *from, const char *to)
{
    powerloss_before_open(from);
    powerloss_before_open(to);
}

void powerloss_after_rename(const char *from, const char *to)
{
    if (!tracking)
        return;
    pthread_mutex_lock(&mutex);
    struct name *source = name_note(from), *target = name_note(to);
    target->now = source->now;
    source->now = NULL;
    pthread_mutex_unlock(&mutex);
}

void powerloss_before_remove(const char *path)
{
    powerloss_before_open(path);
}

void powerloss_after_remove(const char *path)
{
    if (!tracking)
        return;
    pthread_mutex_lock(&mutex);
    name_note(path)->now = NULL;
    pthread_mutex_unlock(&mutex);
}

static struct str without_slash(const char *path)
{
    struct str folder = str_of(path);
    while (folder.len > 1 && folder.ptr[folder.len - 1] == '/')
        folder.len--;
    return folder;
}

static bool is_below(const char *path, struct str folder)
{
    return strncmp(path, folder.ptr, folder.len) == 0 && path[folder.len] == '/';
}

void powerloss_after_sync_folder(const char *path)
{
    if (!tracking)
        return;
    struct str folder = without_slash(path);
    pthread_mutex_lock(&mutex);
    for (struct name *name = names; name != NULL; name = name->next) {
        bool here = str_is(folder, ".") && strchr(name->path, '/') == NULL;
        if (here ||
            (is_below(name->path, folder) && strchr(name->path + folder.len + 1, '/') == NULL))
            name->durable = name->now;
    }
    pthread_mutex_unlock(&mutex);
}

void powerloss_after_remove_tree(const char *path)
{
    if (!tracking)
        return;
    struct str folder = without_slash(path);
    pthread_mutex_lock(&mutex);
    for (struct name *name = names; name != NULL; name = name->next) {
        if (is_below(name->path, folder) || str_is(folder, name->path))
            name->now = name->durable = NULL;
    }
    pthread_mutex_unlock(&mutex);
}

void file_track_unsynced(bool on)
{
    pthread_mutex_lock(&mutex);
    forget_all();
    tracking = on;
    pthread_mutex_unlock(&mutex);
}

static void put_back(const struct name *name)
{
    // Always a new file: two names may share what was one file before a rename.
    unlink(name->path);
    if (name->durable == NULL)
        return;
    int fd = open(name->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    const struct buf *bytes = &name->durable->synced;
    bool good = fd >= 0;
    for (size_t at = 0; good && at < bytes->len;) {
        ssize_t put = write(fd, bytes->ptr + at, bytes->len - at);
        good = put > 0;
        at += good ? (size_t)put : 0;
    }
    if (!good)
        fprintf(stderr, "firesteel: power loss simulation cannot put back %s\n", name->path);
    if (fd >= 0)
        close(fd);
}

void file_drop_unsynced(void)
{
    if (!tracking)
        return;
    pthread_mutex_lock(&mutex);
    for (const struct name *name = names; name != NULL; name = name->next)
        put_back(name);
    forget_all();
    pthread_mutex_unlock(&mutex);
}
