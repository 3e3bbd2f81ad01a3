// SPDX-License-Identifier: MIT
// Pages of the dedup set: where their memory comes from, and how they split, shed dead keys and
// merge. A page's directory entries are one aligned run of 2^(shard depth - page depth).
#include "engine/dedup_set.h"

#define BLOCKS_KEPT 2048 // 8 MiB: more than this is given back after a burst

// ---- Memory

void pool_init(struct page_pool *pool)
{
    *pool = (struct page_pool){0};
    pthread_mutex_init(&pool->mutex, NULL);
}

void pool_clear(struct page_pool *pool)
{
    for (size_t s = 0; s < pool->slabs_len; s++)
        heap_free(pool->slabs[s].pages);
    heap_free(pool->slabs);
    for (struct added *next; pool->blocks != NULL; pool->blocks = next) {
        next = pool->blocks->next;
        heap_free(pool->blocks);
    }
    pthread_mutex_destroy(&pool->mutex);
}

static struct slab *add_slab(struct page_pool *pool)
{
    size_t s = pool->slabs_len++;
    if (s == pool->slabs_capacity) {
        pool->slabs_capacity = s > 0 ? s * 2 : 16;
        pool->slabs = heap_resize(pool->slabs, pool->slabs_capacity * sizeof(*pool->slabs));
    }
    struct slab *slab = &pool->slabs[s];
    *slab = (struct slab){.pages = heap_aligned(64, SLAB_PAGES * sizeof(struct page)),
                          .free_len = SLAB_PAGES};
    for (size_t p = SLAB_PAGES; p-- > 0;) { // the first page is taken first
        slab->pages[p].slab = s;
        slab->pages[p].next = slab->free;
        slab->free = &slab->pages[p];
    }
    pool->free_len += SLAB_PAGES;
    return slab;
}

// From the first slab that has one, so that the last ones run empty and can go.
static struct page *take_page(struct page_pool *pool, uint32_t depth)
{
    pthread_mutex_lock(&pool->mutex);
    while (pool->slab_first < pool->slabs_len && pool->slabs[pool->slab_first].free == NULL)
        pool->slab_first++;
    struct slab *slab = pool->slab_first < pool->slabs_len ? &pool->slabs[pool->slab_first] : NULL;
    if (slab == NULL) {
        slab = add_slab(pool);
        pool->slab_first = (size_t)(slab - pool->slabs);
    }
    struct page *page = slab->free;
    slab->free = page->next;
    slab->free_len--;
    pool->free_len--;
    pthread_mutex_unlock(&pool->mutex);
    page->used = 0;
    page->depth = depth;
    for (size_t b = 0; b < PAGE_BUCKETS; b++)
        page->buckets[b].used = 0;
    return page;
}

static void give_page(struct page_pool *pool, struct page *page)
{
    pthread_mutex_lock(&pool->mutex);
    struct slab *slab = &pool->slabs[page->slab];
    page->next = slab->free;
    slab->free = page;
    if (page->slab < pool->slab_first)
        pool->slab_first = page->slab;
    slab->free_len++;
    pool->free_len++;
    // One slab stays in reserve: what was just given back may be wanted again.
    while (pool->free_len >= 2 * SLAB_PAGES &&
           pool->slabs[pool->slabs_len - 1].free_len == SLAB_PAGES) {
        heap_free(pool->slabs[--pool->slabs_len].pages);
        pool->free_len -= SLAB_PAGES;
    }
    pthread_mutex_unlock(&pool->mutex);
}

struct added *pool_take_block(struct page_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    struct added *block = pool->blocks;
    if (block != NULL) {
        pool->blocks = block->next;
        pool->blocks_len--;
    } else {
        pool->blocks_held++;
    }
    pthread_mutex_unlock(&pool->mutex);
    if (block == NULL)
        block = heap_new(sizeof(*block));
    block->len = 0;
    return block;
}

void pool_give_blocks(struct page_pool *pool, struct added *blocks)
{
    pthread_mutex_lock(&pool->mutex);
    for (struct added *next; blocks != NULL; blocks = next) {
        next = blocks->next;
        if (pool->blocks_len == BLOCKS_KEPT) {
            heap_free(blocks);
            pool->blocks_held--;
            continue;
        }
        blocks->next = pool->blocks;
        pool->blocks = blocks;
        pool->blocks_len++;
    }
    pthread_mutex_unlock(&pool->mutex);
}

// ---- The directory

static size_t run_of(const struct shard *shard, const struct page *page)
{
    return (size_t)1 << (shard->depth - page->depth);
}

void shard_clear(struct shard *shard, struct page_pool *pool)
{
    size_t len = shard->directory == NULL ? 0 : (size_t)1 << shard->depth;
    for (size_t at = 0; at < len;) {
        struct page *page = shard->directory[at];
        at += run_of(shard, page);
        give_page(pool, page);
    }
    heap_free(shard->directory);
    shard->directory = NULL;
    shard->depth = 0;
    shard->pages_len = 0;
}

static void start_directory(struct shard *shard, struct page_pool *pool, uint32_t depth)
{
    shard->depth = depth;
    shard->pages_len = (size_t)1 << depth;
    shard->directory = heap_array(shard->pages_len, sizeof(*shard->directory));
    for (size_t p = 0; p < shard->pages_len; p++)
        shard->directory[p] = take_page(pool, depth);
}

static void page_put(struct page *page, struct hash128 hash, uint32_t relative)
{
    ASSERT(page->used < PAGE_BUCKETS * BUCKET_KEYS);
    size_t at = bucket_of(hash);
    while (page->buckets[at].used == BUCKET_KEYS)
        at = at + 1 == PAGE_BUCKETS ? 0 : at + 1;
    struct bucket *bucket = &page->buckets[at];
    bucket->hashes[bucket->used] = hash;
    bucket->slices[bucket->used++] = relative;
    page->used++;
}

static uint32_t live_keys(const struct shard *shard, const struct page *page, int64_t dead_slice)
{
    uint32_t live = 0;
    for (size_t b = 0; b < PAGE_BUCKETS; b++)
        for (uint32_t i = 0; i < page->buckets[b].used; i++)
            live += slice_number(shard, page->buckets[b].slices[i]) > dead_slice;
    return live;
}

// The live keys of `from`, by their next hash bit, into two pages (or one: right == left).
static void deal_out(const struct shard *shard, const struct page *from, int64_t dead_slice,
                     struct page *left, struct page *right)
{
    uint32_t bit = 63 - DEDUP_SHARD_BITS - from->depth;
    for (size_t b = 0; b < PAGE_BUCKETS; b++) {
        const struct bucket *bucket = &from->buckets[b];
        for (uint32_t i = 0; i < bucket->used; i++)
            if (slice_number(shard, bucket->slices[i]) > dead_slice)
                page_put(bucket->hashes[i].hi >> bit & 1 ? right : left, bucket->hashes[i],
                         bucket->slices[i]);
    }
}

static void double_directory(struct shard *shard)
{
    size_t len = (size_t)1 << shard->depth;
    struct page **directory = heap_array(len * 2, sizeof(*directory));
    for (size_t at = 0; at < len; at++)
        directory[2 * at] = directory[2 * at + 1] = shard->directory[at];
    heap_free(shard->directory);
    shard->directory = directory;
    shard->depth++;
}

void shard_make_room(struct shard *shard, struct dedup *dedup, struct hash128 hash)
{
    if (shard->directory == NULL) {
        start_directory(shard, &dedup->pool, 0);
        return;
    }
    struct page *page = page_of(shard, hash);
    bool splits = live_keys(shard, page, dedup->dead_slice) > PAGE_KEYS_MAX * 3 / 4;
    if (splits && page->depth == shard->depth) {
        ASSERT(shard->depth < DEPTH_MAX); // forty thousand million keys, or made to collide
        double_directory(shard);
    }
    size_t run = run_of(shard, page);
    size_t first = (size_t)(hash.hi << DEDUP_SHARD_BITS >> 1 >> (63 - shard->depth)) & ~(run - 1);
    uint32_t depth = page->depth + splits;
    struct page *left = take_page(&dedup->pool, depth);
    struct page *right = splits ? take_page(&dedup->pool, depth) : left;
    deal_out(shard, page, dedup->dead_slice, left, right);
    for (size_t at = 0; at < run; at++)
        shard->directory[first + at] = at < run / 2 || !splits ? left : right;
    shard->pages_len += splits;
    give_page(&dedup->pool, page);
}

// Every live key into new pages of a directory of that depth, with slices counted from `base`.
static void rebuild(struct shard *shard, struct dedup *dedup, int64_t base, uint32_t depth)
{
    struct shard old = *shard;
    start_directory(shard, &dedup->pool, depth);
    shard->base = base;
    size_t len = (size_t)1 << old.depth;
    for (size_t at = 0; at < len; at += run_of(&old, old.directory[at])) {
        const struct page *page = old.directory[at];
        for (size_t b = 0; b < PAGE_BUCKETS; b++) {
            for (uint32_t i = 0; i < page->buckets[b].used; i++) {
                struct hash128 hash = page->buckets[b].hashes[i];
                int64_t slice = slice_number(&old, page->buckets[b].slices[i]);
                if (slice <= dedup->dead_slice)
                    continue;
                uint32_t relative = slice_relative(shard, slice);
                if (UNLIKELY(relative == UINT32_MAX && slice != SLICE_NEVER)) {
                    slice_find(shard, slice)->live--;
                    slice_find(shard, SLICE_NEVER)->live++;
                }
                while (page_of(shard, hash)->used >= PAGE_KEYS_MAX)
                    shard_make_room(shard, dedup, hash);
                page_put(page_of(shard, hash), hash, relative);
            }
        }
    }
    struct shard gone = {.directory = old.directory, .depth = old.depth};
    shard_clear(&gone, &dedup->pool);
}

// Half full on average, so that the next keys find room.
static uint32_t depth_for(int64_t live)
{
    uint32_t depth = 0;
    while (depth < DEPTH_MAX && live >> depth > PAGE_KEYS_MAX / 2)
        depth++;
    return depth;
}

void shard_fit_slice(struct shard *shard, struct dedup *dedup, int64_t slice)
{
    int64_t base = shard->base;
    int64_t first_alive = dedup->dead_slice == INT64_MIN ? INT64_MIN : dedup->dead_slice + 1;
    bool is_below = slice < base;
    bool is_above = slice != SLICE_NEVER && !is_below && slice_relative(shard, slice) == UINT32_MAX;
    if (shard->directory == NULL || is_below) {
        base = slice < INT64_MIN + (1 << 20) ? INT64_MIN : slice - (1 << 20);
        base = base < first_alive ? first_alive : base;
    } else if (is_above && first_alive > base) {
        base = first_alive;
    } else {
        return;
    }
    if (shard->directory == NULL)
        shard->base = base;
    else
        rebuild(shard, dedup, base, depth_for(shard->live));
}

size_t shard_shrink(struct shard *shard, struct dedup *dedup)
{
    if (shard->pages_len <= 2 || shard->live >= (int64_t)shard->pages_len * PAGE_KEYS_MAX / 4)
        return 0;
    size_t walked = shard->pages_len;
    rebuild(shard, dedup, shard->base, depth_for(shard->live));
    return walked;
}
