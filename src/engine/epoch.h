// SPDX-License-Identifier: MIT
// Sections of journal records: written by epoch.c, read by recovery.c and `firesteel state`.
#ifndef FIRESTEEL_EPOCH_H
#define FIRESTEEL_EPOCH_H

#include "engine/job_state.h"

enum section {
    SECTION_HEAD = 1,
    SECTION_POSITIONS,
    SECTION_WATERMARK,
    SECTION_KEYS,
    SECTION_CLOSED,
    SECTION_GROUPS,
    SECTION_KEPT,
    SECTION_WAITING,
    SECTION_OUTBOX,
    SECTION_LEDGER,
    SECTION_QUARANTINE,
    SECTION_REPLAY,
    SECTION_END, // one past the last
};

// What the checkpoint in `folder` was made for, read beside a running job; nothing when there is no
// checkpoint. The caller clears `fingerprint`.
struct stored_plan {
    bool is_there;
    uint64_t epoch;
    struct buf fingerprint; // see plan_fingerprint
};
MUST_USE bool stored_plan_read(const char *folder, struct stored_plan *stored, struct error *err);
// For `firesteel state show`: one line a section.
void epoch_print(struct str payload, bool is_base, struct buf *out);

#endif
