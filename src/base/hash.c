// SPDX-License-Identifier: MIT
// CRC32C by the processor's own instruction where there is one, chosen once at run time, so that
// one binary runs everywhere; XXH3 compiled in from its header, because a call per key is too dear.
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "base/hash.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

typedef uint32_t crc_function(uint32_t crc, const unsigned char *bytes, size_t len);

static uint32_t crc_table[8][256];
static crc_function *crc_update;
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

// "Slicing by 8": table k holds the effect of a byte that stands k bytes before the end.
static uint32_t crc_by_table(uint32_t crc, const unsigned char *bytes, size_t len)
{
    while (len >= 8) {
        uint32_t low = crc ^ ((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 |
                              (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24);
        crc = crc_table[7][low & 0xff] ^ crc_table[6][(low >> 8) & 0xff] ^
              crc_table[5][(low >> 16) & 0xff] ^ crc_table[4][low >> 24] ^ crc_table[3][bytes[4]] ^
              crc_table[2][bytes[5]] ^ crc_table[1][bytes[6]] ^ crc_table[0][bytes[7]];
        bytes += 8;
        len -= 8;
    }
    for (; len > 0; len--)
        crc = crc_table[0][(crc ^ *bytes++) & 0xff] ^ (crc >> 8);
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
crc_by_instruction(uint32_t crc, const unsigned char *bytes, size_t len)
{
    uint64_t wide = crc;
    for (; len >= 8; len -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, sizeof(word));
        wide = _mm_crc32_u64(wide, word);
    }
    crc = (uint32_t)wide;
    for (; len > 0; len--)
        crc = _mm_crc32_u8(crc, *bytes++);
    return crc;
}
#endif

static void crc_init(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1)));
        crc_table[0][byte] = crc;
    }
    for (int k = 1; k < 8; k++) {
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t before = crc_table[k - 1][byte];
            crc_table[k][byte] = (before >> 8) ^ crc_table[0][before & 0xff];
        }
    }
    crc_update = crc_by_table;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        crc_update = crc_by_instruction;
#endif
}

uint32_t crc32c(uint32_t seed, const void *bytes, size_t len)
{
    pthread_once(&crc_once, crc_init);
    return ~crc_update(~seed, bytes, len);
}

uint32_t crc32c_portable(uint32_t seed, const void *bytes, size_t len)
{
    pthread_once(&crc_once, crc_init);
    return ~crc_by_table(~seed, bytes, len);
}

struct hash128 hash_bytes(const void *bytes, size_t len)
{
    XXH128_hash_t hash = XXH3_128bits(bytes, len);
    return (struct hash128){.lo = hash.low64, .hi = hash.high64};
}

uint64_t hash64_bytes(const void *bytes, size_t len)
{
    return XXH3_64bits(bytes, len);
}

void uuid_new(char text[37])
{
    unsigned char b[16];
    size_t have = 0;
    while (have < sizeof(b)) {
        ssize_t got = getrandom(b + have, sizeof(b) - have, 0);
        ASSERT(got > 0 || errno == EINTR);
        have += got > 0 ? (size_t)got : 0;
    }
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40); // version 4: random
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    snprintf(text, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
             b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
             b[14], b[15]);
}

uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}
