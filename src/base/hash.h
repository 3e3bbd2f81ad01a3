// SPDX-License-Identifier: MIT
// Checksums and hashes: CRC32C guards what is on disk, XXH3-128 names keys in memory.
#ifndef FIRESTEEL_HASH_H
#define FIRESTEEL_HASH_H

#include "base/base.h"

struct hash128 {
    uint64_t lo, hi;
};

uint32_t crc32c(uint32_t seed, const void *bytes, size_t len); // seed 0 to begin
// The same without the processor's instruction: for machines that lack it, and to test both alike.
uint32_t crc32c_portable(uint32_t seed, const void *bytes, size_t len);
struct hash128 hash_bytes(const void *bytes, size_t len);
uint64_t hash64_bytes(const void *bytes, size_t len);
// A random UUID of 16 bytes from the system, as 36 characters + zero.
void uuid_new(char text[37]);
// Deterministic stream of 64-bit values: state is advanced. (SplitMix64.)
uint64_t random_next(uint64_t *state);

#endif
