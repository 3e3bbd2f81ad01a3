// SPDX-License-Identifier: MIT
// The ledger's own structures, for ledger.c and ledger_print.c.
#ifndef FIRESTEEL_LEDGER_ENTRY_H
#define FIRESTEEL_LEDGER_ENTRY_H

#include "base/arena.h"
#include "engine/ledger.h"

struct ledger_line {
    struct ledger_entry entry;
    size_t first_slot;
    int64_t missed; // rows its input gave out before this entry existed
    bool is_decoded;
};

struct ledger {
    struct arena names;
    struct ledger_line *entries;
    size_t len, capacity;
    int64_t *counts;
    size_t slots_len;
};

#endif
