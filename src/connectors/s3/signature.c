// SPDX-License-Identifier: MIT
// Signed here and not by CURLOPT_AWS_SIGV4: the libcurl of Debian 12 (7.88) signs the query in the
// order of the address, hashes no streamed body, takes the time from the system and cannot be held
// against AWS's published examples. This file can (tests/unit/connectors/s3_signature_test.c).
//
// The text that is signed is made of exactly the bytes that are sent: path and query are encoded
// once, by us, and libcurl is told to leave them alone. For S3 the path is not encoded a second
// time, unlike for other services.
#include "connectors/s3/signature.h"

#include "base/clock.h"
#include "connectors/s3/sha256.h"
#include <stdlib.h>
#include <string.h>

void uri_encode(struct buf *out, struct str text, bool keeps_slash)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool is_plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~' ||
                        (c == '/' && keeps_slash);
        if (is_plain)
            buf_add_char(out, (char)c);
        else
            buf_print(out, "%%%02X", c);
    }
}

void signature_time_print(int64_t time_us, char text[17])
{
    char iso[40]; // 2024-01-15T10:30:00Z
    time_print(time_us, 0, iso);
    size_t at = 0;
    for (size_t i = 0; iso[i] != 0 && at < 16; i++) {
        if (iso[i] != '-' && iso[i] != ':')
            text[at++] = iso[i];
    }
    text[at] = 0;
}

static int header_compare(const void *a, const void *b)
{
    return str_compare(((const struct header *)a)->name, ((const struct header *)b)->name);
}

// Runs of spaces in a value count as one.
static void value_add(struct buf *out, struct str value)
{
    value = str_trim(value);
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] != ' ' || value.ptr[i - 1] != ' ')
            buf_add_char(out, value.ptr[i]);
    }
}

static void names_add(struct buf *out, const struct header *headers, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (i > 0)
            buf_add_char(out, ';');
        buf_add_str(out, headers[i].name);
    }
}

static void canonical_print(struct buf *out, const struct signature *signature,
                            const struct header *sorted)
{
    buf_add_cstr(out, signature->method);
    buf_add_char(out, '\n');
    buf_add_str(out, signature->path);
    buf_add_char(out, '\n');
    buf_add_str(out, signature->query);
    buf_add_char(out, '\n');
    for (size_t i = 0; i < signature->headers_len; i++) {
        buf_add_str(out, sorted[i].name);
        buf_add_char(out, ':');
        value_add(out, sorted[i].value);
        buf_add_char(out, '\n');
    }
    buf_add_char(out, '\n');
    names_add(out, sorted, signature->headers_len);
    buf_add_char(out, '\n');
    buf_add_cstr(out, signature->payload_hash);
}

static struct str digest_str(const unsigned char *digest)
{
    return (struct str){(const char *)digest, SHA256_BYTES};
}

// The key for this day, region and service.
static void key_make(const struct signature *signature, struct str day, unsigned char *digest)
{
    AUTO(buf_clear) struct buf first = {0};
    buf_add_cstr(&first, "AWS4");
    buf_add_str(&first, signature->secret_key.hidden);
    hmac_sha256(buf_str(&first), day, digest);
    memset(first.ptr, 0, first.len);
    hmac_sha256(digest_str(digest), signature->region, digest);
    hmac_sha256(digest_str(digest), signature->service, digest);
    hmac_sha256(digest_str(digest), STR("aws4_request"), digest);
}

void signature_print(struct buf *out, const struct signature *signature)
{
    AUTO(arena_clear) struct arena arena = {0};
    AUTO(buf_clear) struct buf text = {0};
    unsigned char digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1], time_text[17];
    struct header *sorted = ARENA_ARRAY(&arena, struct header, signature->headers_len);
    memcpy(sorted, signature->headers, signature->headers_len * sizeof(*sorted));
    qsort(sorted, signature->headers_len, sizeof(*sorted), header_compare);
    signature_time_print(signature->time_us, time_text);
    struct str day = {time_text, 8};
    struct str scope = arena_print(&arena, "%.*s/%.*s/%.*s/aws4_request", STR_ARGS(day),
                                   STR_ARGS(signature->region), STR_ARGS(signature->service));

    canonical_print(&text, signature, sorted);
    sha256_of(buf_str(&text), digest);
    sha256_hex(digest, hex);
    buf_reset(&text);
    buf_print(&text, "AWS4-HMAC-SHA256\n%s\n%.*s\n%s", time_text, STR_ARGS(scope), hex);
    key_make(signature, day, digest);
    hmac_sha256(digest_str(digest), buf_str(&text), digest);
    sha256_hex(digest, hex);

    buf_print(out, "AWS4-HMAC-SHA256 Credential=%.*s/%.*s, SignedHeaders=",
              STR_ARGS(signature->access_key), STR_ARGS(scope));
    names_add(out, sorted, signature->headers_len);
    buf_print(out, ", Signature=%s", hex);
}
