// SPDX-License-Identifier: MIT
// The checkpoint folder's journal: files journal-<n>, each a base record followed by frames. This
// layer knows bytes, checksums and which file counts; what is inside a record is epoch.c's
// business. The head of journal.c holds the byte-exact format and the crash cases.
#ifndef FIRESTEEL_JOURNAL_H
#define FIRESTEEL_JOURNAL_H

#include "base/file.h"

struct journal; // heap object

struct journal_identity {
    char uuid[37];       // of the checkpoint, from its creation
    uint64_t generation; // raised at each start
};

// One record as recovery sees it, oldest first: the newest valid base, then its frames. The payload
// is borrowed and not aligned.
typedef bool (*journal_visit)(void *context, bool is_base, uint64_t epoch, struct str payload,
                              struct error *err);

// Opens (or creates) the folder, takes the lock (`lock` file with pid; held -> ERROR_RETRY, exit
// 75), reads identity, cuts a torn tail (only when no valid frame follows it; otherwise ERROR_FATAL
// with EXIT_REFUSED that names file, byte and `firesteel state repair`), visits all records, raises
// the generation. A newer format version is refused naming both versions.
struct journal *journal_open(const char *folder, journal_visit visit, void *context,
                             struct error *err);
// Read-only: no lock, no cut, no generation; for `firesteel state`. *torn_bytes: what would be cut.
MUST_USE bool journal_read(const char *folder, journal_visit visit, void *context,
                           struct journal_identity *identity, int64_t *torn_bytes,
                           struct error *err);
const struct journal_identity *journal_identity(const struct journal *journal);
bool journal_is_new(const struct journal *journal); // no record yet: begin with journal_rebase

// Appends and fsyncs one frame: it counts from then on. Epochs go up by one. ENOSPC is ERROR_RETRY
// (nothing was written that counts; the same call may be repeated); EIO is ERROR_FATAL. After a
// FATAL error every later call fails: only a new start may decide what the disk holds.
MUST_USE bool journal_append(struct journal *journal, uint64_t epoch, struct str payload,
                             struct error *err);
// Starts the next file with a base record (written beside, fsynced, renamed); older files are
// removed once it is durable. `epoch` is the newest epoch that the base contains (that of the last
// frame); a new journal begins with any. ERROR_RETRY: the old file still counts, repeat later.
MUST_USE bool journal_rebase(struct journal *journal, uint64_t epoch, struct str payload,
                             struct error *err);
int64_t journal_frame_bytes(const struct journal *journal); // frames since the last base
// Gives the reserve's space back to the disk, so that the frame of a graceful stop fits when the
// disk is full. The next open makes a new reserve.
MUST_USE bool journal_use_reserve(struct journal *journal, struct error *err);
void journal_close(struct journal *journal);
// Repair on the user's demand: copies the damaged file aside and cuts it at the first bad record.
// Nothing to repair is success; *report says in words what was done and what is lost.
MUST_USE bool journal_repair(const char *folder, struct buf *report, struct error *err);

#endif
