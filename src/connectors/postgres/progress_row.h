// SPDX-License-Identifier: MIT
// The row by which a database knows how far it was written, in table firesteel_progress:
//
//   pipeline, delivery_group   who: the pipeline's name, and user@database of the connection
//   checkpoint                 uuid of the checkpoint that counts the epochs
//   generation                 how often that was started; a greater one takes over
//   epoch                      the newest whose rows are here; NULL: accept whatever comes next
//   writer                     random, of one run: tells apart two runs of one generation (a copied
//                              checkpoint)
//
// It is locked first in each transaction and written last, so rows and epoch are there together or
// not at all; a COMMIT whose answer was lost is cleared up by reading it again.
#ifndef FIRESTEEL_PROGRESS_ROW_H
#define FIRESTEEL_PROGRESS_ROW_H

#include "connectors/postgres/postgres_link.h"

struct progress_owner { // this run
    struct str pipeline, group, checkpoint;
    uint64_t generation;
    char writer[40];
};

struct progress {
    bool exists, has_epoch;
    uint64_t epoch, generation;
    char checkpoint[40], writer[40];
};

enum progress_verdict {
    PROGRESS_APPLY,
    PROGRESS_DONE,    // the rows are there already
    PROGRESS_FOREIGN, // another checkpoint
    PROGRESS_FENCED,  // another run has taken over
    PROGRESS_GAP,     // epochs between are missing
};

// Makes the table when it is missing, and a writer's name.
MUST_USE bool progress_open(struct postgres_link *link, struct progress_owner *owner,
                            struct error *err);
// locks: for the transaction that is open.
MUST_USE bool progress_read(struct postgres_link *link, const struct progress_owner *owner,
                            bool locks, struct progress *progress, struct error *err);
// now: the row as locked. seen: as it was when this run started. previous: of the last delivery
// that the journal knows, 0 for none; UINT64_MAX: not known.
enum progress_verdict progress_judge(const struct progress *now, const struct progress *seen,
                                     const struct progress_owner *owner, uint64_t epoch,
                                     uint64_t previous);
// The error for FOREIGN, FENCED and GAP. Returns false.
bool progress_refuse(enum progress_verdict verdict, const struct progress *now,
                     const struct progress_owner *owner, uint64_t previous, struct error *err);
// Puts a row where there is none, waiting for another run that does the same; is_ours: it was not
// first.
MUST_USE bool progress_claim(struct postgres_link *link, const struct progress_owner *owner,
                             bool *is_ours, struct error *err);
// In the open transaction. seen: its generation is kept when it is greater (an adopted older
// checkpoint), so that the run that wrote it stays fenced.
MUST_USE bool progress_write(struct postgres_link *link, const struct progress_owner *owner,
                             const struct progress *seen, uint64_t epoch, struct error *err);
// `firesteel state adopt`: the row becomes this checkpoint's, with the next epoch open.
MUST_USE bool progress_adopt(struct postgres_link *link, const struct progress_owner *owner,
                             struct error *err);

#endif
