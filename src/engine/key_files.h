// SPDX-License-Identifier: MIT
// Keys of a dedup on disk, a file a time slice; see key_files.c for the order of writes.
#ifndef FIRESTEEL_KEY_FILES_H
#define FIRESTEEL_KEY_FILES_H

#include "base/file.h"
#include "engine/dedup.h"

struct key_files; // heap object
struct key_files *key_files_new(const char *folder, struct str relation);
void key_files_free(struct key_files *files);
// Takes the keys added since the last call; from then on lengths and checksums count them. What
// slices are forgotten is remembered for key_files_forget.
void key_files_take(struct key_files *files, struct dedup *dedup);
// What was taken and is not yet written, slice by slice; and slices that key_files_forget would
// remove. Start with a zeroed piece. name: "<relation>-<slice>", in `piece`.
struct key_piece {
    size_t next;
    char text[512];
    struct str name;
    int64_t offset; // of the bytes in the slice
    struct str bytes;
};
bool key_files_next_fresh(const struct key_files *files, struct key_piece *piece);
bool key_files_next_forgotten(const struct key_files *files, struct key_piece *piece);
// Makes what was taken durable. ERROR_RETRY: the disk is full, the same call may be repeated.
MUST_USE bool key_files_write(struct key_files *files, struct error *err);
// Lengths for the record: of files that grew, or of all.
void key_files_encode(struct key_files *files, bool all, struct buf *out);
void key_files_decode(struct key_files *files, struct reader *reader);
// After all records: reads live slices back. Slices up to dead_slice are forgotten already.
MUST_USE bool key_files_load(struct key_files *files, struct dedup *dedup, int64_t dead_slice,
                             struct error *err);
// Removes files of slices that no row can ask for any more: those forgotten at the last take.
MUST_USE bool key_files_forget(struct key_files *files, struct error *err);

#endif
