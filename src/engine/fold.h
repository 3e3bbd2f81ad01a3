// SPDX-License-Identifier: MIT
// Grouping and aggregates in C: a hash table of groups per pane, one row of fixed layout a group.
// The fold takes "group inputs" (plan.h: time, keys, arguments, filters) straight from the
// decoder's vectors. Each lane has a fold of its own; panes of several folds are merged when they
// close. Why not DuckDB's partial aggregates: docs/decisions/001-fold-in-c.md.
#ifndef FIRESTEEL_FOLD_H
#define FIRESTEEL_FOLD_H

#include "base/buf.h"
#include "base/error.h"
#include "duck/chunk.h"
#include "pipeline/plan.h"

struct fold; // one lane's groups of one RELATION_GROUPS, heap object
struct pane; // groups of one time slice

// pane_us: gcd(size, slide). The relation must outlive the fold; keeps_rows relations have no fold.
struct fold *fold_new(const struct relation *relation, int64_t pane_us);
void fold_free(struct fold *fold);
bool fold_supports(const struct relation *relation); // all kinds and types can be folded

// Adds the selected rows. columns[i]: vector of group input i (all of one chunk). skip: rows with
// skip[i] != 0 (i-th selected row; NULL allowed) are left out (late). The pane of a row is
// floor((time - shift) / pane_us) * pane_us + shift. Row numbers for first/last come from the part.
// Rows whose time is NULL are left out: the caller counts them (late).
void fold_add(struct fold *fold, const struct rows_part *part, const struct vector *const *columns,
              const uint8_t *skip);

// The same for one share of the groups: only rows whose key hash falls to `share` of `shares` are
// added, so lanes that each take one share over everybody's rows hold no group twice.
void fold_add_share(struct fold *fold, const struct rows_part *part,
                    const struct vector *const *columns, const uint8_t *skip, uint32_t share,
                    uint32_t shares);
// The pane got all its rows as one of `shares` shares: such panes of several folds have no group in
// common and need no merge. 0: not so.
uint32_t pane_shares(const struct pane *pane);
size_t fold_panes_len(const struct fold *fold);
// Panes in ascending start time. After fold_load several may have one start: merge them as if they
// were of several lanes.
struct pane *fold_pane(struct fold *fold, size_t index);
int64_t pane_start_us(const struct pane *pane);
int64_t pane_groups(const struct pane *pane);
int64_t pane_input_rows(const struct pane *pane); // hidden count(*) of input rows
int64_t fold_bytes(const struct fold *fold);
int64_t fold_groups(const struct fold *fold);

// Merges several panes (of several lanes, or the panes of a HOP window) into a new one that belongs
// to the caller. Order for first/last is decided by row numbers, not by position in the list.
struct pane *pane_merge(const struct relation *relation, struct pane *const *panes, size_t len);
// The same for the groups whose keys are in `keys` only: results of groups touched in one lane or
// pane need the states of all (EMIT CHANGES: keys = merge of what fold_take_touched of each lane
// gave).
struct pane *pane_merge_keys(const struct relation *relation, const struct pane *keys,
                             struct pane *const *panes, size_t len);
void pane_free(struct pane *pane);                        // of pane_merge
void fold_drop_pane(struct fold *fold, int64_t start_us); // closed: gives its memory back

// Result rows as chunks of plan's group_columns: window_start, window_end, k.., r... Strings point
// into the pane. Call with *cursor = 0 first; returns false at the end. Chunk is reset and filled
// with up to 2048 rows.
bool pane_result(const struct pane *pane, const struct relation *relation, int64_t window_start_us,
                 int64_t window_end_us, size_t *cursor, struct chunk *chunk);

// Checkpoint. Encodes every group that changed since the last call (whole group rows: keys, state),
// pane by pane, and marks them clean; fold_encode_all encodes everything. fold_load applies such
// bytes: groups are replaced (upsert), so frames replay in order. Loading into any one lane's fold
// is fine: what another fold wrote becomes panes of its own there. Encoding appends nothing when
// nothing changed; bytes of several folds may stand one after the other.
void fold_encode_changed(struct fold *fold, struct buf *out);
void fold_encode_all(struct fold *fold, struct buf *out);
MUST_USE bool fold_load(struct fold *fold, struct str bytes, struct error *err);

// For EMIT CHANGES: groups touched since the last fold_take_touched, as a new pane per pane start.
// (*panes is a heap array of *len panes; caller frees each with pane_free and the array.)
void fold_take_touched(struct fold *fold, struct pane ***panes, size_t *len);

#endif
