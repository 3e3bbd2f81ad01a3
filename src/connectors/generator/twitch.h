// SPDX-License-Identifier: MIT
// Profile `twitch`: where a row stands in time and which channel it belongs to. Internal to
// twitch.c and twitch_time.c.
#ifndef FIRESTEEL_TWITCH_H
#define FIRESTEEL_TWITCH_H

#include "connectors/generator/profile.h"

enum twitch_kind { TWITCH_CHAT, TWITCH_VIEWER, TWITCH_TRANSACTION, TWITCH_META };
#define TWITCH_KINDS 4
#define TWITCH_BLOCK 100 // rows in which every kind has exactly its share

struct twitch_burst {
    int64_t first;    // ordinal of the regular row it begins with
    int64_t row;      // row number of that
    uint32_t stream;  // whose chat it is
    int64_t first_us; // event time
};

struct twitch {
    struct str *streams; // names
    uint32_t streams_len;
    uint32_t shares[TWITCH_KINDS];      // of TWITCH_BLOCK rows
    uint32_t shares_from[TWITCH_KINDS]; // sum of those before
    // A cycle covers `span` of event time; a finite feed is one cycle.
    int64_t cycle_rows, cycle_regular; // regular: without the extra rows of bursts
    int64_t burst_rows, burst_extra;   // rows of a burst: regular ones, and extra ones among them
    struct twitch_burst *bursts;
    size_t bursts_len;
};

struct twitch_place {
    enum twitch_kind kind;
    uint32_t stream;
    int64_t ordinal; // of the rows of this kind
    int64_t time_us; // without disorder
};

bool twitch_check(const struct generator_options *options, struct error *err);
void twitch_init(struct feed *feed);
struct twitch_place twitch_locate(const struct feed *feed, int64_t row);

#endif
