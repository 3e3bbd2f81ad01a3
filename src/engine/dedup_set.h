// SPDX-License-Identifier: MIT
// The set behind dedup.h, shared by the files dedup*.c and by nobody else.
//
// Extendible hashing: a shard is a directory of pages of 64 KiB, chosen by the next bits of the
// hash. A page that is full gives up its dead keys, or splits in two. So nothing ever rehashes as a
// whole, memory grows by a page at a time, and pages come from slabs of 2 MiB that the kernel can
// map as huge pages.
#ifndef FIRESTEEL_DEDUP_SET_H
#define FIRESTEEL_DEDUP_SET_H

#include <pthread.h>

#include "engine/dedup.h"

#define BUCKET_KEYS 3
#define PAGE_BYTES 65536
#define PAGE_BUCKETS (PAGE_BYTES / 64 - 1)
#define PAGE_KEYS_MAX (PAGE_BUCKETS * BUCKET_KEYS * 17 / 20) // 85 %: probes stay short
#define SLAB_PAGES 32
#define DEPTH_MAX 20
#define ADDED_KEYS 255
#define SLICE_NEVER INT64_MAX // of a key too far in the future to be numbered: never forgotten

// One cache line: what a look-up touches. Keys that find their bucket full are in the next ones.
struct bucket {
    struct hash128 hashes[BUCKET_KEYS];
    uint32_t slices[BUCKET_KEYS]; // relative to the shard's base; UINT32_MAX is SLICE_NEVER
    uint32_t used;                // keys, dead ones included; they fill up from 0
};
_Static_assert(sizeof(struct bucket) == 64, "one cache line");

struct page {
    uint32_t used;  // keys in buckets, dead ones included
    uint32_t depth; // hash bits that all its keys share
    size_t slab;
    struct page *next; // on the free list
    uint8_t padding[40];
    struct bucket buckets[PAGE_BUCKETS];
};
_Static_assert(sizeof(struct page) == PAGE_BYTES, "pages tile a slab");

// Keys added since the last dedup_take_added, newest block first.
struct added {
    struct added *next;
    size_t len;
    struct hash128 hashes[ADDED_KEYS];
};

struct slice {
    int64_t number; // floor(time / slice_us)
    int64_t live;   // keys of it in the shard
    struct added *added;
    size_t added_len; // over all blocks
};

struct shard {
    struct page **directory; // 1 << depth entries; NULL: no key yet
    uint32_t depth;
    size_t pages_len;
    int64_t live;
    int64_t base;         // slice number of relative slice 0
    struct slice *slices; // ascending numbers, live ones only
    size_t slices_len, slices_capacity;
    size_t slice_last;          // index used last
} __attribute__((aligned(64))); // lanes write to neighbours

// Memory of all shards. Lanes take from it under the mutex, once for some hundred keys.
struct page_pool {
    pthread_mutex_t mutex;
    struct slab {
        struct page *pages;
        struct page *free;
        size_t free_len;
    } * slabs;
    size_t slabs_len, slabs_capacity;
    size_t slab_first;    // none before it has a free page
    size_t free_len;      // over all slabs
    struct added *blocks; // free ones
    size_t blocks_len, blocks_held;
};

struct dedup {
    struct shard shards[DEDUP_SHARDS];
    struct page_pool pool;
    int64_t slice_us, retention_us;
    int64_t dead_slice; // this and all before are forgotten; INT64_MIN: none
};

static inline unsigned shard_of(struct hash128 hash)
{
    return (unsigned)(hash.hi >> (64 - DEDUP_SHARD_BITS));
}

static inline struct page *page_of(const struct shard *shard, struct hash128 hash)
{
    return shard->directory[hash.hi << DEDUP_SHARD_BITS >> 1 >> (63 - shard->depth)];
}

static inline size_t bucket_of(struct hash128 hash)
{
    return (size_t)((hash.lo >> 32) * PAGE_BUCKETS >> 32);
}

static inline int64_t slice_number(const struct shard *shard, uint32_t relative)
{
    return relative == UINT32_MAX ? SLICE_NEVER : shard->base + relative;
}

// dedup_page.c: memory and the shape of the directory.
void pool_init(struct page_pool *pool);
void pool_clear(struct page_pool *pool);
struct added *pool_take_block(struct page_pool *pool);
void pool_give_blocks(struct page_pool *pool, struct added *blocks);
void shard_clear(struct shard *shard, struct page_pool *pool); // pages only
// Room for one more key: a first page, or the page of `hash` without its dead keys, or split.
void shard_make_room(struct shard *shard, struct dedup *dedup, struct hash128 hash);
// Slices are numbered from `base` in 32 bits; a slice outside moves the base.
void shard_fit_slice(struct shard *shard, struct dedup *dedup, int64_t slice);
// Few live keys in many pages: fewer pages. Returns the pages walked.
size_t shard_shrink(struct shard *shard, struct dedup *dedup);

// dedup.c
struct slice *slice_find(struct shard *shard, int64_t number);
uint32_t slice_relative(const struct shard *shard, int64_t slice);
// Adds a key unless it is there and alive. False: it is a duplicate. records: put it on the list of
// additions; else a live key of an earlier slice moves to the later one (loading).
bool shard_add(struct shard *shard, struct dedup *dedup, struct hash128 hash, int64_t slice,
               bool records);

#endif
