// SPDX-License-Identifier: MIT
// SHA-256 and signatures against the examples that NIST and AWS publish.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "connectors/s3/s3.h"
#include "connectors/s3/sha256.h"
#include "connectors/s3/signature.h"

static void hash_is(struct str bytes, const char *wanted)
{
    unsigned char digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1];
    sha256_of(bytes, digest);
    sha256_hex(digest, hex);
    assert_string_equal(hex, wanted);
    sha256_of_portable(bytes, digest);
    sha256_hex(digest, hex);
    assert_string_equal(hex, wanted);
}

static void hashes_are_the_standard_ones(void **state)
{
    (void)state;
    hash_is(STR(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    hash_is(STR("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash_is(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    struct buf many = {0};
    for (int i = 0; i < 1000000; i++)
        buf_add_char(&many, 'a');
    hash_is(buf_str(&many), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    // Pieces of any length give the same.
    unsigned char whole[SHA256_BYTES], pieces[SHA256_BYTES];
    for (size_t step = 1; step < 200; step += 7) {
        struct sha256 sha256;
        struct str bytes = {many.ptr, 1000};
        sha256_of(bytes, whole);
        sha256_init(&sha256);
        for (size_t at = 0; at < bytes.len; at += step)
            sha256_add(&sha256, bytes.ptr + at, bytes.len - at < step ? bytes.len - at : step);
        sha256_end(&sha256, pieces);
        assert_memory_equal(whole, pieces, SHA256_BYTES);
    }
    buf_clear(&many);
    char hex[2 * SHA256_BYTES + 1];
    hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), whole); // RFC 4231, 2
    sha256_hex(whole, hex);
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define WELCOME_HASH "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"

static void signature_is(struct signature signature, const char *wanted)
{
    AUTO(buf_clear) struct buf out = {0};
    signature_print(&out, &signature);
    const char *found = strstr(buf_cstr(&out), "Signature=");
    assert_non_null(found);
    assert_string_equal(found + strlen("Signature="), wanted);
}

static int64_t us_of(const char *text)
{
    int64_t time_us;
    assert_true(time_parse(str_of(text), &time_us));
    return time_us;
}

// "Authenticating requests: examples" of the S3 API reference.
static void signatures_of_the_s3_reference(void **state)
{
    (void)state;
    struct header headers[5] = {
        {STR("x-amz-date"), STR("20130524T000000Z")},
        {STR("host"), STR("examplebucket.s3.amazonaws.com")},
        {STR("x-amz-content-sha256"), STR(EMPTY_HASH)},
        {STR("range"), STR("bytes=0-9")},
    };
    struct signature signature = {
        .method = "GET",
        .path = STR("/test.txt"),
        .headers = headers,
        .headers_len = 4,
        .payload_hash = EMPTY_HASH,
        .time_us = us_of("2013-05-24T00:00:00Z"),
        .region = STR("us-east-1"),
        .service = STR("s3"),
        .access_key = STR("AKIAIOSFODNN7EXAMPLE"),
        .secret_key = {STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")},
    };
    signature_is(signature, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    signature.headers_len = 3;
    signature.path = STR("/");
    signature.query = STR("lifecycle=");
    signature_is(signature, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    signature.query = STR("max-keys=2&prefix=J");
    signature_is(signature, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
    signature.method = "PUT";
    signature.path = STR("/test%24file.text");
    signature.query = STR("");
    signature.payload_hash = WELCOME_HASH;
    headers[2].value = STR(WELCOME_HASH);
    headers[3] = (struct header){STR("date"), STR("Fri, 24 May 2013 00:00:00 GMT")};
    headers[4] = (struct header){STR("x-amz-storage-class"), STR("REDUCED_REDUNDANCY")};
    signature.headers_len = 5;
    signature_is(signature, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

// get-vanilla of AWS's test suite.
static void signature_of_the_test_suite(void **state)
{
    (void)state;
    struct header headers[] = {{STR("host"), STR("example.amazonaws.com")},
                               {STR("x-amz-date"), STR("20150830T123600Z")}};
    struct signature signature = {
        .method = "GET",
        .path = STR("/"),
        .headers = headers,
        .headers_len = 2,
        .payload_hash = EMPTY_HASH,
        .time_us = us_of("2015-08-30T12:36:00Z"),
        .region = STR("us-east-1"),
        .service = STR("service"),
        .access_key = STR("AKIDEXAMPLE"),
        .secret_key = {STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")},
    };
    signature_is(signature, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

static void keys_are_encoded_once(void **state)
{
    (void)state;
    AUTO(buf_clear) struct buf out = {0};
    uri_encode(&out, STR("a b/window=10%3A30+\xc3\xbc~*'()!"), true);
    assert_string_equal(buf_cstr(&out), "a%20b/window%3D10%253A30%2B%C3%BC~%2A%27%28%29%21");
    buf_reset(&out);
    uri_encode(&out, STR("a/b"), false);
    assert_string_equal(buf_cstr(&out), "a%2Fb");
}

static void addresses_are_parsed(void **state)
{
    (void)state;
    struct error err = {0};
    struct str bucket, key;
    static const char *const good[] = {"s3://my-bucket/a/b", "s3a://my-bucket/a/b",
                                       "s3n://my-bucket//a/b"};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_true(s3_url_parse(str_of(good[i]), &bucket, &key, &err));
        assert_true(str_is(bucket, "my-bucket"));
        assert_true(str_is(key, "a/b"));
    }
    assert_true(s3_url_parse(STR("s3://b"), &bucket, &key, &err));
    assert_int_equal(key.len, 0);
    assert_false(s3_url_parse(STR("s3:///a"), &bucket, &key, &err));
    assert_int_equal(err.kind, ERROR_USER);
    assert_false(s3_url_parse(STR("s3://b?x/a"), &bucket, &key, &err));
    assert_false(s3_url_parse(STR("gs://b/a"), &bucket, &key, &err));
}

static void endpoint_is(const char *given, const char *wanted)
{
    struct error err = {0};
    struct s3_options options = {
        .endpoint = str_of(given), .access_key = STR("a"), .secret_key = {STR("b")}};
    struct s3 *s3 = s3_open(STR("bucket"), &options, &err);
    if (wanted == NULL) {
        assert_null(s3);
        assert_int_equal(err.kind, ERROR_USER);
        return;
    }
    assert_non_null(s3);
    assert_string_equal(s3_endpoint(s3), wanted);
    s3_close(s3);
}

static void endpoints_are_understood(void **state)
{
    (void)state;
    endpoint_is("http://minio:9000/", "http://minio:9000");
    endpoint_is("minio:9000", "http://minio:9000");
    endpoint_is("s3.example.com", "https://s3.example.com");
    endpoint_is("s3.example.com:443", "https://s3.example.com");
    endpoint_is("https://example.com/s3/", "https://example.com/s3");
    endpoint_is("http://[::1]:9000", "http://[::1]:9000");
    endpoint_is("ftp://x", NULL);
    endpoint_is("http://user@x", NULL);
    endpoint_is("http://", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_the_standard_ones),
        cmocka_unit_test(signatures_of_the_s3_reference),
        cmocka_unit_test(signature_of_the_test_suite),
        cmocka_unit_test(keys_are_encoded_once),
        cmocka_unit_test(addresses_are_parsed),
        cmocka_unit_test(endpoints_are_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
