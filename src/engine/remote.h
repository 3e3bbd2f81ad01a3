// SPDX-License-Identifier: MIT
// A checkpoint on S3. The bucket holds the truth; a folder of this machine holds a copy that the
// engine works on as on any local checkpoint, made anew at each start and removed at the end. What
// a commit adds is put into the bucket before it counts.
//
// Below the prefix
//   generation/<g>                    made once (If-None-Match) by the start that takes over
//   bases/<epoch>-<generation>        a base record
//   frames/<epoch>                    a frame record, made once: whoever makes it decided the epoch
//   keys/<relation>-<slice>/<offset>-<epoch>   bare hashes; the frame says how many count
//   quarantine/part-*.parquet
// Numbers have twenty digits, so that keys sort as numbers do.
//
// Fencing: a start first makes the next generation, then reads, then commits an epoch of its own.
// A process that was thought dead finds the generation or the frame taken, and stops: what it would
// have written was never decided.
#ifndef FIRESTEEL_REMOTE_H
#define FIRESTEEL_REMOTE_H

#include "base/buf.h"
#include "base/error.h"
#include "engine/key_files.h"

struct remote;                         // heap object, one thread at a time
bool remote_is(struct str checkpoint); // s3://, s3a://, s3n://
// Reads the whole checkpoint into a new local folder. takes_over: as its next owner, else only to
// look at it. Nothing there: an empty folder.
struct remote *remote_open(struct str checkpoint, bool takes_over, struct error *err);
const char *remote_folder(const struct remote *remote);
// After the local journal is open: the first owner makes generation 1 under this uuid.
MUST_USE bool remote_claim(struct remote *remote, const char *uuid, uint64_t generation,
                           struct error *err);
// ERROR_RETRY: the service is away, call again. EXIT_REFUSED: another process has taken over.
MUST_USE bool remote_put_keys(struct remote *remote, const struct key_files *files, uint64_t epoch,
                              struct error *err);
MUST_USE bool remote_put_frame(struct remote *remote, uint64_t epoch, struct str payload,
                               struct error *err);
// Then what it replaces is removed.
MUST_USE bool remote_put_base(struct remote *remote, uint64_t epoch, struct str payload,
                              struct error *err);
// A file of the local folder, by its name there.
MUST_USE bool remote_put_file(struct remote *remote, const char *name, struct error *err);
// Objects of slices that were forgotten.
MUST_USE bool remote_forget_keys(struct remote *remote, const struct key_files *files,
                                 struct error *err);
void remote_close(struct remote *remote); // NULL is allowed

#endif
