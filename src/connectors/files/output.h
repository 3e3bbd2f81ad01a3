// SPDX-License-Identifier: MIT
// Where the sink's files live while they are written and afterwards. Nothing under a final name is
// ever incomplete. Written first (a local root; for S3 in a folder of TMPDIR), then placed:
//   append:  root/.<name>.tmp -> root/<folder>/<name>, per delivery
//   replace: root/.staging-<owner>/<n> -> the same, for all files of the run at once, when the run
//            is complete; then what the last run of this sink left is removed, and _SUCCESS written
// root/_firesteel/ (readers skip names with '_') remembers whose files these are:
//   <owner>.checkpoint  append: UUID of the checkpoint that writes here
//   <owner>.files       replace: paths of the files of the last run
#ifndef FIRESTEEL_OUTPUT_H
#define FIRESTEEL_OUTPUT_H

#include "connectors/files/store.h"

struct output_file {
    const char *temporary;
    struct str name; // below the root
    uint64_t epoch;
};

struct output {
    struct arena arena;
    struct store *store;
    struct str owner; // "pipeline.sink", only harmless characters
    struct str checkpoint;
    bool replaces;
    bool is_claimed;           // the .checkpoint file is written
    struct output_file *files; // append: of this delivery; replace: of the whole run
    size_t files_len, files_capacity;
};

// "pipeline.sink" of harmless characters.
const char *output_owner(struct str pipeline, struct str sink, struct arena *arena);
// `store` outlives the output.
void output_init(struct output *output, struct store *store, const char *owner,
                 struct str checkpoint, bool replaces);
void output_clear(struct output *output);
// Refuses (EXIT_REFUSED) a folder that another checkpoint of this sink wrote to.
MUST_USE bool output_recover(struct output *output, struct error *err);
// Forgets files of this epoch from a failed attempt.
MUST_USE bool output_begin(struct output *output, uint64_t epoch, struct error *err);
// A new file: write it under the returned path. NULL: error.
const char *output_add(struct output *output, struct str folder, struct str name, uint64_t epoch,
                       struct error *err);
// append: all files of the delivery are written and synced: give them their names.
MUST_USE bool output_publish(struct output *output, struct error *err);
// replace: switch over to the files of this run.
MUST_USE bool output_finish(struct output *output, struct error *err);

#endif
