// SPDX-License-Identifier: MIT
// The set of keys: 16 shards, each a table of 64-byte buckets of three (hash, slice) entries, so a
// look-up costs one cache line when the first bucket has room. A full first bucket leads to a
// second one chosen by the other hash half, then on from there: tables can be 85 % full. Tables
// grow by a half, one shard at a time, so a key takes 25 to 38 bytes and no rehash stops the engine
// for long; a smaller step saves memory but moves every key more often.
//
// Nothing is removed one by one. A key whose slice is dead counts as absent; its place is taken by
// the next new key that passes it, and the rest goes when the shard is rebuilt. Invariants: a hash
// is in a shard at most once; `used` of a bucket never falls between rebuilds (look-ups end at the
// first bucket with room); slices[] holds every live slice with its exact number of keys.
#include "engine/dedup_set.h"

enum { BUCKETS_MIN = 8, SETTLE_BLOCK = 256, SHRINK_BUCKETS_MAX = 1 << 18 };

struct dedup *dedup_new(int64_t slice_us, int64_t retention_us)
{
    ASSERT(slice_us > 0);
    struct dedup *dedup = heap_aligned(64, sizeof(*dedup));
    memset(dedup, 0, sizeof(*dedup));
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
            heap_free(shard->slices[i].added);
        heap_free(shard->slices);
        heap_free(shard->buckets);
    }
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

static struct slice *slice_find(struct shard *shard, int64_t number)
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

static void slice_record(struct slice *slice, struct hash128 hash)
{
    if (slice->added_len == slice->added_capacity) {
        slice->added_capacity = slice->added_capacity == 0 ? 16 : slice->added_capacity * 2;
        slice->added = heap_resize(slice->added, slice->added_capacity * sizeof(*slice->added));
    }
    slice->added[slice->added_len++] = hash;
}

// ---- The table of one shard

static uint64_t bucket_first(const struct shard *shard, struct hash128 hash)
{
    return (uint64_t)(((unsigned __int128)hash.lo * shard->buckets_len) >> 64);
}

// The neighbour (one page, often one fetch), then the place the other half of the hash says, then
// on.
static uint64_t bucket_next(const struct shard *shard, struct hash128 hash, uint64_t bucket,
                            unsigned probe)
{
    if (probe == 0)
        return bucket ^ 1;
    if (probe == 1) // the bits that chose the shard say nothing within it
        return (uint64_t)(((unsigned __int128)(hash.hi << DEDUP_SHARD_BITS) * shard->buckets_len) >>
                          64);
    return bucket + 1 == shard->buckets_len ? 0 : bucket + 1;
}

static uint32_t slice_relative(const struct shard *shard, int64_t slice)
{
    uint64_t distance = (uint64_t)slice - (uint64_t)shard->base;
    return slice == SLICE_NEVER || distance >= UINT32_MAX ? UINT32_MAX : (uint32_t)distance;
}

static void bucket_put(struct shard *shard, struct hash128 hash, uint32_t relative)
{
    uint64_t at = bucket_first(shard, hash);
    for (unsigned probe = 0;; probe++) {
        struct bucket *bucket = &shard->buckets[at];
        if (bucket->used < BUCKET_KEYS) {
            bucket->hashes[bucket->used] = hash;
            bucket->slices[bucket->used++] = relative;
            return;
        }
        at = bucket_next(shard, hash, at, probe);
    }
}

// A new table for the live keys and as many again as fit until it is 85 % full.
static void shard_rebuild(struct shard *shard, const struct dedup *dedup, int64_t base)
{
    struct shard old = *shard;
    uint64_t wanted = (uint64_t)shard->live + (uint64_t)shard->live / 2 + 16;
    shard->buckets_len = (wanted * 20 / (17 * BUCKET_KEYS) + 2) & ~UINT64_C(1); // pairs
    if (shard->buckets_len < BUCKETS_MIN)
        shard->buckets_len = BUCKETS_MIN;
    shard->used_max = shard->buckets_len * BUCKET_KEYS * 17 / 20;
    shard->buckets = heap_aligned(64, shard->buckets_len * sizeof(struct bucket));
    memset(shard->buckets, 0, shard->buckets_len * sizeof(struct bucket));
    shard->base = base;
    shard->used = 0;
    for (uint64_t b = 0; b < old.buckets_len; b++) {
        const struct bucket *bucket = &old.buckets[b];
        for (uint32_t i = 0; i < bucket->used; i++) {
            int64_t slice = slice_number(&old, bucket->slices[i]);
            if (slice <= dedup->dead_slice)
                continue;
            uint32_t relative = slice_relative(shard, slice);
            if (UNLIKELY(relative == UINT32_MAX && slice != SLICE_NEVER)) {
                slice_find(shard, slice)->live--;
                slice_find(shard, SLICE_NEVER)->live++;
            }
            bucket_put(shard, bucket->hashes[i], relative);
            shard->used++;
        }
    }
    heap_free(old.buckets);
}

// Slices are numbered from `base` in 32 bits; a slice outside moves the base.
static void shard_make_room(struct shard *shard, const struct dedup *dedup, int64_t slice)
{
    int64_t base = shard->base;
    int64_t first_alive = dedup->dead_slice == INT64_MIN ? INT64_MIN : dedup->dead_slice + 1;
    bool is_below = slice < base;
    bool is_above = slice != SLICE_NEVER && !is_below && slice_relative(shard, slice) == UINT32_MAX;
    if (shard->buckets == NULL || is_below) {
        base = slice < INT64_MIN + (1 << 20) ? INT64_MIN : slice - (1 << 20);
        base = base < first_alive ? first_alive : base;
    } else if (is_above && first_alive > base) {
        base = first_alive;
    } else if (shard->used < shard->used_max) {
        return;
    }
    shard_rebuild(shard, dedup, base);
}

bool shard_add(struct shard *shard, const struct dedup *dedup, struct hash128 hash, int64_t slice,
               bool records)
{
    if (UNLIKELY(shard->used >= shard->used_max ||
                 (uint64_t)slice - (uint64_t)shard->base >= UINT32_MAX))
        shard_make_room(shard, dedup, slice);
    uint32_t relative = slice_relative(shard, slice);
    uint64_t at = bucket_first(shard, hash);
    struct bucket *target = NULL; // first place that may be taken
    uint32_t place = 0;
    for (unsigned probe = 0;; probe++) {
        struct bucket *bucket = &shard->buckets[at];
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
        if (bucket->used < BUCKET_KEYS) {
            if (target == NULL) {
                target = bucket;
                place = bucket->used++;
                shard->used++;
            }
            break;
        }
        at = bucket_next(shard, hash, at, probe);
    }
found:
    target->hashes[place] = hash;
    target->slices[place] = relative;
    struct slice *counted = slice_find(shard, slice_number(shard, relative));
    counted->live++;
    shard->live++;
    if (records)
        slice_record(counted, hash);
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
            __builtin_prefetch(&shard->buckets[bucket_first(shard, hash)], 1);
        }
        for (size_t k = 0; k < rows_len; k++) { // by now the first ones have come
            struct hash128 hash = hashes[from + rows[k]];
            const struct shard *shard = &dedup->shards[shard_of(hash)];
            uint64_t at = bucket_first(shard, hash);
            if (shard->buckets_len > 0 && shard->buckets[at].used == BUCKET_KEYS)
                __builtin_prefetch(&shard->buckets[at ^ 1], 1);
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

static void shard_forget(struct shard *shard, int64_t dead_slice)
{
    size_t gone = 0;
    while (gone < shard->slices_len && shard->slices[gone].number <= dead_slice) {
        shard->live -= shard->slices[gone].live;
        heap_free(shard->slices[gone].added);
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
            shard_forget(&dedup->shards[s], dead);
    }
    uint64_t scanned = 0; // the rest has its turn at the next call
    for (size_t s = 0; s < DEDUP_SHARDS && scanned < SHRINK_BUCKETS_MAX; s++) {
        struct shard *shard = &dedup->shards[s];
        if (shard->buckets_len > BUCKETS_MIN * 2 &&
            (uint64_t)shard->live < shard->buckets_len * BUCKET_KEYS / 3) {
            scanned += shard->buckets_len;
            shard_rebuild(shard, dedup, shard->base);
        }
    }
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
    size_t bytes = sizeof(*dedup);
    for (size_t s = 0; s < DEDUP_SHARDS; s++) {
        const struct shard *shard = &dedup->shards[s];
        bytes += shard->buckets_len * sizeof(struct bucket);
        bytes += shard->slices_capacity * sizeof(struct slice);
        for (size_t i = 0; i < shard->slices_len; i++)
            bytes += shard->slices[i].added_capacity * sizeof(struct hash128);
    }
    return (int64_t)bytes;
}
