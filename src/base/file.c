// SPDX-License-Identifier: MIT
// Durable bytes. Three rules:
// - A failed append leaves `size` where it was and cuts the file back, so that a repeat (disk full)
//   writes the same place again; writing is by position, never by "the end".
// - A failed fsync is FATAL: the kernel may have dropped the pages and would call the next fsync a
//   success. Disk full is RETRY, everything else that fails a write is FATAL.
// - Each durable step passes a failpoint first, so that a harness can count and break every one.
#include "base/file.h"
#include "base/failpoint.h"
#include "base/powerloss.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum error_kind write_kind(int number)
{
    return number == ENOSPC || number == EDQUOT ? ERROR_RETRY : ERROR_FATAL;
}

static enum error_kind open_kind(int number)
{
    switch (number) {
    case ENOENT:
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
    case ELOOP:
        return ERROR_USER;
    default:
        return write_kind(number);
    }
}

// One durable step about to happen: false when a failpoint fails it. *is_short is set for a write
// that shall stop in the middle.
static bool step_begin(const char *failpoint, const char *path, bool *is_short, struct error *err)
{
    if (LIKELY(!failpoint_active))
        return true;
    switch (failpoint_hit(failpoint)) {
    case FAILPOINT_CRASH:
        return error_set(err, ERROR_FATAL, "failpoint %s: %s", failpoint, path);
    case FAILPOINT_EIO:
        return error_set_errno(err, ERROR_FATAL, EIO, "%s: %s", failpoint, path);
    case FAILPOINT_ENOSPC:
        return error_set_errno(err, ERROR_RETRY, ENOSPC, "%s: %s", failpoint, path);
    case FAILPOINT_SHORT:
        if (is_short == NULL)
            return error_set_errno(err, ERROR_FATAL, EIO, "%s: %s", failpoint, path);
        *is_short = true;
        return true;
    case FAILPOINT_NONE:
    case FAILPOINT_KILL:
    case FAILPOINT_EXIT:
        break;
    }
    return true;
}

static bool set_path(struct file *file, const char *path, struct error *err)
{
    file->fd = -1;
    file->size = 0;
    if (strlen(path) >= sizeof(file->path))
        return error_set(err, ERROR_USER, "cannot open %s: the path is longer than %zu bytes", path,
                         sizeof(file->path) - 1);
    snprintf(file->path, sizeof(file->path), "%s", path);
    return true;
}

bool file_create(struct file *file, const char *path, struct error *err)
{
    if (!set_path(file, path, err))
        return false;
    powerloss_before_open(path);
    file->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file->fd < 0)
        return error_set_errno(err, open_kind(errno), errno, "cannot create %s", path);
    powerloss_after_create(path);
    return true;
}

static bool truncate_to(struct file *file, int64_t size, struct error *err)
{
    if (!step_begin("file.truncate", file->path, NULL, err))
        return false;
    if (ftruncate(file->fd, size) != 0)
        return error_set_errno(err, write_kind(errno), errno, "cannot cut %s to %lld bytes",
                               file->path, (long long)size);
    powerloss_after_truncate(file->path, size);
    file->size = size;
    return true;
}

static bool open_to_append(struct file *file, int64_t keep_bytes, struct error *err)
{
    struct stat status;
    if (fstat(file->fd, &status) != 0)
        return error_set_errno(err, ERROR_FATAL, errno, "cannot look at %s", file->path);
    file->size = status.st_size;
    if (keep_bytes < 0 || keep_bytes == file->size)
        return true;
    if (keep_bytes > file->size)
        return error_set(err, ERROR_FATAL,
                         "%s has %lld bytes, but %lld were made durable: the file was cut by "
                         "somebody else; restore it",
                         file->path, (long long)file->size, (long long)keep_bytes);
    return truncate_to(file, keep_bytes, err);
}

bool file_open_append(struct file *file, const char *path, int64_t keep_bytes, struct error *err)
{
    if (!set_path(file, path, err))
        return false;
    powerloss_before_open(path);
    file->fd = open(path, O_RDWR | O_CLOEXEC);
    if (file->fd < 0)
        return error_set_errno(err, open_kind(errno), errno, "cannot open %s", path);
    if (open_to_append(file, keep_bytes, err))
        return true;
    file_close(file);
    return false;
}

static bool write_at(int fd, const char *bytes, size_t len, int64_t offset)
{
    size_t at = 0;
    while (at < len) {
        ssize_t put = pwrite(fd, bytes + at, len - at, offset + (int64_t)at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        at += (size_t)put;
    }
    return true;
}

bool file_append(struct file *file, const void *bytes, size_t len, struct error *err)
{
    ASSERT(file->fd >= 0);
    bool is_short = false;
    if (!step_begin("file.write", file->path, &is_short, err))
        return false;
    bool good = write_at(file->fd, bytes, is_short ? len / 2 : len, file->size);
    int number = errno;
    if (is_short) { // half of it stays in the file, as after a crash inside the call
        return error_set_errno(err, ERROR_RETRY, ENOSPC, "file.write: %s: %zu of %zu bytes written",
                               file->path, len / 2, len);
    }
    if (!good) {
        error_set_errno(err, write_kind(number), number, "cannot write %zu bytes to %s", len,
                        file->path);
        // Best effort: what stays behind is a torn tail, which every reader has to know anyway.
        UNUSED int ignored = ftruncate(file->fd, file->size);
        return false;
    }
    file->size += (int64_t)len;
    return true;
}

static bool sync_fd(int fd, const char *path, struct error *err)
{
    if (!step_begin("file.fsync", path, NULL, err)) {
        // Whatever the failpoint named, a failed fsync is never repeated.
        if (err != NULL && err->kind == ERROR_RETRY)
            err->kind = ERROR_FATAL;
        return false;
    }
    if (fsync(fd) != 0)
        return error_set_errno(err, ERROR_FATAL, errno, "cannot make %s durable", path);
    return true;
}

bool file_sync(struct file *file, struct error *err)
{
    ASSERT(file->fd >= 0);
    if (!sync_fd(file->fd, file->path, err))
        return false;
    powerloss_after_sync(file->path);
    return true;
}

void file_close(struct file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

static bool sync_path(const char *path, int flags, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    if (fd < 0)
        return error_set_errno(err, open_kind(errno), errno, "cannot open %s to make it durable",
                               path);
    bool good = sync_fd(fd, path, err);
    close(fd);
    return good;
}

bool file_sync_path(const char *path, struct error *err)
{
    if (!sync_path(path, 0, err))
        return false;
    powerloss_after_sync(path);
    return true;
}

bool file_sync_folder(const char *path, struct error *err)
{
    if (!sync_path(path[0] == 0 ? "." : path, O_DIRECTORY, err))
        return false;
    powerloss_after_sync_folder(path[0] == 0 ? "." : path);
    return true;
}

bool file_rename(const char *from, const char *to, struct error *err)
{
    if (!step_begin("file.rename", to, NULL, err))
        return false;
    powerloss_before_rename(from, to);
    if (rename(from, to) != 0)
        return error_set_errno(err, open_kind(errno), errno, "cannot rename %s to %s", from, to);
    powerloss_after_rename(from, to);
    return true;
}

bool file_remove(const char *path, struct error *err)
{
    if (!step_begin("file.remove", path, NULL, err))
        return false;
    powerloss_before_remove(path);
    if (unlink(path) != 0 && errno != ENOENT)
        return error_set_errno(err, open_kind(errno), errno, "cannot remove %s", path);
    powerloss_after_remove(path);
    return true;
}

// Folder part of a path, "." when there is none, "/" for what stands in the root.
static void folder_of(const char *path, char *folder, size_t size)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        snprintf(folder, size, ".");
    else if (slash == path)
        snprintf(folder, size, "/");
    else
        snprintf(folder, size, "%.*s", (int)(slash - path), path);
}

bool file_write_whole(const char *path, struct str bytes, struct error *err)
{
    char temporary[1024], folder[1024];
    if (strlen(path) + 5 > sizeof(temporary))
        return error_set(err, ERROR_USER, "cannot write %s: the path is too long", path);
    snprintf(temporary, sizeof(temporary), "%s.tmp", path);
    folder_of(path, folder, sizeof(folder));
    struct file file;
    if (!file_create(&file, temporary, err))
        return false;
    bool good = file_append(&file, bytes.ptr, bytes.len, err) && file_sync(&file, err);
    file_close(&file);
    if (!good) {
        unlink(temporary);
        return false;
    }
    return file_rename(temporary, path, err) && file_sync_folder(folder, err);
}

static bool read_all(int fd, struct buf *out)
{
    struct stat status;
    if (fstat(fd, &status) == 0 && status.st_size > 0)
        buf_reserve(out, (size_t)status.st_size + 1);
    for (;;) {
        buf_reserve(out, 4096);
        ssize_t got = read(fd, out->ptr + out->len, out->capacity - out->len);
        if (got == 0)
            return true;
        if (got < 0 && errno != EINTR)
            return false;
        out->len += got > 0 ? (size_t)got : 0;
    }
}

bool file_read_whole(const char *path, struct buf *out, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, open_kind(errno), errno, "cannot open %s", path);
    bool good = read_all(fd, out);
    int number = errno;
    close(fd);
    if (!good)
        return error_set_errno(err, open_kind(number), number, "cannot read %s", path);
    return true;
}

// Names the process that holds the lock. It may not have written its pid yet.
static bool lock_held(const char *path, int fd, struct error *err)
{
    char holder[32] = "";
    ssize_t len = pread(fd, holder, sizeof(holder) - 1, 0);
    holder[len > 0 ? len : 0] = 0;
    holder[strcspn(holder, "\n")] = 0;
    return error_set_exit(err, ERROR_RETRY, EXIT_LATER,
                          "%s is locked by process %s; one pipeline has one running process: stop "
                          "that one, or use another checkpoint folder",
                          path, holder[0] == 0 ? "(not known yet)" : holder);
}

bool file_lock(const char *path, int *fd, struct error *err)
{
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (*fd < 0)
        return error_set_errno(err, open_kind(errno), errno, "cannot open the lock file %s", path);
    // flock and not fcntl: it also keeps two jobs of one process apart, and is not lost when some
    // other part of the program opens and closes the same file.
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        bool held = errno == EWOULDBLOCK;
        if (held)
            lock_held(path, *fd, err);
        else
            error_set_errno(err, ERROR_FATAL, errno, "cannot lock %s", path);
        close(*fd);
        *fd = -1;
        return false;
    }
    char text[32];
    int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (ftruncate(*fd, 0) != 0 || !write_at(*fd, text, (size_t)len, 0)) {
        error_set_errno(err, write_kind(errno), errno, "cannot write the lock file %s", path);
        file_unlock(fd);
        return false;
    }
    return true;
}

void file_unlock(int *fd)
{
    if (*fd >= 0)
        close(*fd); // ends the lock; the file stays, removing it would open a race
    *fd = -1;
}
