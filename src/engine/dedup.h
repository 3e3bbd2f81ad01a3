// SPDX-License-Identifier: MIT
// Keys already seen: an open-addressing set of 128-bit hashes, each with the time slice after which
// it may be forgotten. Sharded by hash so that lanes settle disjoint shards without locks and no
// single rehash stops the engine for long; 24 bytes a key is the target.
#ifndef FIRESTEEL_DEDUP_H
#define FIRESTEEL_DEDUP_H

#include "base/arena.h"
#include "base/error.h"
#include "base/buf.h"
#include "base/hash.h"
#include "duck/chunk.h"

#define DEDUP_SHARD_BITS 4 // few, so that each table is large enough for huge pages
#define DEDUP_SHARDS (1 << DEDUP_SHARD_BITS)

struct dedup; // heap object
// slice_us: granularity of forgetting (within / 8); retention_us = within; -1: never forget
// (batch).
struct dedup *dedup_new(int64_t slice_us, int64_t retention_us);
void dedup_free(struct dedup *dedup);

// Canonical 128-bit hash of the key columns of the selected rows: same value, same hash, whatever
// the chunk; NULL is a value. Independent of DuckDB and of pointers. hashes[i] for i < part->count.
void dedup_hash(const struct rows_part *part, const int *keys, size_t keys_len,
                struct hash128 *hashes);

// Settles rows 0..count in order for the shards s with s % shards_step == shard_first: a key not in
// the set is added with its event time (the first of equals in this call wins), others get
// duplicate[i] = 1. Rows of other shards are not touched. skip[i] != 0 (may be NULL): the row takes
// no part. New keys are appended to the shard's list of additions since the last dedup_take_added.
void dedup_settle(struct dedup *dedup, const struct hash128 *hashes, const int64_t *times_us,
                  const uint8_t *skip, size_t count, unsigned shard_first, unsigned shards_step,
                  uint8_t *duplicate);
// Forgets keys whose event time t satisfies t + retention <= watermark at slice granularity (never
// earlier than that; a slice goes when all of it may go). Cheap: dead entries go when a shard is
// rebuilt.
void dedup_advance(struct dedup *dedup, int64_t watermark_us);
int64_t dedup_dead_slice(const struct dedup *dedup); // slices up to this one are forgotten
int64_t dedup_keys(const struct dedup *dedup);       // live keys
int64_t dedup_bytes(const struct dedup *dedup);      // memory held

// What the checkpoint needs. Added keys since the last take, as bytes to append to the slice files:
// records of (slice i64, count u32, count * 16 bytes hash). dedup_load reads such bytes back
// (slices already forgotten under the current watermark are skipped).
void dedup_take_added(struct dedup *dedup, struct buf *out);
void dedup_dump(const struct dedup *dedup, struct buf *out); // all live keys, same records
MUST_USE bool dedup_load(struct dedup *dedup, struct str bytes, struct error *err);

#endif
