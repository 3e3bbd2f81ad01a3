// SPDX-License-Identifier: MIT
// Our own because the standard is 60 lines and OpenSSL, the alternative, would become a dependency
// of the build for nothing else. Every byte that goes to S3 is hashed, so x86's SHA instructions
// are used where the processor has them (about six times as fast).
#include "connectors/s3/sha256.h"

#include <string.h>

static const uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void blocks_portable(uint32_t state[8], const unsigned char *bytes, size_t blocks)
{
    for (; blocks > 0; blocks--, bytes += 64) {
        uint32_t w[64], s[8];
        for (int i = 0; i < 16; i++)
            w[i] = (uint32_t)bytes[4 * i] << 24 | (uint32_t)bytes[4 * i + 1] << 16 |
                   (uint32_t)bytes[4 * i + 2] << 8 | bytes[4 * i + 3];
        for (int i = 16; i < 64; i++) {
            uint32_t a = w[i - 15], b = w[i - 2];
            w[i] = w[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[i - 7] +
                   (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
        }
        memcpy(s, state, sizeof(s));
        for (int i = 0; i < 64; i++) {
            uint32_t e = s[4], a = s[0];
            uint32_t first = s[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                             ((e & s[5]) ^ (~e & s[6])) + k[i] + w[i];
            uint32_t second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                              ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
            memmove(s + 1, s, 7 * sizeof(s[0]));
            s[4] += first;
            s[0] = first + second;
        }
        for (int i = 0; i < 8; i++)
            state[i] += s[i];
    }
}

#if defined(__x86_64__)
#include <immintrin.h>

// The instructions want the state as ABEF and CDGH, and do two rounds each.
__attribute__((target("sha,sse4.1"))) static void
blocks_x86(uint32_t state[8], const unsigned char *bytes, size_t blocks)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)state), 0xb1);
    __m128i high =
        _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)(state + 4)), 0x1b);
    __m128i abef = _mm_alignr_epi8(low, high, 8), cdgh = _mm_blend_epi16(high, low, 0xf0);
    for (; blocks > 0; blocks--, bytes += 64) {
        __m128i abef_before = abef, cdgh_before = cdgh, w[4];
        for (int i = 0; i < 4; i++)
            w[i] = _mm_shuffle_epi8(
                _mm_loadu_si128((const __m128i *)(const void *)(bytes + 16 * i)), swap);
        for (int i = 0; i < 16; i++) {
            __m128i sum = _mm_add_epi32(
                w[i & 3], _mm_loadu_si128((const __m128i *)(const void *)(k + 4 * i)));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
            // w[i & 3] becomes the schedule's next four words, 16 after its own.
            __m128i last = w[(i + 3) & 3];
            __m128i next = _mm_add_epi32(_mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]),
                                         _mm_alignr_epi8(last, w[(i + 2) & 3], 4));
            w[i & 3] = _mm_sha256msg2_epu32(next, last);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    low = _mm_shuffle_epi32(abef, 0x1b);
    high = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(low, high, 0xf0));
    _mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(high, low, 8));
}

static bool has_instructions(void)
{
    // __builtin_cpu_supports does not know "sha" in every compiler: leaf 7, EBX bit 29.
    uint32_t a = 7, b = 0, c = 0, d = 0;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return (b & UINT32_C(1) << 29) != 0 && __builtin_cpu_supports("sse4.1");
}
#endif

static void blocks_add(uint32_t state[8], const unsigned char *bytes, size_t blocks)
{
#if defined(__x86_64__)
    static _Atomic int known; // 0: not asked yet; asking twice is harmless
    if (known == 0)
        known = has_instructions() ? 1 : 2;
    if (known == 1) {
        blocks_x86(state, bytes, blocks);
        return;
    }
#endif
    blocks_portable(state, bytes, blocks);
}

void sha256_init(struct sha256 *sha256)
{
    *sha256 = (struct sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                        0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void sha256_add(struct sha256 *sha256, const void *bytes, size_t len)
{
    const unsigned char *from = bytes;
    size_t used = sha256->bytes % 64;
    sha256->bytes += len;
    if (len == 0)
        return;
    if (used > 0) {
        size_t part = len < 64 - used ? len : 64 - used;
        memcpy(sha256->block + used, from, part);
        if (used + part < 64)
            return;
        blocks_add(sha256->state, sha256->block, 1);
        from += part;
        len -= part;
    }
    blocks_add(sha256->state, from, len / 64);
    if (len % 64 > 0)
        memcpy(sha256->block, from + len / 64 * 64, len % 64);
}

// What stands behind the last whole block: 0x80, zeros, and the length in bits.
static size_t tail_make(const unsigned char *rest, uint64_t bytes, unsigned char tail[128])
{
    size_t used = bytes % 64, len = used < 56 ? 64 : 128;
    memset(tail, 0, 128);
    if (used > 0)
        memcpy(tail, rest, used);
    tail[used] = 0x80;
    for (size_t i = 0; i < 8; i++)
        tail[len - 1 - i] = (unsigned char)(bytes * 8 >> (8 * i));
    return len / 64;
}

static void digest_print(const uint32_t state[8], unsigned char digest[SHA256_BYTES])
{
    for (size_t i = 0; i < SHA256_BYTES; i++)
        digest[i] = (unsigned char)(state[i / 4] >> (24 - 8 * (i % 4)));
}

void sha256_end(struct sha256 *sha256, unsigned char digest[SHA256_BYTES])
{
    unsigned char tail[128];
    size_t blocks = tail_make(sha256->block, sha256->bytes, tail);
    blocks_add(sha256->state, tail, blocks);
    digest_print(sha256->state, digest);
}

void sha256_of(struct str bytes, unsigned char digest[SHA256_BYTES])
{
    struct sha256 sha256;
    sha256_init(&sha256);
    sha256_add(&sha256, bytes.ptr, bytes.len);
    sha256_end(&sha256, digest);
}

void sha256_of_portable(struct str bytes, unsigned char digest[SHA256_BYTES])
{
    struct sha256 sha256;
    unsigned char tail[128];
    sha256_init(&sha256);
    const unsigned char *from = (const unsigned char *)bytes.ptr;
    size_t whole = bytes.len / 64;
    if (whole > 0)
        blocks_portable(sha256.state, from, whole);
    size_t blocks = tail_make(whole > 0 ? from + whole * 64 : from, bytes.len, tail);
    blocks_portable(sha256.state, tail, blocks);
    digest_print(sha256.state, digest);
}

void hmac_sha256(struct str key, struct str bytes, unsigned char digest[SHA256_BYTES])
{
    unsigned char padded[64] = {0}, outer[64];
    if (key.len > sizeof(padded))
        sha256_of(key, padded);
    else if (key.len > 0)
        memcpy(padded, key.ptr, key.len);
    for (size_t i = 0; i < sizeof(padded); i++) {
        outer[i] = padded[i] ^ 0x5c;
        padded[i] ^= 0x36;
    }
    struct sha256 sha256;
    sha256_init(&sha256);
    sha256_add(&sha256, padded, sizeof(padded));
    sha256_add(&sha256, bytes.ptr, bytes.len);
    sha256_end(&sha256, digest);
    sha256_init(&sha256);
    sha256_add(&sha256, outer, sizeof(outer));
    sha256_add(&sha256, digest, SHA256_BYTES);
    sha256_end(&sha256, digest);
}

void sha256_hex(const unsigned char digest[SHA256_BYTES], char text[2 * SHA256_BYTES + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    text[2 * SHA256_BYTES] = 0;
}
