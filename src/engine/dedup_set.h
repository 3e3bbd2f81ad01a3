// SPDX-License-Identifier: MIT
// The set behind dedup.h, shared by the files dedup*.c and by nobody else.
#ifndef FIRESTEEL_DEDUP_SET_H
#define FIRESTEEL_DEDUP_SET_H

#include "engine/dedup.h"

#define BUCKET_KEYS 3
#define SLICE_NEVER INT64_MAX // of a key too far in the future to be numbered: never forgotten

// One cache line: what a look-up touches.
struct bucket {
    struct hash128 hashes[BUCKET_KEYS];
    uint32_t slices[BUCKET_KEYS]; // relative to the shard's base; UINT32_MAX is SLICE_NEVER
    uint32_t used;                // keys, dead ones included; they fill up from 0
};
_Static_assert(sizeof(struct bucket) == 64, "one cache line");

struct slice {
    int64_t number;        // floor(time / slice_us)
    int64_t live;          // keys of it in the shard
    struct hash128 *added; // since the last dedup_take_added
    size_t added_len, added_capacity;
};

struct shard {
    struct bucket *buckets;
    uint64_t buckets_len;
    uint64_t used, used_max; // keys in buckets, dead ones included
    int64_t live;
    int64_t base;         // slice number of relative slice 0
    struct slice *slices; // ascending numbers, live ones only
    size_t slices_len, slices_capacity;
    size_t slice_last;          // index used last
} __attribute__((aligned(64))); // lanes write to neighbours

struct dedup {
    struct shard shards[DEDUP_SHARDS];
    int64_t slice_us, retention_us;
    int64_t dead_slice; // this and all before are forgotten; INT64_MIN: none
};

static inline unsigned shard_of(struct hash128 hash)
{
    return (unsigned)(hash.hi >> (64 - DEDUP_SHARD_BITS));
}

static inline int64_t slice_number(const struct shard *shard, uint32_t relative)
{
    return relative == UINT32_MAX ? SLICE_NEVER : shard->base + relative;
}

// Adds a key unless it is there and alive. False: it is a duplicate. records: put it on the list of
// additions; else a live key of an earlier slice moves to the later one (loading).
bool shard_add(struct shard *shard, const struct dedup *dedup, struct hash128 hash, int64_t slice,
               bool records);

#endif
