// SPDX-License-Identifier: MIT
// Which rows of a generated stream are not plain valid ones. Exact counts, spread over the rows,
// and answered for any row on its own: nothing depends on the rows before it.
#ifndef FIRESTEEL_SPREAD_H
#define FIRESTEEL_SPREAD_H

#include "base/error.h"

enum row_kind { ROW_VALID, ROW_DUPLICATE, ROW_INVALID, ROW_LATE, ROW_MALFORMED };
#define ROW_KINDS 5
extern const char *const row_kind_names[ROW_KINDS];

// A run of rows that holds so many of each kind (counts[ROW_VALID] is not used).
struct stretch {
    int64_t first, rows;
    int64_t counts[ROW_KINDS];
    int64_t special; // sum of counts
    uint64_t salt;
};

struct spread {
    int64_t rows; // 0: endless, `stretches[0]` is repeated with another salt each time
    struct stretch stretches[2];
    size_t stretches_len;
};

struct spread_options {
    int64_t rows;              // 0: endless
    double amounts[ROW_KINDS]; // whole number >= 1: exact count; < 1: share of the rows
    uint64_t seed;
};

// What row `row` is. `rank` numbers the rows of that kind (0..count-1 within its stretch, not in
// row order), so that variants of a kind are used evenly. `until`: rows row+1 .. until-1 are surely
// valid.
struct row_role {
    enum row_kind kind;
    int64_t rank;
    int64_t until;
};

bool spread_init(struct spread *spread, struct spread_options options, struct error *err);
struct row_role spread_role(const struct spread *spread, int64_t row);

// Mixes two words into 64 well-spread bits (a counter-based generator: no state).
static inline uint64_t random_at(uint64_t seed, uint64_t counter)
{
    uint64_t x = seed + counter * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

#endif
