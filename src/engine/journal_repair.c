// SPDX-License-Identifier: MIT
// Repair on the user's demand: what a start refuses to decide alone. The damaged file is first kept
// whole as <name>.damaged, then cut at its first bad record (or set aside, when an older file still
// stands). What is lost may have been delivered already; sinks that remember their epoch then
// refuse with exit 4, so repair cannot make doubles in silence.
#include "engine/journal_format.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// Sinks remember the generation that wrote to them. The lost file may have known a higher one than
// any record shows: starts that wrote no frame.
#define GENERATIONS_SKIPPED 1000

static bool copy_aside(const char *path, struct str bytes, struct buf *report, struct error *err)
{
    char aside[JOURNAL_PATH_MAX + 16];
    snprintf(aside, sizeof(aside), "%s.damaged", path);
    if (!file_write_whole(aside, bytes, err))
        return false;
    buf_print(report, "kept %s\n", aside);
    return true;
}

static size_t count_records_after(struct str bytes, const struct journal_scan *scan)
{
    size_t count = 0;
    struct record record;
    for (size_t at = (size_t)scan->good_bytes; at < bytes.len;) {
        if (record_read(str_slice(bytes, at, bytes.len), scan->header.crc, &record)) {
            count++;
            at += record.bytes;
        } else {
            at++;
        }
    }
    return count;
}

static bool cut_file(const char *path, struct str bytes, const struct journal_scan *scan,
                     struct buf *report, struct error *err)
{
    struct file file = {.fd = -1};
    if (!copy_aside(path, bytes, report, err))
        return false;
    bool good = file_open_append(&file, path, scan->good_bytes, err) && file_sync(&file, err);
    file_close(&file);
    if (good)
        buf_print(report,
                  "cut %s at byte %" PRId64 " (%s): epoch %" PRIu64 " is now the last one, %zu "
                  "readable records behind it are given up\n",
                  path, scan->good_bytes, scan->damage, scan->epoch,
                  count_records_after(bytes, scan));
    return good;
}

// The newest file has no base to stand on: only an older file can take its place.
static bool set_aside(const char *folder, const char *path, struct str bytes,
                      const struct journal_scan *scan, size_t older, struct buf *report,
                      struct error *err)
{
    if (older == 0)
        return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                              "cannot repair %s: %s at byte %" PRId64 ", and no older journal "
                              "file is there to go back to; restore the folder from a copy",
                              path, scan->damage, scan->good_bytes);
    if (!copy_aside(path, bytes, report, err) || !file_remove(path, err) ||
        !file_sync_folder(folder, err))
        return false;
    buf_print(report, "set %s aside (%s): the journal file before it counts again\n", path,
              scan->damage);
    return true;
}

// *again: an older file has become the newest and wants a look.
static bool repair_newest(const char *folder, const struct journal_files *files, bool *again,
                          struct journal_scan *scan, struct buf *report, struct error *err)
{
    AUTO(buf_clear) struct buf bytes = {0};
    char path[JOURNAL_PATH_MAX];
    uint64_t number = files->numbers[files->len - 1];
    *again = false;
    if (!journal_file_path(folder, number, path, err) || !file_read_whole(path, &bytes, err) ||
        !journal_scan_bytes(buf_str(&bytes), number, scan, err))
        return false;
    if (!scan->is_damaged) {
        if (scan->file_bytes > scan->good_bytes)
            buf_print(report,
                      "%s ends with %" PRId64 " bytes of a frame that was never finished: the "
                      "next start cuts them off by itself\n",
                      path, scan->file_bytes - scan->good_bytes);
        return true;
    }
    if (scan->records > 0)
        return cut_file(path, buf_str(&bytes), scan, report, err);
    *again = true;
    return set_aside(folder, path, buf_str(&bytes), scan, files->len - 1, report, err);
}

static bool repair_generation(const char *folder, const struct journal_scan *scan,
                              struct buf *report, struct error *err)
{
    struct journal_identity identity;
    struct error ignored = {0};
    bool exists;
    if (generation_read(folder, &identity, &exists, &ignored) && exists &&
        identity.generation >= scan->generation && strcmp(identity.uuid, scan->header.uuid) == 0)
        return true;
    memcpy(identity.uuid, scan->header.uuid, sizeof(identity.uuid));
    identity.generation = scan->generation + GENERATIONS_SKIPPED;
    if (!generation_write(folder, &identity, err))
        return false;
    buf_print(report,
              "made %s/generation new from the journal: checkpoint %s, generation %" PRIu64 "\n",
              folder, identity.uuid, identity.generation);
    return true;
}

static bool repair_locked(const char *folder, struct buf *report, struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    struct journal_scan scan = {0};
    bool again = true;
    while (again) {
        struct journal_files files;
        if (!journal_files_list(folder, &arena, &files, err))
            return false;
        if (files.len == 0)
            return error_set(err, ERROR_USER, "%s holds no journal: nothing to repair", folder);
        if (!repair_newest(folder, &files, &again, &scan, report, err))
            return false;
    }
    return repair_generation(folder, &scan, report, err);
}

bool journal_repair(const char *folder, struct buf *report, struct error *err)
{
    char path[JOURNAL_PATH_MAX];
    int lock = -1;
    if (!path_is_folder(folder))
        return error_set(err, ERROR_USER, "%s: there is no such checkpoint folder", folder);
    if (!journal_path(folder, "lock", path, err) || !file_lock(path, &lock, err))
        return false;
    size_t before = report->len;
    bool good = repair_locked(folder, report, err);
    file_unlock(&lock);
    if (good && report->len == before)
        buf_print(report, "%s is whole: nothing to repair\n", folder);
    return good;
}
