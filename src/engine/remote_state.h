// SPDX-License-Identifier: MIT
// What writer and reader of a checkpoint on S3 share.
#ifndef FIRESTEEL_REMOTE_STATE_H
#define FIRESTEEL_REMOTE_STATE_H

#include "connectors/s3/s3.h"
#include "engine/journal_format.h"
#include "engine/remote.h"

#define REMOTE_SEED 0 // of the records' checksums: they belong to no file

struct remote {
    struct arena arena;
    struct arena scratch; // of one key
    struct s3 *s3;
    const char *url;
    struct str prefix; // ends with a slash, or is empty
    char folder[1024]; // the local copy
    char writer[37];   // of this process, for tokens
    uint64_t generation;
    bool takes_over; // else it is only looked at
    struct buf record;
};

// prefix + name; valid until the next call.
struct str remote_key(struct remote *remote, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// remote_read.c: fills the local folder. generation: of the newest owner, 0: never owned.
MUST_USE bool remote_read(struct remote *remote, uint64_t generation, struct str uuid,
                          struct error *err);

#endif
