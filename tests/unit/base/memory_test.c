// SPDX-License-Identifier: MIT
// Arena and heap, and the byte buffer with its little-endian reader.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "base/arena.h"
#include "base/buf.h"

static void arena_pieces(void **state)
{
    (void)state;
    struct arena arena = {0};
    char *pieces[2000];
    size_t total = 0;
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        size_t size = (i * 37) % 300;
        pieces[i] = arena_new(&arena, size);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        for (size_t k = 0; k < size; k++)
            assert_int_equal(pieces[i][k], 0);
        memset(pieces[i], (int)(i & 0x7f), size); // overlaps would show below
        total += size;
    }
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        for (size_t k = 0; k < (i * 37) % 300; k++)
            assert_int_equal(pieces[i][k], i & 0x7f);
    }
    assert_true(arena.bytes >= total && arena.bytes < 4 * total);
    arena_clear(&arena);
    assert_int_equal(arena.bytes, 0);
}

static void arena_large_piece_keeps_the_room(void **state)
{
    (void)state;
    struct arena arena = {0};
    char *first = arena_bytes(&arena, 10);
    memset(arena_new(&arena, 5000000), 1, 5000000);
    char *second = arena_bytes(&arena, 10);
    assert_ptr_equal(second, first + 10); // still the small block
    arena_clear(&arena);
}

static void arena_reset_keeps_the_largest(void **state)
{
    (void)state;
    struct arena arena = {0};
    arena_new(&arena, 100);
    arena_new(&arena, 100000);
    size_t before = arena.bytes;
    arena_reset(&arena);
    assert_true(arena.bytes >= 100000 && arena.bytes < before);
    size_t kept = arena.bytes;
    char *again = arena_new(&arena, 100000);
    assert_int_equal(arena.bytes, kept); // no new block
    for (size_t i = 0; i < 100000; i += 1000)
        assert_int_equal(again[i], 0);
    arena_reset(&arena);
    arena_clear(&arena);
}

static void arena_text(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct str copy = arena_str(&arena, (struct str){"abcdef", 3});
    assert_string_equal(copy.ptr, "abc");
    assert_int_equal(copy.len, 3);
    struct str printed = arena_print(&arena, "%s-%d", "epoch", 12);
    assert_string_equal(printed.ptr, "epoch-12");
    assert_int_equal(printed.len, 8);
    assert_string_equal(arena_cstr(&arena, STR("")), "");
    arena_clear(&arena);
}

static void heap(void **state)
{
    (void)state;
    char *bytes = heap_array(3, 5);
    for (int i = 0; i < 15; i++)
        assert_int_equal(bytes[i], 0);
    bytes = heap_resize(bytes, 100);
    bytes[99] = 1;
    heap_free(bytes);
    heap_free(heap_new(0));
    heap_free(NULL);
    void *aligned = heap_aligned(64, 100);
    assert_int_equal((uintptr_t)aligned % 64, 0);
    memset(aligned, 1, 100);
    heap_free(aligned);
}

static void buf_grows(void **state)
{
    (void)state;
    struct buf buf = {0};
    assert_true(str_is(buf_str(&buf), ""));
    assert_string_equal(buf_cstr(&buf), "");
    for (int i = 0; i < 1000; i++)
        buf_print(&buf, "%d,", i);
    assert_int_equal(buf.len, 10 * 2 + 90 * 3 + 900 * 4);
    assert_true(str_ends(buf_str(&buf), "998,999,"));
    buf_reset(&buf);
    buf_add(&buf, NULL, 0);
    char big[300];
    memset(big, 'x', sizeof(big) - 1);
    big[299] = 0;
    buf_print(&buf, "<%s>", big); // longer than the first guess
    assert_int_equal(buf.len, 301);
    assert_int_equal(buf_cstr(&buf)[300], '>');
    buf_clear(&buf);
    assert_null(buf.ptr);
}

static void buf_escapes(void **state)
{
    (void)state;
    struct buf buf = {0};
    buf_add_json_string(&buf, STR("a\"b\\c\n\r\t\x01\x7f\xc3\xa9/"));
    assert_string_equal(buf_cstr(&buf), "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u007f\xc3\xa9/\"");
    buf_reset(&buf);
    buf_add_sql_string(&buf, STR("it's"));
    buf_add_sql_name(&buf, STR("a\"b"));
    assert_string_equal(buf_cstr(&buf), "'it''s'\"a\"\"b\"");
    buf_clear(&buf);
}

static void encoding(void **state)
{
    (void)state;
    struct buf buf = {0};
    buf_add_u8(&buf, 0xfe);
    buf_add_u32(&buf, 0x01020304);
    buf_add_u64(&buf, UINT64_MAX - 1);
    buf_add_i64(&buf, INT64_MIN);
    buf_add_double(&buf, -0.1);
    buf_add_bytes(&buf, STR("xyz"));
    buf_add_bytes(&buf, STR(""));
    buf_add_cstr(&buf, "raw");
    assert_memory_equal(buf.ptr, "\xfe\x04\x03\x02\x01\xfe\xff", 7); // little end first
    struct reader reader = reader_of(buf_str(&buf));
    assert_int_equal(reader_u8(&reader), 0xfe);
    assert_int_equal(reader_u32(&reader), 0x01020304);
    assert_true(reader_u64(&reader) == UINT64_MAX - 1);
    assert_true(reader_i64(&reader) == INT64_MIN);
    double value = reader_double(&reader);
    assert_true(value < -0.0999 && value > -0.1001);
    assert_true(str_is(reader_bytes(&reader), "xyz"));
    assert_true(str_is(reader_bytes(&reader), ""));
    assert_false(reader_is_done(&reader));
    assert_true(str_is(reader_raw(&reader, 3), "raw"));
    assert_true(reader_is_done(&reader));
    // Every shorter input is found bad, and never read beyond its end (a copy for the sanitizer).
    for (size_t len = 0; len < buf.len; len++) {
        char *cut = heap_new(len);
        memcpy(cut, buf.ptr, len);
        reader = reader_of((struct str){cut, len});
        reader_u8(&reader);
        reader_u32(&reader);
        reader_u64(&reader);
        reader_i64(&reader);
        reader_double(&reader);
        reader_bytes(&reader);
        reader_bytes(&reader);
        reader_raw(&reader, 3);
        assert_true(reader.bad);
        assert_int_equal(reader_u8(&reader), 0); // once bad, always bad
        heap_free(cut);
    }
    buf_reset(&buf);
    buf_add_u32(&buf, UINT32_MAX); // a length that points far outside
    reader = reader_of(buf_str(&buf));
    assert_int_equal(reader_bytes(&reader).len, 0);
    assert_true(reader.bad);
    buf_clear(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_pieces),
        cmocka_unit_test(arena_large_piece_keeps_the_room),
        cmocka_unit_test(arena_reset_keeps_the_largest),
        cmocka_unit_test(arena_text),
        cmocka_unit_test(heap),
        cmocka_unit_test(buf_grows),
        cmocka_unit_test(buf_escapes),
        cmocka_unit_test(encoding),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
