// SPDX-License-Identifier: MIT
// The journal: what makes an epoch decided. Append-only files, because then a crash can hurt
// nothing but the end of the newest one, and because one fsync is all that a commit costs. No page
// file and no update in place: that would need a journal of its own.
//
// Folder
//   lock                 held by flock while a job runs; the pid as text
//   generation           uuid and generation as text with a checksum; replaced whole at each start
//   reserve              1 MB that the disk keeps for the frame of a graceful stop
//   journal-<8 digits>   numbered from 1; the highest number counts
//   journal-*.tmp        a base being written; means nothing, removed at open
//
// File, little endian
//   header, 64 bytes: "FSJOURNL", u32 version = 1, 36 bytes uuid, u64 file number, u32 zero,
//                     u32 CRC32C of the 60 bytes before it
//   then records:     u32 payload length, u32 type ("BASE" or "FRAM"), u64 epoch, u64 generation,
//                     u32 crc of the record before (of the header, for the first), payload,
//                     u32 CRC32C of all that, seeded with the header's crc
// The first record is the base, all others are frames with epochs one apart. The chain of checksums
// shows a record that is missing in the middle; the seed shows one that belongs to another file.
//
// A crash can leave
//   1. part of a frame, or its length without its bytes, or zeros: no valid record follows, the
//   tail
//      is cut. It never counted: append returns only after fsync.
//   2. a whole frame that was never fsynced: it counts, and is fsynced at open before anybody acts
//      on it, else a later power loss could take back what was delivered.
//   3. journal-<n>.tmp: removed.
//   4. journal-<n> and journal-<n-1>: the rename was done, the removal not. The newer one has all.
//      The folder is fsynced before the older one goes.
// A file gets its name only after its base is durable, so a file without a valid base is damage and
// never a crash, and so is a bad record with a valid one behind it: both are refused.
#include "base/failpoint.h"
#include "base/log.h"
#include "base/hash.h"
#include "engine/journal_format.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RESERVE_BYTES (INT64_C(1) << 20)

struct journal {
    char folder[JOURNAL_PATH_MAX];
    struct journal_identity identity;
    int lock;
    struct file file; // fd -1: no record yet
    uint64_t number;  // of the file
    uint32_t seed, crc;
    uint64_t epoch;
    int64_t base_bytes;
    bool is_failed;
    struct buf scratch;
};

const struct journal_identity *journal_identity(const struct journal *journal)
{
    return &journal->identity;
}

bool journal_is_new(const struct journal *journal)
{
    return journal->file.fd < 0;
}

int64_t journal_frame_bytes(const struct journal *journal)
{
    return journal_is_new(journal) ? 0 : journal->file.size - journal->base_bytes;
}

// Brings the file back to its last whole record, so that the same append may be repeated.
static bool cut_back(struct journal *journal, int64_t size, struct error *err)
{
    struct error cut = {0};
    file_close(&journal->file);
    char path[JOURNAL_PATH_MAX];
    snprintf(path, sizeof(path), "%s", journal->file.path);
    if (file_open_append(&journal->file, path, size, &cut))
        return true;
    return error_set(err, ERROR_FATAL, "%s, after: %.900s", cut.text, err->text);
}

static bool write_record(struct journal *journal, struct error *err)
{
    const struct buf *bytes = &journal->scratch;
    FAILPOINT("journal.before_write");
    size_t half = bytes->len / 2;
    if (!file_append(&journal->file, bytes->ptr, half, err))
        return false;
    FAILPOINT("journal.inside_write");
    return file_append(&journal->file, bytes->ptr + half, bytes->len - half, err);
}

// The same bytes without a copy of the payload: frames are large, and none is under test here.
static bool write_uncopied(struct journal *journal, const struct record *record, uint32_t *crc,
                           struct error *err)
{
    buf_reset(&journal->scratch);
    record_head_write(&journal->scratch, record);
    *crc = crc32c(journal->seed, journal->scratch.ptr, journal->scratch.len);
    *crc = crc32c(*crc, record->payload.ptr, record->payload.len);
    if (!file_append(&journal->file, journal->scratch.ptr, journal->scratch.len, err) ||
        !file_append(&journal->file, record->payload.ptr, record->payload.len, err))
        return false;
    buf_reset(&journal->scratch);
    buf_add_u32(&journal->scratch, *crc);
    return file_append(&journal->file, journal->scratch.ptr, journal->scratch.len, err);
}

static bool sync_record(struct journal *journal, struct error *err)
{
    FAILPOINT("journal.before_fsync");
    if (!file_sync(&journal->file, err))
        return false;
    FAILPOINT("journal.after_fsync");
    return true;
}

static bool check_usable(const struct journal *journal, struct str payload, struct error *err)
{
    if (journal->is_failed)
        return error_set(err, ERROR_FATAL,
                         "journal %s: an earlier write failed; start again to recover",
                         journal->folder);
    if (payload.len > UINT32_MAX - 4096)
        return error_set(err, ERROR_FATAL,
                         "journal %s: a record of %zu bytes is more than 4 GB; lower the state, "
                         "for example by shorter windows",
                         journal->folder, payload.len);
    return true;
}

bool journal_append(struct journal *journal, uint64_t epoch, struct str payload, struct error *err)
{
    ASSERT(!journal_is_new(journal));
    ASSERT(epoch == journal->epoch + 1);
    if (!check_usable(journal, payload, err))
        return false;
    int64_t size = journal->file.size;
    const struct record record = {.epoch = epoch,
                                  .generation = journal->identity.generation,
                                  .previous_crc = journal->crc,
                                  .payload = payload};
    uint32_t crc;
    bool written;
    if (LIKELY(!failpoint_active)) {
        written = write_uncopied(journal, &record, &crc, err);
    } else {
        buf_reset(&journal->scratch);
        crc = record_write(&journal->scratch, journal->seed, &record);
        written = write_record(journal, err);
    }
    if (!written && err->kind == ERROR_RETRY && cut_back(journal, size, err))
        return false;
    if (!written || !sync_record(journal, err)) {
        journal->is_failed = true;
        return false;
    }
    journal->crc = crc;
    journal->epoch = epoch;
    return true;
}

// Writes header and base beside the journal, durably; the scratch holds all before the payload.
static bool write_base(struct journal *journal, struct file *file, const char *path,
                       struct str payload, uint32_t crc, struct error *err)
{
    if (!file_create(file, path, err))
        return false;
    bool good = file_append(file, journal->scratch.ptr, journal->scratch.len, err) &&
                file_append(file, payload.ptr, payload.len, err);
    buf_reset(&journal->scratch);
    buf_add_u32(&journal->scratch, crc);
    good = good && file_append(file, journal->scratch.ptr, journal->scratch.len, err);
    if (good) {
        FAILPOINT("journal.rebase_written");
        good = file_sync(file, err);
    }
    return good;
}

static bool remove_older(const char *folder, uint64_t number, struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    struct journal_files files;
    char path[JOURNAL_PATH_MAX];
    if (!journal_files_list(folder, &arena, &files, err))
        return false;
    for (size_t i = 0; i < files.len; i++)
        if (files.numbers[i] < number &&
            (!journal_file_path(folder, files.numbers[i], path, err) || !file_remove(path, err)))
            return false;
    return true;
}

static bool publish_base(struct journal *journal, const char *temporary, const char *path,
                         struct error *err)
{
    if (!file_rename(temporary, path, err))
        return false;
    FAILPOINT("journal.rebase_renamed");
    if (!file_sync_folder(journal->folder, err))
        return false;
    if (!remove_older(journal->folder, journal->number + 1, err))
        return false;
    FAILPOINT("journal.rebase_removed");
    return true;
}

bool journal_rebase(struct journal *journal, uint64_t epoch, struct str payload, struct error *err)
{
    ASSERT(journal_is_new(journal) || epoch >= journal->epoch);
    char path[JOURNAL_PATH_MAX], temporary[JOURNAL_PATH_MAX + 8];
    if (!check_usable(journal, payload, err) ||
        !journal_file_path(journal->folder, journal->number + 1, path, err))
        return false;
    snprintf(temporary, sizeof(temporary), "%s.tmp", path);
    uint32_t seed;
    buf_reset(&journal->scratch);
    journal_header_write(&journal->scratch, journal->identity.uuid, journal->number + 1, &seed);
    size_t start = journal->scratch.len;
    record_head_write(&journal->scratch,
                      &(struct record){.is_base = true,
                                       .epoch = epoch,
                                       .generation = journal->identity.generation,
                                       .previous_crc = seed,
                                       .payload = payload});
    uint32_t crc = crc32c(seed, journal->scratch.ptr + start, journal->scratch.len - start);
    crc = crc32c(crc, payload.ptr, payload.len); // no copy: a base is large
    struct file file = {.fd = -1};
    if (!write_base(journal, &file, temporary, payload, crc, err)) {
        file_close(&file);
        struct error ignored = {0};
        if (err->kind != ERROR_RETRY)
            journal->is_failed = true;
        else if (!file_remove(temporary, &ignored)) // takes space until the next try overwrites it
            log_warn("%s", ignored.text);
        return false;
    }
    if (!publish_base(journal, temporary, path, err)) {
        // Which of both files counts is for the next start to see.
        file_close(&file);
        journal->is_failed = true;
        if (err->kind == ERROR_RETRY)
            err->kind = ERROR_FATAL;
        return false;
    }
    file_close(&journal->file);
    journal->file = file;
    snprintf(journal->file.path, sizeof(journal->file.path), "%s", path);
    journal->number++;
    journal->seed = seed;
    journal->crc = crc;
    journal->epoch = epoch;
    journal->base_bytes = file.size;
    if (journal->scratch.capacity > (1u << 20)) // a base is rare and large
        buf_clear(&journal->scratch);
    return true;
}

// Removes leftovers of an interrupted rebase or of an interrupted replacement of `generation`.
static bool remove_temporary(const char *folder, struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    struct str *names;
    size_t len;
    if (!folder_list(folder, &arena, &names, &len, err))
        return false;
    for (size_t i = 0; i < len; i++) {
        char path[JOURNAL_PATH_MAX];
        bool is_ours = str_is(names[i], "generation.tmp") ||
                       (str_starts(names[i], "journal-") && str_ends(names[i], ".tmp"));
        if (is_ours && (!journal_path(folder, names[i].ptr, path, err) || !file_remove(path, err)))
            return false;
    }
    return true;
}

// A full disk at start is no reason to stay away: the job may be what empties it.
static bool make_reserve(const char *folder, struct error *err)
{
    char path[JOURNAL_PATH_MAX];
    struct file file = {.fd = -1};
    if (!journal_path(folder, "reserve", path, err))
        return false;
    if (path_size(path) >= RESERVE_BYTES)
        return true;
    // Written and not just sized: a hole reserves nothing.
    char *zeros = heap_new((size_t)RESERVE_BYTES);
    bool good = file_create(&file, path, err) &&
                file_append(&file, zeros, (size_t)RESERVE_BYTES, err) && file_sync(&file, err);
    heap_free(zeros);
    file_close(&file);
    if (!good && err->kind == ERROR_RETRY) {
        log_warn("no reserve for the last frame: %s", err->text);
        error_clear(err);
        return file_remove(path, err);
    }
    return good;
}

bool journal_use_reserve(struct journal *journal, struct error *err)
{
    char path[JOURNAL_PATH_MAX];
    return journal_path(journal->folder, "reserve", path, err) && file_remove(path, err);
}

// Continues the newest file behind its last good record; from here on that is what counts.
static bool continue_file(struct journal *journal, const struct journal_state *state,
                          struct error *err)
{
    const struct journal_scan *scan = &state->scan;
    char path[JOURNAL_PATH_MAX];
    if (!journal_file_path(journal->folder, scan->header.number, path, err))
        return false;
    int64_t torn = scan->file_bytes - scan->good_bytes;
    if (torn > 0)
        log_warn("%s: %" PRId64 " bytes of a frame that was never finished are cut off", path,
                 torn);
    if (!file_open_append(&journal->file, path, scan->good_bytes, err) ||
        !file_sync(&journal->file, err) || !file_sync_folder(journal->folder, err) ||
        !remove_older(journal->folder, scan->header.number, err))
        return false;
    journal->number = scan->header.number;
    journal->seed = scan->header.crc;
    journal->crc = scan->crc;
    journal->epoch = scan->epoch;
    journal->base_bytes = scan->base_bytes;
    return true;
}

static bool open_locked(struct journal *journal, journal_visit visit, void *context,
                        struct journal_state *state, struct error *err)
{
    if (!remove_temporary(journal->folder, err) || !journal_state_read(journal->folder, state, err))
        return false;
    journal->identity = state->identity;
    if (!state->has_identity)
        uuid_new(journal->identity.uuid);
    if (state->files.len > 0 &&
        (!continue_file(journal, state, err) ||
         !journal_visit_bytes(buf_str(&state->bytes), &state->scan, visit, context, err)))
        return false;
    journal->identity.generation++;
    return generation_write(journal->folder, &journal->identity, err) &&
           make_reserve(journal->folder, err);
}

struct journal *journal_open(const char *folder, journal_visit visit, void *context,
                             struct error *err)
{
    char path[JOURNAL_PATH_MAX];
    if (!folder_create(folder, err) || !journal_path(folder, "lock", path, err))
        return NULL;
    struct journal *journal = heap_new(sizeof(*journal));
    journal->file.fd = journal->lock = -1;
    snprintf(journal->folder, sizeof(journal->folder), "%s", folder);
    struct journal_state state = {0};
    bool good =
        file_lock(path, &journal->lock, err) && open_locked(journal, visit, context, &state, err);
    journal_state_clear(&state);
    if (good)
        return journal;
    journal_close(journal);
    return NULL;
}

void journal_close(struct journal *journal)
{
    if (journal == NULL)
        return;
    file_close(&journal->file);
    file_unlock(&journal->lock);
    buf_clear(&journal->scratch);
    heap_free(journal);
}
