// SPDX-License-Identifier: MIT
// SHA-256 and HMAC-SHA-256 (FIPS 180-4, RFC 2104), which S3's signatures are made of.
#ifndef FIRESTEEL_SHA256_H
#define FIRESTEEL_SHA256_H

#include "base/str.h"

#define SHA256_BYTES 32

struct sha256 {
    uint32_t state[8];
    uint64_t bytes; // so far
    unsigned char block[64];
};
void sha256_init(struct sha256 *sha256);
void sha256_add(struct sha256 *sha256, const void *bytes, size_t len);
void sha256_end(struct sha256 *sha256, unsigned char digest[SHA256_BYTES]);

void sha256_of(struct str bytes, unsigned char digest[SHA256_BYTES]);
void hmac_sha256(struct str key, struct str bytes, unsigned char digest[SHA256_BYTES]);
// 64 lower-case digits and a zero byte.
void sha256_hex(const unsigned char digest[SHA256_BYTES], char text[2 * SHA256_BYTES + 1]);
// Without the processor's instructions; for tests that both are alike.
void sha256_of_portable(struct str bytes, unsigned char digest[SHA256_BYTES]);

#endif
