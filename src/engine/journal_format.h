// SPDX-License-Identifier: MIT
// What writer, reader and repair of the journal share. Byte-exact format: head of journal.c.
#ifndef FIRESTEEL_JOURNAL_FORMAT_H
#define FIRESTEEL_JOURNAL_FORMAT_H

#include "engine/journal.h"

#define JOURNAL_VERSION 1
#define JOURNAL_HEADER_BYTES 64
#define RECORD_HEAD_BYTES 28 // length, type, epoch, generation, crc of the record before
#define RECORD_TAIL_BYTES 4  // crc
#define RECORD_BASE UINT32_C(0x45534142)  // "BASE"
#define RECORD_FRAME UINT32_C(0x4d415246) // "FRAM"
#define JOURNAL_PATH_MAX 1024

struct journal_header {
    char uuid[37];
    uint64_t number;
    uint32_t crc; // seeds every checksum of the file: a record of another file never fits
};

struct record {
    bool is_base;
    uint64_t epoch, generation;
    uint32_t previous_crc, crc;
    struct str payload;
    size_t bytes; // whole record
};

// One journal file as found: what is good of it, and what comes after.
struct journal_scan {
    struct journal_header header;
    uint64_t epoch, generation; // of the last good record
    uint32_t crc;               // of the last good record
    int64_t base_bytes;         // header and base record
    int64_t good_bytes;         // up to the end of the last good record
    int64_t file_bytes;
    size_t records;   // good ones
    bool is_damaged;  // something valid stands behind good_bytes, or no good base
    char damage[160]; // what is wrong at good_bytes, in words
};

// The journal files of a folder, ascending.
struct journal_files {
    uint64_t *numbers;
    size_t len;
};
MUST_USE bool journal_files_list(const char *folder, struct arena *arena,
                                 struct journal_files *files, struct error *err);
MUST_USE bool journal_path(const char *folder, const char *name, char path[JOURNAL_PATH_MAX],
                           struct error *err);
MUST_USE bool journal_file_path(const char *folder, uint64_t number, char path[JOURNAL_PATH_MAX],
                                struct error *err);

void journal_header_write(struct buf *out, const char *uuid, uint64_t number, uint32_t *crc);
void record_head_write(struct buf *out, const struct record *record); // all before the payload
// Appends one whole record; returns its crc.
uint32_t record_write(struct buf *out, uint32_t seed, const struct record *record);
// False when no valid record stands at the beginning of `bytes`.
bool record_read(struct str bytes, uint32_t seed, struct record *record);

// Looks through a file's bytes. False only for a header that cannot be read as ours at all or is of
// a newer version (err says so); damage behind it is in *scan.
MUST_USE bool journal_scan_bytes(struct str bytes, uint64_t number, struct journal_scan *scan,
                                 struct error *err);
// Visits the good records of scanned bytes.
MUST_USE bool journal_visit_bytes(struct str bytes, const struct journal_scan *scan,
                                  journal_visit visit, void *context, struct error *err);
// The refusal for a damaged file.
bool journal_refuse(const char *folder, uint64_t number, int64_t byte, const char *damage,
                    struct error *err);

// The file `generation`: *exists = false when there is none.
MUST_USE bool generation_read(const char *folder, struct journal_identity *identity, bool *exists,
                              struct error *err);
MUST_USE bool generation_write(const char *folder, const struct journal_identity *identity,
                               struct error *err);

// A folder's whole state: identity, newest file, its bytes and what is in them.
struct journal_state {
    struct journal_identity identity;
    bool has_identity;
    struct journal_files files;
    struct buf bytes;
    struct journal_scan scan; // of the newest file, when files.len > 0
    struct arena arena;
};
MUST_USE bool journal_state_read(const char *folder, struct journal_state *state,
                                 struct error *err);
void journal_state_clear(struct journal_state *state);

#endif
