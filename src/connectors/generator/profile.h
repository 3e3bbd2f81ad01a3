// SPDX-License-Identifier: MIT
// A profile is the shape of the records that the generator makes: one for each system's input. It
// only writes bytes for a row number; counts, rates and kinds are the generator's business.
#ifndef FIRESTEEL_PROFILE_H
#define FIRESTEEL_PROFILE_H

#include "connectors/generator/spread.h"

enum generator_types { TYPES_PER_EVENT, TYPES_PER_DEVICE };

struct generator_options {
    int profile; // index into profiles
    int64_t rows, seed, rate, devices;
    int types; // enum generator_types
    struct str start;
    int64_t span_us, disorder_us;
    double duplicates, invalid, late, malformed;
    struct str topic, hour;
    // clinical
    int64_t patients;
    bool out_of_range;
    // twitch
    struct str channels, events;
    int64_t streams, users, emotes, bursts;
};

// What a profile needs to make any row; the caches in it change nothing about the result.
#define MINUTES_CACHED 64
struct feed {
    const struct generator_options *options;
    int64_t start_us;
    uint64_t step; // event time from one row to the next, in 1/2^32 microseconds
    uint64_t seed;
    uint64_t id_factor, id_shift;    // of the permutation of event ids
    int64_t minutes[MINUTES_CACHED]; // direct mapped cache of rendered times up to the minute
    char minute_text[MINUTES_CACHED][24];
    struct arena *arena; // lives as long as the feed
    void *own;           // the profile's
};

// Where a record goes when the profile has a topic for each kind of event.
struct route {
    const char *topic;
    struct str key; // lives as long as the feed
};

struct profile {
    const char *name;
    const char *summary;
    size_t row_bytes_max;
    bool (*check)(const struct generator_options *options, struct error *err); // NULL: no options
    void (*init)(struct feed *feed);
    // Writes row `row` as a record of that kind (ROW_DUPLICATE is never asked for). Deterministic.
    size_t (*write)(struct feed *feed, int64_t row, enum row_kind kind, int64_t rank, char *out);
    void (*route)(const struct feed *feed, int64_t row, struct route *route); // NULL: one topic
};

extern const struct profile devices_profile, twitch_profile;
extern const struct profile *const profiles[];
extern const char *const profile_names[]; // parallel, ends with NULL

#endif
