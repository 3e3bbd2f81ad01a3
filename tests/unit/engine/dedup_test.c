// SPDX-License-Identifier: MIT
// The set of seen keys against a naive list of (key, slice): random times and watermarks, lanes,
// rebuilds, dump and load.
#include "duck/database.h"
#include "engine/dedup.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define SLICE_US INT64_C(100)
#define WITHIN_US INT64_C(800)

static struct hash128 hash_of(uint64_t key)
{
    return hash_bytes(&key, sizeof(key));
}

// What the set should know: for each key the slice it was last remembered in.
#define NAIVE_KEYS 5000
struct naive {
    bool seen[NAIVE_KEYS];
    int64_t slice[NAIVE_KEYS];
    int64_t watermark;
};

static int64_t floor_slice(int64_t time)
{
    return time >= 0 ? time / SLICE_US : -((-time + SLICE_US - 1) / SLICE_US);
}

static bool naive_live(const struct naive *naive, size_t key)
{
    return naive->seen[key] && (naive->slice[key] + 1) * SLICE_US + WITHIN_US > naive->watermark;
}

static int64_t naive_count(const struct naive *naive)
{
    int64_t count = 0;
    for (size_t key = 0; key < NAIVE_KEYS; key++)
        count += naive_live(naive, key);
    return count;
}

#define BATCH 700
static void settle_random_batch(struct dedup *dedup, struct naive *naive, uint64_t *random,
                                unsigned lanes)
{
    struct hash128 hashes[BATCH];
    int64_t times[BATCH];
    uint8_t skip[BATCH], duplicate[BATCH] = {0}, expected[BATCH] = {0};
    for (size_t i = 0; i < BATCH; i++) {
        size_t key = random_next(random) % NAIVE_KEYS;
        hashes[i] = hash_of(key);
        times[i] = naive->watermark - WITHIN_US + 1 + (int64_t)(random_next(random) % 1500);
        skip[i] = random_next(random) % 10 == 0;
        if (skip[i])
            continue;
        if (naive_live(naive, key)) {
            expected[i] = 1;
            continue;
        }
        naive->seen[key] = true;
        naive->slice[key] = floor_slice(times[i]);
    }
    for (unsigned lane = 0; lane < lanes; lane++)
        dedup_settle(dedup, hashes, times, skip, BATCH, lane, lanes, duplicate);
    for (size_t i = 0; i < BATCH; i++)
        if (duplicate[i] != expected[i])
            fail_msg("row %zu at %ld: duplicate %d, expected %d", i, (long)times[i], duplicate[i],
                     expected[i]);
}

static struct dedup *reloaded(struct dedup *dedup, int64_t watermark, bool advances_first)
{
    struct error err = {0};
    AUTO(buf_clear) struct buf bytes = {0};
    dedup_dump(dedup, &bytes);
    struct dedup *copy = dedup_new(SLICE_US, WITHIN_US);
    if (advances_first)
        dedup_advance(copy, watermark);
    assert_true(dedup_load(copy, buf_str(&bytes), &err));
    dedup_advance(copy, watermark);
    assert_int_equal(dedup_keys(copy), dedup_keys(dedup));
    dedup_free(dedup);
    return copy;
}

static void agrees_with_a_naive_set(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        print_message("dedup seed %lu\n", (unsigned long)seed);
        uint64_t random = seed;
        struct naive *naive = heap_new(sizeof(*naive));
        naive->watermark = seed % 2 ? -2000 : 5000;
        struct dedup *dedup = dedup_new(SLICE_US, WITHIN_US);
        dedup_advance(dedup, naive->watermark);
        for (int round = 0; round < 150; round++) {
            settle_random_batch(dedup, naive, &random, 1 + (unsigned)(round % 3));
            if (random_next(&random) % 3 == 0) {
                naive->watermark += (int64_t)(random_next(&random) % 400);
                dedup_advance(dedup, naive->watermark);
            }
            assert_int_equal(dedup_keys(dedup), naive_count(naive));
            if (round % 40 == 39)
                dedup = reloaded(dedup, naive->watermark, round % 80 == 39);
        }
        dedup_free(dedup);
        heap_free(naive);
    }
}

// The additions of each round, loaded one after the other, give the same set.
static void additions_rebuild_the_set(void **state)
{
    (void)state;
    struct error err = {0};
    uint64_t random = 77;
    struct naive *naive = heap_new(sizeof(*naive));
    naive->watermark = 1000;
    struct dedup *dedup = dedup_new(SLICE_US, WITHIN_US);
    struct dedup *follower = dedup_new(SLICE_US, WITHIN_US);
    dedup_advance(dedup, naive->watermark);
    for (int round = 0; round < 40; round++) {
        AUTO(buf_clear) struct buf bytes = {0};
        settle_random_batch(dedup, naive, &random, 2);
        dedup_take_added(dedup, &bytes);
        assert_true(dedup_load(follower, buf_str(&bytes), &err));
        naive->watermark += 150;
        dedup_advance(dedup, naive->watermark);
    }
    dedup_advance(follower, naive->watermark);
    assert_int_equal(dedup_keys(follower), dedup_keys(dedup));
    settle_random_batch(follower, naive, &random, 1);
    AUTO(buf_clear) struct buf none = {0};
    dedup_take_added(dedup, &none);
    assert_int_equal(none.len, 0);
    dedup_free(dedup);
    dedup_free(follower);
    heap_free(naive);
}

static void settle_range(struct dedup *dedup, uint64_t from, uint64_t to, int64_t time,
                         size_t *duplicates)
{
    for (uint64_t key = from; key < to; key++) {
        struct hash128 hash = hash_of(key);
        uint8_t duplicate = 0;
        dedup_settle(dedup, &hash, &time, NULL, 1, 0, 1, &duplicate);
        *duplicates += duplicate;
    }
}

static void memory_follows_the_live_keys(void **state)
{
    (void)state;
    struct dedup *dedup = dedup_new(SLICE_US, WITHIN_US);
    size_t duplicates = 0;
    settle_range(dedup, 0, 200000, 0, &duplicates);
    AUTO(buf_clear) struct buf bytes = {0};
    dedup_take_added(dedup, &bytes);
    assert_int_equal(bytes.len, 200000 * 16 + 12);
    // 64 / 3 bytes a place in pages 43 to 85 % full, two slabs of them in reserve at most; blocks
    // of additions.
    const int64_t blocks = 8 << 20, slab = 2 << 20;
    assert_in_range(dedup_bytes(dedup), 200000 * 25, 200000 * 50 + blocks + 2 * slab);
    int64_t with_keys = dedup_bytes(dedup);
    settle_range(dedup, 0, 200000, 0, &duplicates);
    assert_int_equal(duplicates, 200000);
    dedup_advance(dedup, SLICE_US + WITHIN_US - 1); // one short of forgetting
    assert_int_equal(dedup_keys(dedup), 200000);
    dedup_advance(dedup, SLICE_US + WITHIN_US);
    assert_int_equal(dedup_keys(dedup), 0);
    assert_true(dedup_bytes(dedup) < blocks + 3 * slab);
    assert_true(dedup_bytes(dedup) < with_keys - 2 * slab);
    dedup_free(dedup);
}

static void times_far_apart_are_kept_exactly(void **state)
{
    (void)state;
    struct dedup *dedup = dedup_new(1, 10);
    struct hash128 hashes[] = {hash_of(1), hash_of(2), hash_of(3), hash_of(1), hash_of(3)};
    int64_t times[] = {INT64_C(5) << 40, 7, INT64_MAX, 8, 9};
    uint8_t duplicate[5] = {0};
    for (int copies = 0; copies < 64; copies++) // every shard sees it
        dedup_settle(dedup, hashes, times, NULL, 5, (unsigned)copies, DEDUP_SHARDS, duplicate);
    assert_memory_equal(duplicate, ((uint8_t[]){0, 0, 0, 1, 1}), 5);
    dedup_advance(dedup, 1000);
    assert_int_equal(dedup_keys(dedup), 2);
    AUTO(buf_clear) struct buf bytes = {0};
    dedup_dump(dedup, &bytes);
    struct dedup *copy = dedup_new(1, 10);
    struct error err = {0};
    assert_true(dedup_load(copy, buf_str(&bytes), &err));
    assert_int_equal(dedup_keys(copy), 2);
    dedup_free(copy);
    dedup_free(dedup);
}

static void without_retention_nothing_is_forgotten(void **state)
{
    (void)state;
    struct dedup *dedup = dedup_new(SLICE_US, -1);
    size_t duplicates = 0;
    settle_range(dedup, 0, 1000, 5, &duplicates);
    dedup_advance(dedup, TIME_MAX_US);
    settle_range(dedup, 0, 1000, INT64_MAX / 2, &duplicates);
    assert_int_equal(duplicates, 1000);
    assert_int_equal(dedup_keys(dedup), 1000);
    dedup_free(dedup);
}

static void damaged_bytes_are_refused(void **state)
{
    (void)state;
    struct dedup *dedup = dedup_new(SLICE_US, WITHIN_US);
    size_t duplicates = 0;
    settle_range(dedup, 0, 50, 5, &duplicates);
    AUTO(buf_clear) struct buf bytes = {0};
    dedup_dump(dedup, &bytes);
    for (size_t cut = 1; cut < 28; cut++) {
        struct error err = {0};
        struct dedup *copy = dedup_new(SLICE_US, WITHIN_US);
        assert_false(dedup_load(copy, (struct str){bytes.ptr, bytes.len - cut}, &err) &&
                     cut % 28 != 0);
        assert_int_equal(err.kind, ERROR_FATAL);
        dedup_free(copy);
    }
    dedup_free(dedup);
}

// ---- Hashes

static void same_values_hash_alike_in_every_chunk(void **state)
{
    (void)state;
    const struct type *types[] = {type_simple(TYPE_BIGINT), type_simple(TYPE_VARCHAR),
                                  type_simple(TYPE_DOUBLE), type_simple(TYPE_INTEGER)};
    struct chunk *chunk = chunk_new(types, 4);
    char long_a[300], long_b[300];
    memset(long_a, 'x', sizeof(long_a));
    memset(long_b, 'x', sizeof(long_b));
    const char *texts[] = {long_a, long_b, "ab", "ab"};
    size_t lens[] = {300, 300, 2, 2};
    double reals[] = {0.0, -0.0, 0x1.8p1, 0x1.8p1};
    for (size_t i = 0; i < 4; i++) {
        ((int64_t *)chunk->columns[0].data)[i] = 7;
        ((struct string_cell *)chunk->columns[1].data)[i] = string_cell_of(texts[i], lens[i]);
        ((double *)chunk->columns[2].data)[i] = reals[i];
        ((int32_t *)chunk->columns[3].data)[i] = 7;
    }
    chunk->rows = 4;
    uint16_t selection[] = {0, 1, 2, 3};
    struct rows_part all = {.chunk = chunk, .count = 4};
    struct rows_part part = {.chunk = chunk, .selection = selection, .count = 4};
    struct hash128 a[4], b[4];
    int keys[][3] = {{0, 1, 2}, {0, 1, -1}, {3, 1, -1}};
    for (size_t k = 0; k < 3; k++) {
        size_t len = keys[k][2] < 0 ? 2 : 3;
        dedup_hash(&all, keys[k], len, a);
        dedup_hash(&part, keys[k], len, b);
        assert_memory_equal(a, b, sizeof(a));
        assert_memory_equal(&a[0], &a[1], sizeof(a[0]));
        assert_memory_equal(&a[2], &a[3], sizeof(a[0]));
        assert_memory_not_equal(&a[0], &a[2], sizeof(a[0]));
    }
    dedup_hash(&all, keys[1], 2, a); // BIGINT 7 and INTEGER 7 are one key
    assert_memory_equal(a, b, sizeof(a));
    vector_set_null(&chunk->columns[1], 2);
    dedup_hash(&all, keys[1], 2, b);
    assert_memory_not_equal(&a[2], &b[2], sizeof(a[2]));
    assert_memory_equal(&a[3], &b[3], sizeof(a[3]));
    chunk_free(chunk);
}

static void the_hash_of_a_key_never_changes(void **state)
{
    (void)state;
    const struct type *types[] = {type_simple(TYPE_BIGINT), type_simple(TYPE_VARCHAR)};
    struct chunk *chunk = chunk_new(types, 2);
    ((int64_t *)chunk->columns[0].data)[0] = 42;
    ((struct string_cell *)chunk->columns[1].data)[0] = string_cell_of("dev_1", 5);
    chunk->rows = 1;
    struct rows_part part = {.chunk = chunk, .count = 1};
    struct hash128 hash, expected;
    dedup_hash(&part, (int[]){0, 1}, 2, &hash);
    // The encoding written out: state on disk depends on it.
    static const char bytes[] = "\1\x2a\0\0\0\0\0\0\0\2\5\0\0\0dev_1";
    expected = hash_bytes(bytes, sizeof(bytes) - 1);
    assert_memory_equal(&hash, &expected, sizeof(hash));
    chunk_free(chunk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_naive_set),
        cmocka_unit_test(additions_rebuild_the_set),
        cmocka_unit_test(memory_follows_the_live_keys),
        cmocka_unit_test(times_far_apart_are_kept_exactly),
        cmocka_unit_test(without_retention_nothing_is_forgotten),
        cmocka_unit_test(damaged_bytes_are_refused),
        cmocka_unit_test(same_values_hash_alike_in_every_chunk),
        cmocka_unit_test(the_hash_of_a_key_never_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
