// SPDX-License-Identifier: MIT
// The ledger: where every row went. One entry for each way into a relation or sink; each term is
// counted on its own where it happens, none by subtraction, so that the sums can fail. Owned by the
// job's thread; lanes count in arrays of their own, added at commit.
//
// What must hold at each commit (ledger_check):
//   rows_in = passed + filtered + duplicate + late + undecodable + in_state [+ rejected]
//   made = rows_out + rejected, where rows in and out are not one to one (UNNEST, joins, groups);
//   else rows_out = passed, and `rejected` is part of the first sum
//   rows_in(B from A) = rows_out(A), plus, for the target of LATE INTO, the late rows sent there
#ifndef FIRESTEEL_LEDGER_H
#define FIRESTEEL_LEDGER_H

#include "base/buf.h"
#include "base/error.h"

enum ledger_term {
    LEDGER_ROWS_IN,
    LEDGER_PASSED,   // for groups: input rows of closed panes (HOP: when their last window closed)
    LEDGER_FILTERED, // WHERE, inner-join miss
    LEDGER_DUPLICATE,
    LEDGER_LATE,
    LEDGER_UNDECODABLE,
    LEDGER_IN_STATE, // a level, set at commit, not a counter; sinks: rows waiting to be delivered
    LEDGER_MADE,     // rows produced, where they are not one to one with rows in
    LEDGER_ROWS_OUT, // rows that consumers see (closed panes count once for each result row)
    LEDGER_WARNED,   // violated a WARN constraint and stayed: outside the sums
    LEDGER_TERMS,
};

struct ledger; // heap object

struct ledger_entry {
    struct str name;    // of the relation or sink; two inputs of a join: two entries of one name
    int from;           // entry whose rows_out come in; -1: from outside
    int late_into;      // entry (of a sink) that gets the late rows; -1: they are only counted
    bool is_sink;       // nothing goes out
    bool is_one_to_one; // a passed row is one row out
    // The second input of a join counts rows in only; what comes out is counted in the first.
    bool is_second_input;
    const struct str *constraints; // names, in order of declaration
    size_t constraints_len;
};
struct ledger *ledger_new(void);
void ledger_free(struct ledger *ledger);
// Adds an entry; names are copied. All entries are added before the first count. late_into may name
// an entry that is added later.
int ledger_add_entry(struct ledger *ledger, const struct ledger_entry *entry);
size_t ledger_entries_len(const struct ledger *ledger);
const struct ledger_entry *ledger_entry(const struct ledger *ledger, int entry);
int ledger_find(const struct ledger *ledger, struct str name); // first of that name, or -1

// Counters are an array of slots; a lane has such an array of its own and adds with [slot] += n.
size_t ledger_slot(const struct ledger *ledger, int entry, enum ledger_term term);
size_t ledger_rejected_slot(const struct ledger *ledger, int entry, size_t constraint);
size_t ledger_slots_len(const struct ledger *ledger);
int64_t *ledger_lane_new(const struct ledger *ledger);   // zeroed; heap_free
void ledger_merge(struct ledger *ledger, int64_t *lane); // adds and zeroes the lane's array
void ledger_count(struct ledger *ledger, int entry, enum ledger_term term, int64_t rows);
void ledger_count_rejected(struct ledger *ledger, int entry, size_t constraint, int64_t rows);
void ledger_set(struct ledger *ledger, int entry, enum ledger_term term, int64_t rows); // levels
int64_t ledger_value(const struct ledger *ledger, int entry, enum ledger_term term);
int64_t ledger_rejected(const struct ledger *ledger, int entry, size_t constraint);
int64_t ledger_rejected_sum(const struct ledger *ledger, int entry);

// False with one line per sum that fails in `problems` (may be NULL).
MUST_USE bool ledger_check(const struct ledger *ledger, struct buf *problems);

// Checkpoint. Entries are matched by name (and position among equals), constraints by name; what
// the bytes do not know starts from here (its input too), what only they know is dropped.
void ledger_encode(const struct ledger *ledger, struct buf *out);
MUST_USE bool ledger_decode(struct ledger *ledger, struct str bytes, struct error *err);

// A table for people with the sums spelled out, and the same as a JSON array.
void ledger_print(const struct ledger *ledger, struct buf *out);
void ledger_print_json(const struct ledger *ledger, struct buf *out);

#endif
