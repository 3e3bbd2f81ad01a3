// SPDX-License-Identifier: MIT
// Checksums against published vectors, by instruction and by table, and the random parts.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "base/hash.h"

static void crc_vectors(void **state)
{
    (void)state;
    unsigned char bytes[32] = {0};
    assert_int_equal(crc32c(0, "123456789", 9), 0xE3069283); // the polynomial's check value
    assert_int_equal(crc32c(0, bytes, 32), 0x8A9136AA);      // RFC 3720, B.4
    memset(bytes, 0xff, 32);
    assert_int_equal(crc32c(0, bytes, 32), 0x62A8AB43);
    for (int i = 0; i < 32; i++)
        bytes[i] = (unsigned char)i;
    assert_int_equal(crc32c(0, bytes, 32), 0x46DD794E);
    assert_int_equal(crc32c(0, "", 0), 0);
}

static void crc_both_ways(void **state)
{
    (void)state;
    unsigned char bytes[600];
    uint64_t seed = 3;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)random_next(&seed);
    for (size_t len = 0; len < sizeof(bytes) - 8; len++) {
        const unsigned char *begin = bytes + len % 8; // all alignments
        uint32_t whole = crc32c(0, begin, len);
        assert_int_equal(whole, crc32c_portable(0, begin, len));
        uint32_t half = crc32c(0, begin, len / 2);
        assert_int_equal(whole, crc32c(half, begin + len / 2, len - len / 2)); // in pieces
    }
    uint32_t before = crc32c(0, bytes, sizeof(bytes));
    for (size_t bit = 0; bit < sizeof(bytes) * 8; bit += 7) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_int_not_equal(before, crc32c(0, bytes, sizeof(bytes)));
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
}

static void hashes(void **state)
{
    (void)state;
    // XXH3 of the empty input, seed 0: these are what files of other versions were hashed with.
    struct hash128 empty = hash_bytes("", 0);
    assert_true(empty.lo == UINT64_C(0x6001C324468D497F));
    assert_true(empty.hi == UINT64_C(0x99AA06D3014798D8));
    assert_true(hash64_bytes("", 0) == UINT64_C(0x2D06800538D394C2));
    struct hash128 a = hash_bytes("device-1", 8), b = hash_bytes("device-2", 8);
    assert_true(a.lo != b.lo && a.hi != b.hi);
}

static void uuids(void **state)
{
    (void)state;
    char one[37], other[37];
    uuid_new(one);
    uuid_new(other);
    assert_string_not_equal(one, other);
    assert_int_equal(strlen(one), 36);
    assert_int_equal(strspn(one, "0123456789abcdef-"), 36);
    assert_int_equal(one[14], '4'); // version: random
    assert_non_null(strchr("89ab", one[19]));
    assert_true(one[8] == '-' && one[13] == '-' && one[18] == '-' && one[23] == '-');
}

static void random_stream(void **state)
{
    (void)state;
    uint64_t seed = 1234567, again = 1234567;
    // The first values that the authors of SplitMix64 publish for this seed.
    assert_true(random_next(&seed) == UINT64_C(6457827717110365317));
    assert_true(random_next(&seed) == UINT64_C(3203168211198807973));
    random_next(&again);
    random_next(&again);
    assert_true(seed == again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_vectors), cmocka_unit_test(crc_both_ways), cmocka_unit_test(hashes),
        cmocka_unit_test(uuids),       cmocka_unit_test(random_stream),
    };
    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
