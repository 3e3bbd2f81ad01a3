// SPDX-License-Identifier: MIT
// Keys as bytes for the checkpoint: records of (slice i64, count u32, count * (lo u64, hi u64)),
// little endian. Records of one take are in ascending order of slice, so that a caller can cut them
// into one file a slice. A record that ends early is damage: the journal has cut torn tails before.
#include "engine/dedup_set.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "hashes are written as they are");

// The additions of one slice over all shards. at[s]: next slice of shard s. False: no more.
static bool slice_write_added(struct dedup *dedup, size_t *at, struct buf *out)
{
    int64_t number = INT64_MAX;
    size_t count = 0;
    bool found = false;
    for (size_t s = 0; s < DEDUP_SHARDS; s++) {
        const struct shard *shard = &dedup->shards[s];
        if (at[s] == shard->slices_len || shard->slices[at[s]].number > number)
            continue;
        if (shard->slices[at[s]].number < number)
            count = 0;
        number = shard->slices[at[s]].number;
        count += shard->slices[at[s]].added_len;
        found = true;
    }
    if (!found)
        return false;
    ASSERT(count <= UINT32_MAX);
    if (count > 0) {
        buf_add_i64(out, number);
        buf_add_u32(out, (uint32_t)count);
    }
    for (size_t s = 0; s < DEDUP_SHARDS; s++) {
        struct shard *shard = &dedup->shards[s];
        if (at[s] == shard->slices_len || shard->slices[at[s]].number != number)
            continue;
        struct slice *slice = &shard->slices[at[s]++];
        for (const struct added *block = slice->added; block != NULL; block = block->next)
            buf_add(out, block->hashes, block->len * sizeof(*block->hashes));
        pool_give_blocks(&dedup->pool, slice->added);
        slice->added = NULL;
        slice->added_len = 0;
    }
    return true;
}

void dedup_take_added(struct dedup *dedup, struct buf *out)
{
    size_t at[DEDUP_SHARDS] = {0};
    while (slice_write_added(dedup, at, out))
        ;
}

static void slot_set(struct buf *out, size_t at, struct hash128 hash)
{
    struct buf cell = {.ptr = out->ptr + at, .capacity = 16};
    buf_add_u64(&cell, hash.lo); // within capacity: writes in place
    buf_add_u64(&cell, hash.hi);
}

static void page_write(const struct shard *shard, const struct page *page, int64_t dead_slice,
                       size_t *ends, struct buf *out)
{
    size_t last = 0;
    for (size_t b = 0; b < PAGE_BUCKETS; b++) {
        const struct bucket *bucket = &page->buckets[b];
        for (uint32_t i = 0; i < bucket->used; i++) {
            int64_t number = slice_number(shard, bucket->slices[i]);
            if (number <= dead_slice)
                continue;
            size_t from = 0, to = shard->slices_len;
            while (shard->slices[last].number != number) {
                last = (from + to) / 2;
                if (shard->slices[last].number < number)
                    from = last + 1;
                else
                    to = last;
            }
            slot_set(out, ends[last], bucket->hashes[i]);
            ends[last] += 16;
        }
    }
}

// One shard: a record for each slice, filled by one walk over the buckets.
static void shard_write(const struct shard *shard, const struct dedup *dedup, struct buf *out)
{
    size_t *ends = heap_array(shard->slices_len + 1, sizeof(*ends));
    buf_reserve(out, (size_t)shard->live * 16 + shard->slices_len * 12 + 16);
    for (size_t i = 0; i < shard->slices_len; i++) {
        if (shard->slices[i].live == 0)
            continue;
        buf_add_i64(out, shard->slices[i].number);
        buf_add_u32(out, (uint32_t)shard->slices[i].live);
        ends[i] = out->len;
        out->len += (size_t)shard->slices[i].live * 16;
    }
    for (size_t at = 0; at < (size_t)1 << shard->depth;) {
        const struct page *page = shard->directory[at];
        at += (size_t)1 << (shard->depth - page->depth);
        page_write(shard, page, dedup->dead_slice, ends, out);
    }
    heap_free(ends);
}

void dedup_dump(const struct dedup *dedup, struct buf *out)
{
    for (size_t s = 0; s < DEDUP_SHARDS; s++)
        if (dedup->shards[s].live > 0)
            shard_write(&dedup->shards[s], dedup, out);
}

bool dedup_load(struct dedup *dedup, struct str bytes, struct error *err)
{
    struct reader reader = reader_of(bytes);
    while (reader.at < reader.len) {
        size_t start = reader.at;
        int64_t slice = reader_i64(&reader);
        uint64_t count = reader_u32(&reader);
        struct str hashes = reader_raw(&reader, count * 16);
        if (reader.bad)
            return error_set(err, ERROR_FATAL,
                             "dedup state: record at byte %zu of %zu is cut short; run 'firesteel "
                             "state verify' on the checkpoint",
                             start, bytes.len);
        if (slice <= dedup->dead_slice)
            continue;
        struct reader keys = reader_of(hashes);
        for (uint64_t i = 0; i < count; i++) {
            struct hash128 hash = {.lo = reader_u64(&keys)};
            hash.hi = reader_u64(&keys);
            shard_add(&dedup->shards[shard_of(hash)], dedup, hash, slice, false);
        }
    }
    return true;
}
