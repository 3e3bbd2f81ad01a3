// SPDX-License-Identifier: MIT
// The only place that makes bytes durable. Everything the checkpoint or a sink relies on after a
// crash goes through here, so a test can count durable operations, fail the n-th one (EIO, ENOSPC,
// short write, kill), and drop un-synced writes at a simulated power loss (failpoints file.write,
// file.fsync, file.rename, file.remove, file.truncate; see failpoint.h).
#ifndef FIRESTEEL_FILE_H
#define FIRESTEEL_FILE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

struct file {
    int fd;       // -1: closed
    int64_t size; // bytes written so far (append position)
    char path[1024];
};

// Append-only writer. `create` truncates what was there; otherwise the file must exist and its
// content beyond `keep_bytes` (when >= 0) is cut off.
MUST_USE bool file_create(struct file *file, const char *path, struct error *err);
MUST_USE bool file_open_append(struct file *file, const char *path, int64_t keep_bytes,
                               struct error *err);
MUST_USE bool file_append(struct file *file, const void *bytes, size_t len, struct error *err);
// ENOSPC and EDQUOT give ERROR_RETRY; EIO and a failed fsync give ERROR_FATAL (never retried).
MUST_USE bool file_sync(struct file *file, struct error *err);
void file_close(struct file *file);

MUST_USE bool file_sync_path(const char *path, struct error *err); // a file another library wrote
MUST_USE bool file_sync_folder(const char *path, struct error *err);
MUST_USE bool file_rename(const char *from, const char *to, struct error *err);
MUST_USE bool file_remove(const char *path, struct error *err); // absent is fine
MUST_USE bool file_write_whole(const char *path, struct str bytes,
                               struct error *err); // temp, fsync, rename, folder fsync
MUST_USE bool file_read_whole(const char *path, struct buf *out, struct error *err);
MUST_USE bool folder_create(const char *path, struct error *err); // with parents
bool path_exists(const char *path);
bool path_is_folder(const char *path);
int64_t path_size(const char *path); // -1 when absent
int64_t path_modified_us(const char *path);
// Names (not paths) in byte order; no "." and "..".
MUST_USE bool folder_list(const char *path, struct arena *arena, struct str **names, size_t *count,
                          struct error *err);
MUST_USE bool folder_remove_tree(const char *path, struct error *err); // absent is fine
int64_t path_free_bytes(const char *path);

// Exclusive advisory lock held while fd stays open; the file holds the owner's pid as text. A lock
// is never stolen. False with ERROR_RETRY (exit 75) names the holder's pid.
MUST_USE bool file_lock(const char *path, int *fd, struct error *err);
void file_unlock(int *fd);

// Simulated power loss for tests: when on, every file remembers what was synced; file_drop_unsynced
// puts each file back to that content (and undoes un-synced creations and renames).
void file_track_unsynced(bool on);
void file_drop_unsynced(void);

#endif
