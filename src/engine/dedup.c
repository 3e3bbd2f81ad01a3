// SPDX-License-Identifier: MIT
// The set of keys: 16 shards by hash, each a directory of pages (dedup_page.c) of 64-byte buckets
// of three (hash, slice) entries, so a look-up costs one cache line when its bucket has room, and
// the line after it when not. Pages are at most 85 % full; a key takes 25 to 50 bytes.
//
// Nothing is removed one by one. A key whose slice is dead counts as absent; its place is taken by
// the next new key that passes it, and the rest goes when its page has no more room. Invariants: a
// hash is in a shard at most once; `used` of a bucket never falls while its page lives (look-ups
// end at the first bucket with room); slices[] holds every live slice with its exact number of
// keys.
#include "engine/dedup_set.h"

enum { SETTLE_BLOCK = 256, SHRINK_PAGES_MAX = 512 };

struct dedup *dedup_new(int64_t slice_us, int64_t retention_us)
{
    ASSERT(slice_us > 0);
    struct dedup *dedup = heap_aligned(64, sizeof(*dedup));
    memset(dedup, 0, sizeof(*dedup));
    pool_init(&dedup->pool);
    dedup->slice_us = slice_us;
    dedup->retention_us = retention_us;
    dedup->dead_slice = INT64_MIN;
    return dedup;
}

void dedup_free(struct dedup *dedup)
{
    if (dedup == NULL)
        return;
    for (size_t s = 0; s < DEDUP_SHARDS; s++) {
        struct shard *shard = &dedup->shards[s];
        for (size_t i = 0; i < shard->slices_len; i++)
            pool_give_blocks(&dedup->pool, shard->slices[i].added);
        heap_free(shard->slices);
        heap_free(shard->directory);
    }
    pool_clear(&dedup->pool);
    heap_free(dedup);
}

static int64_t floor_divide(int64_t value, int64_t by)
{
    int64_t quotient = value / by;
    return quotient - (value % by < 0);
}

// ---- Slices

static struct slice *slice_insert(struct shard *shard, size_t at, int64_t number)
{
    if (shard->slices_len == shard->slices_capacity) {
        shard->slices_capacity = shard->slices_capacity == 0 ? 8 : shard->slices_capacity * 2;
        shard->slices = heap_resize(shard->slices, shard->slices_capacity * sizeof(*shard->slices));
    }
    memmove(&shard->slices[at + 1], &shard->slices[at],
            (shard->slices_len - at) * sizeof(*shard->slices));
    shard->slices[at] = (struct slice){.number = number};
    shard->slices_len++;
    return &shard->slices[at];
}

struct slice *slice_find(struct shard *shard, int64_t number)
{
    if (shard->slice_last < shard->slices_len && shard->slices[shard->slice_last].number == number)
        return &shard->slices[shard->slice_last];
    size_t from = 0, to = shard->slices_len;
    while (from < to) {
        size_t middle = (from + to) / 2;
        if (shard->slices[middle].number < number)
            from = middle + 1;
        else
            to = middle;
    }
    shard->slice_last = from;
    if (from < shard->slices_len && shard->slices[from].number == number)
        return &shard->slices[from];
    return slice_insert(shard, from, number);
}

static void slice_record(struct slice *slice, struct page_pool *pool, struct hash128 hash)
{
    if (slice->added == NULL || slice->added->len == ADDED_KEYS) {
        struct added *block = pool_take_block(pool);
        block->next = slice->added;
        slice->added = block;
    }
    slice->added->hashes[slice->added->len++] = hash;
    slice->added_len++;
}

uint32_t slice_relative(const struct shard *shard, int64_t slice)
{
    uint64_t distance = (uint64_t)slice - (uint64_t)shard->base;
    return slice == SLICE_NEVER || distance >= UINT32_MAX ? UINT32_MAX : (uint32_t)distance;
}

// ---- One key

bool shard_add(struct shard *shard, struct dedup *dedup, struct hash128 hash, int64_t slice,
               bool records)
{
    if (UNLIKELY(shard->directory == NULL ||
                 (uint64_t)slice - (uint64_t)shard->base >= UINT32_MAX)) {
        shard_fit_slice(shard, dedup, slice);
        if (shard->directory == NULL)
            shard_make_room(shard, dedup, hash);
    }
    uint32_t relative = slice_relative(shard, slice);
    struct page *page = page_of(shard, hash);
    struct bucket *target = NULL; // first place that may be taken
    uint32_t place = 0;
    for (size_t at = bucket_of(hash);; at = at + 1 == PAGE_BUCKETS ? 0 : at + 1) {
        struct bucket *bucket = &page->buckets[at];
        for (uint32_t i = 0; i < bucket->used; i++) {
            bool is_live = slice_number(shard, bucket->slices[i]) > dedup->dead_slice;
            bool is_same = bucket->hashes[i].lo == hash.lo && bucket->hashes[i].hi == hash.hi;
            if (is_same && is_live && (records || bucket->slices[i] >= relative))
                return false;
            if (is_same && is_live)
                slice_find(shard, slice_number(shard, bucket->slices[i]))->live--, shard->live--;
            if (is_same || (!is_live && target == NULL)) {
                target = bucket;
                place = i;
            }
            if (is_same)
                goto found;
        }
        if (bucket->used == BUCKET_KEYS)
            continue;
        if (target != NULL)
            break;
        if (UNLIKELY(page->used >= PAGE_KEYS_MAX)) { // then look again: keys have moved
            shard_make_room(shard, dedup, hash);
            return shard_add(shard, dedup, hash, slice, records);
        }
        target = bucket;
        place = bucket->used++;
        page->used++;
        break;
    }
found:
    target->hashes[place] = hash;
    target->slices[place] = relative;
    struct slice *counted = slice_find(shard, slice_number(shard, relative));
    counted->live++;
    shard->live++;
    if (records)
        slice_record(counted, &dedup->pool, hash);
    return true;
}

// ---- The whole

static int64_t slice_of(const struct dedup *dedup, int64_t time_us)
{
    return dedup->retention_us < 0 ? 0 : floor_divide(time_us, dedup->slice_us);
}

void dedup_settle(struct dedup *dedup, const struct hash128 *hashes, const int64_t *times_us,
                  const uint8_t *skip, size_t count, unsigned shard_first, unsigned shards_step,
                  uint8_t *duplicate)
{
    uint64_t mine = 0; // bit per shard
    for (unsigned s = shard_first; s < DEDUP_SHARDS; s += shards_step)
        mine |= UINT64_C(1) << s;
    uint32_t rows[SETTLE_BLOCK];
    for (size_t from = 0; from < count; from += SETTLE_BLOCK) {
        size_t len = count - from < SETTLE_BLOCK ? count - from : SETTLE_BLOCK;
        size_t rows_len = 0;
        for (size_t i = 0; i < len; i++) {
            rows[rows_len] = (uint32_t)i;
            rows_len +=
                (mine >> shard_of(hashes[from + i]) & 1) & (skip == NULL || skip[from + i] == 0);
        }
        for (size_t k = 0; k < rows_len; k++) {
            struct hash128 hash = hashes[from + rows[k]];
            const struct shard *shard = &dedup->shards[shard_of(hash)];
            if (UNLIKELY(shard->directory == NULL))
                continue;
            const struct bucket *bucket = &page_of(shard, hash)->buckets[bucket_of(hash)];
            __builtin_prefetch(bucket, 1);
            __builtin_prefetch(bucket + 1, 1);
        }
        for (size_t k = 0; k < rows_len; k++) {
            size_t row = from + rows[k];
            int64_t slice = slice_of(dedup, times_us[row]);
            if (UNLIKELY(slice <= dedup->dead_slice))
                continue; // late: cannot be judged, must not be remembered
            if (!shard_add(&dedup->shards[shard_of(hashes[row])], dedup, hashes[row], slice, true))
                duplicate[row] = 1;
        }
    }
}

static void shard_forget(struct shard *shard, struct page_pool *pool, int64_t dead_slice)
{
    size_t gone = 0;
    while (gone < shard->slices_len && shard->slices[gone].number <= dead_slice) {
        shard->live -= shard->slices[gone].live;
        pool_give_blocks(pool, shard->slices[gone].added);
        gone++;
    }
    if (gone == 0)
        return;
    shard->slices_len -= gone;
    memmove(shard->slices, shard->slices + gone, shard->slices_len * sizeof(*shard->slices));
    shard->slice_last = 0;
}

void dedup_advance(struct dedup *dedup, int64_t watermark_us)
{
    if (dedup->retention_us < 0 || watermark_us == TIME_MIN_US)
        return;
    int64_t last_time;
    if (__builtin_sub_overflow(watermark_us, dedup->retention_us, &last_time))
        return; // before all time
    int64_t dead = floor_divide(last_time, dedup->slice_us);
    dead -= dead > INT64_MIN;
    if (dead > dedup->dead_slice) {
        dedup->dead_slice = dead;
        for (size_t s = 0; s < DEDUP_SHARDS; s++)
            shard_forget(&dedup->shards[s], &dedup->pool, dead);
    }
    size_t walked = 0; // the rest has its turn at the next call
    for (size_t s = 0; s < DEDUP_SHARDS && walked < SHRINK_PAGES_MAX; s++)
        walked += shard_shrink(&dedup->shards[s], dedup);
}

int64_t dedup_dead_slice(const struct dedup *dedup)
{
    return dedup->dead_slice;
}

int64_t dedup_keys(const struct dedup *dedup)
{
    int64_t keys = 0;
    for (size_t s = 0; s < DEDUP_SHARDS; s++)
        keys += dedup->shards[s].live;
    return keys;
}

int64_t dedup_bytes(const struct dedup *dedup)
{
    const struct page_pool *pool = &dedup->pool;
    size_t bytes = sizeof(*dedup) + pool->blocks_held * sizeof(struct added);
    bytes += pool->slabs_len * SLAB_PAGES * sizeof(struct page);
    for (size_t s = 0; s < DEDUP_SHARDS; s++) {
        bytes += sizeof(struct page *) << dedup->shards[s].depth;
        bytes += dedup->shards[s].slices_capacity * sizeof(struct slice);
    }
    return (int64_t)bytes;
}
