// SPDX-License-Identifier: MIT
// A stretch of R rows with S special ones is cut into S segments of R/S rows each; every segment
// holds one special row at a random place, and a pseudo-random permutation of 0..S-1 deals the
// kinds out to the segments. So counts are exact, rows of all kinds are everywhere, and each row is
// answered in constant time. A bounded stream has two stretches: late rows only come in the second
// one, since a row cannot be late before the watermark has moved. Row 0 of a stretch is always
// valid, so that a duplicate always has something to copy.
#include "connectors/generator/spread.h"

#include <math.h>
#include <string.h>

#define ENDLESS_ROWS INT64_C(1000000) // length of the stretch that an endless stream repeats
#define CALM_SHARE 5                  // the first 1/5 of the rows has no late ones

const char *const row_kind_names[ROW_KINDS] = {"valid", "duplicate", "invalid", "late",
                                               "malformed"};

static int64_t multiply_divide(int64_t a, int64_t b, int64_t divisor)
{
    return (int64_t)((__int128)a * b / divisor);
}

// A bijection of 0..size-1: a 4-round Feistel network over the next even power of two, walked until
// the value is in range again (fewer than 4 steps on average).
static int64_t permute(int64_t value, int64_t size, uint64_t salt)
{
    if (size <= 1)
        return 0;
    int bits = 1;
    while ((INT64_C(1) << (2 * bits)) < size)
        bits++;
    uint64_t mask = (UINT64_C(1) << bits) - 1;
    uint64_t x = (uint64_t)value;
    do {
        uint64_t left = x >> bits, right = x & mask;
        for (uint64_t round = 0; round < 4; round++) {
            uint64_t next = left ^ (random_at(salt + round, right) & mask);
            left = right;
            right = next;
        }
        x = left << bits | right;
    } while (x >= (uint64_t)size);
    return (int64_t)x;
}

static bool counts_of(const struct spread_options *options, int64_t rows, int64_t *counts,
                      struct error *err)
{
    for (int kind = 1; kind < ROW_KINDS; kind++) {
        double amount = options->amounts[kind];
        const char *name = row_kind_names[kind];
        if (!(amount >= 0) || amount > 1e15)
            return error_set(err, ERROR_USER, "generator: %s rows: %g is not a share or a count",
                             name, amount);
        if (amount < 1) {
            counts[kind] = llround(amount * (double)rows);
            continue;
        }
        if (floor(amount) != amount)
            return error_set(err, ERROR_USER,
                             "generator: %s rows: %g is neither a share below 1 nor a whole number",
                             name, amount);
        if (options->rows == 0)
            return error_set(err, ERROR_USER,
                             "generator: %s rows: the count %g needs rows > 0; an endless stream "
                             "takes a share below 1",
                             name, amount);
        counts[kind] = (int64_t)amount;
    }
    return true;
}

// Moves about 1/5 of what is not late (and what does not fit into the second stretch) to the first.
static bool stretches_fill(struct spread *spread, const int64_t *counts, struct error *err)
{
    struct stretch *calm = &spread->stretches[0], *rest = &spread->stretches[1];
    int64_t total = 0;
    for (int kind = 1; kind < ROW_KINDS; kind++) {
        total += counts[kind];
        rest->counts[kind] = counts[kind];
        if (kind != ROW_LATE)
            calm->counts[kind] = counts[kind] / CALM_SHARE;
        rest->counts[kind] -= calm->counts[kind];
        calm->special += calm->counts[kind];
        rest->special += rest->counts[kind];
    }
    int64_t room = calm->rows - 1;
    for (int kind = 1; kind < ROW_KINDS; kind++) {
        int64_t excess = rest->special - (rest->rows - 1);
        int64_t moved = kind == ROW_LATE ? 0 : rest->counts[kind];
        moved = moved < excess ? moved : excess;
        moved = moved < room - calm->special ? moved : room - calm->special;
        if (moved <= 0)
            continue;
        rest->counts[kind] -= moved;
        rest->special -= moved;
        calm->counts[kind] += moved;
        calm->special += moved;
    }
    if (calm->special > room || rest->special > rest->rows - 1)
        return error_set(err, ERROR_USER,
                         "generator: %lld duplicate, invalid, late and malformed rows do not fit "
                         "into %lld rows (late ones come in the last four fifths)",
                         (long long)total, (long long)spread->rows);
    return true;
}

bool spread_init(struct spread *spread, struct spread_options options, struct error *err)
{
    *spread = (struct spread){.rows = options.rows, .stretches_len = 1};
    int64_t rows = options.rows == 0 ? ENDLESS_ROWS : options.rows;
    int64_t counts[ROW_KINDS] = {0};
    if (!counts_of(&options, rows, counts, err))
        return false;
    int64_t total = counts[1] + counts[2] + counts[3] + counts[4];
    spread->stretches[0].salt = random_at(options.seed, 0x5bd1e995);
    spread->stretches[1].salt = random_at(options.seed, 0x5bd1e996);
    // Tiny and endless streams are one stretch.
    if (options.rows == 0 || rows < 2 * CALM_SHARE) {
        struct stretch *only = &spread->stretches[0];
        only->rows = rows;
        only->special = total;
        memcpy(only->counts, counts, sizeof(counts));
        if (total > 0 && total > rows - 1)
            return error_set(err, ERROR_USER,
                             "generator: %lld duplicate, invalid, late and malformed rows do not "
                             "fit into %lld rows",
                             (long long)total, (long long)rows);
        return true;
    }
    spread->stretches_len = 2;
    spread->stretches[0].rows = rows / CALM_SHARE;
    spread->stretches[1].first = rows / CALM_SHARE;
    spread->stretches[1].rows = rows - rows / CALM_SHARE;
    return stretches_fill(spread, counts, err);
}

static struct row_role stretch_role(const struct stretch *stretch, int64_t first, uint64_t salt,
                                    int64_t row)
{
    int64_t end = first + stretch->rows;
    struct row_role role = {.kind = ROW_VALID, .rank = row - first, .until = end};
    if (stretch->special == 0)
        return role;
    // Segments cover rows 1 .. rows-1 of the stretch.
    int64_t places = stretch->rows - 1;
    int64_t at = row - first - 1;
    if (at < 0) {
        role.until = first + 1;
        return role;
    }
    int64_t segment = multiply_divide(at, stretch->special, places);
    int64_t from =
        (int64_t)(((__int128)segment * places + stretch->special - 1) / stretch->special);
    int64_t to =
        (int64_t)(((__int128)(segment + 1) * places + stretch->special - 1) / stretch->special);
    int64_t slot = from + (int64_t)(random_at(salt, (uint64_t)segment) % (uint64_t)(to - from));
    if (at != slot) {
        role.until = first + 1 + (at < slot ? slot : to);
        return role;
    }
    role.until = first + 1 + to;
    int64_t dealt = permute(segment, stretch->special, salt);
    for (int kind = 1; kind < ROW_KINDS; kind++) {
        if (dealt < stretch->counts[kind]) {
            role.kind = (enum row_kind)kind;
            role.rank = dealt;
            return role;
        }
        dealt -= stretch->counts[kind];
    }
    ASSERT(false);
}

struct row_role spread_role(const struct spread *spread, int64_t row)
{
    if (spread->rows == 0) {
        const struct stretch *stretch = &spread->stretches[0];
        int64_t turn = row / stretch->rows;
        return stretch_role(stretch, turn * stretch->rows, random_at(stretch->salt, (uint64_t)turn),
                            row);
    }
    const struct stretch *stretch = &spread->stretches[0];
    if (spread->stretches_len == 2 && row >= spread->stretches[1].first)
        stretch = &spread->stretches[1];
    return stretch_role(stretch, stretch->first, stretch->salt, row);
}
