// SPDX-License-Identifier: MIT
// The bytes of binary COPY, compared with what PostgreSQL 15 itself gives out for the same values
// (COPY (SELECT ..) TO STDOUT (FORMAT binary), in hexadecimal), and what does not fit.
#include "connector_case.h"
#include "connectors/postgres/copy_encode.h"
#include "connectors/postgres/copy_value.h"

static struct buf hex; // of the last encoding
static struct copy_problem problem;

static void hex_print(const struct buf *bytes)
{
    buf_reset(&hex);
    for (size_t i = 0; i < bytes->len; i++)
        buf_print(&hex, "%02x", (unsigned char)bytes->ptr[i]);
}

// One column of SQL values, encoded for a server's type.
static bool encode(const char *sql, struct server_type server, int64_t ordinal)
{
    struct error err = {0};
    struct statement *statement = statement_prepare(connection, sql, &err);
    if (statement == NULL)
        fail_msg("%s: %s", sql, err.text);
    CHECK(statement_execute(statement, &err));
    const struct column *columns = statement_columns(statement);
    const struct chunk *chunk = statement_next(statement);
    struct copy_column column = {
        .name = columns[0].name,
        .type = columns[0].type,
        .form = copy_form_choose(columns[0].type, &server),
        .is_list = columns[0].type->kind == TYPE_LIST,
        .element_oid = server.element_oid,
    };
    if (column.form == COPY_NONE)
        fail_msg("%s: not allowed", sql);
    struct copy_encoder *encoder = copy_encoder_new();
    AUTO(buf_clear) struct buf bytes = {0};
    bool ok = copy_encode(encoder, &column, 1, chunk, ordinal, &bytes, &problem);
    hex_print(&bytes);
    copy_encoder_free(encoder);
    statement_free(statement);
    return ok;
}

static void check(const char *sql, uint32_t oid, const char *expected)
{
    bool ok = encode(sql, (struct server_type){.oid = oid}, -1);
    if (!ok || strcmp(buf_cstr(&hex), expected) != 0)
        fail_msg("%s:\n got      %s\n expected %s", sql, ok ? buf_cstr(&hex) : problem.reason,
                 expected);
}

static void test_fixed(void **state)
{
    (void)state;
    check("SELECT true", 16, "00010000000101");
    check("SELECT NULL::BOOLEAN", 16, "0001ffffffff");
    check("SELECT -2::SMALLINT", 21, "000100000002fffe");
    check("SELECT 1::TINYINT", 21, "0001000000020001");
    check("SELECT -2::INTEGER", 23, "000100000004fffffffe");
    check("SELECT 258::BIGINT", 20, "0001000000080000000000000102");
    check("SELECT 4294967295::UINTEGER", 20, "00010000000800000000ffffffff");
    check("SELECT 7::INTEGER", 20, "0001000000080000000000000007");
    check("SELECT 7::INTEGER", 701, "000100000008401c000000000000");
    check("SELECT 1.5::FLOAT", 700, "0001000000043fc00000");
    check("SELECT 1.5::FLOAT", 701, "0001000000083ff8000000000000");
    check("SELECT 'nan'::DOUBLE", 701, "0001000000087ff8000000000000");
    check("SELECT '-inf'::DOUBLE", 701, "000100000008fff0000000000000");
    check("SELECT '550e8400-e29b-41d4-a716-446655440000'::UUID", 2950,
          "000100000010550e8400e29b41d4a716446655440000");
}

static void test_times(void **state)
{
    (void)state;
    check("SELECT DATE '2000-01-01'", 1082, "00010000000400000000");
    check("SELECT DATE '1999-12-31'", 1082, "000100000004ffffffff");
    check("SELECT DATE 'infinity'", 1082, "0001000000047fffffff");
    check("SELECT DATE '-infinity'", 1082, "00010000000480000000");
    check("SELECT TIMESTAMP '2000-01-01 00:00:01'", 1114, "00010000000800000000000f4240");
    check("SELECT TIMESTAMP '2000-01-01 00:00:01'", 1184, "00010000000800000000000f4240");
    check("SELECT TIMESTAMP '1999-12-31 23:59:59.999999'", 1114, "000100000008ffffffffffffffff");
    check("SELECT TIMESTAMP 'infinity'", 1114, "0001000000087fffffffffffffff");
    check("SELECT TIMESTAMP '-infinity'", 1114, "0001000000088000000000000000");
    check("SELECT TIME '00:00:01'", 1083, "00010000000800000000000f4240");
    check("SELECT INTERVAL '2 months 3 days 1 second'", 1186,
          "00010000001000000000000f42400000000300000002");
}

static void test_texts(void **state)
{
    (void)state;
    check("SELECT 'ab'", 25, "0001000000026162");
    check("SELECT ''", 1043, "000100000000");
    check("SELECT 'longer than twelve bytes'", 25,
          "0001000000186c6f6e676572207468616e207477656c7665206279746573");
    check("SELECT '{}'", 3802, "000100000003017b7d");
    check("SELECT '{}'", 114, "0001000000027b7d");
    check("SELECT '\\x00\\xFF'::BLOB", 17, "00010000000200ff");
    assert_false(encode("SELECT * FROM (VALUES ('a'), (NULL), ('b' || chr(0))) v",
                        (struct server_type){.oid = 25}, -1));
    assert_int_equal(problem.row, 2);
    assert_non_null(strstr(problem.reason, "zero byte"));
    assert_int_equal(hex.len, 0);
}

static void test_numerics(void **state)
{
    (void)state;
    check("SELECT 0::DECIMAL(4,2)", 1700, "0001000000080000000000000002");
    check("SELECT 1234.5678::DECIMAL(9,4)", 1700, "00010000000c000200000000000404d2162e");
    check("SELECT -0.05::DECIMAL(4,2)", 1700, "00010000000a0001ffff4000000201f4");
    check("SELECT 0.00005::DECIMAL(9,6)", 1700, "00010000000a0001fffe000000061388");
    check("SELECT 100000000::DECIMAL(18,1)", 1700, "00010000000a00010002000000010001");
    check("SELECT 12345::BIGINT", 1700, "00010000000c000200010000000000010929");
    check("SELECT 170141183460469231731687303715884105727::HUGEINT", 1700,
          "00010000001c000a00090000000000aa0583209a01d5090d0c601c871bf620da165f");
}

static void test_numeric_turns(void **state)
{
    (void)state;
    static const struct {
        int64_t high, low; // value = high * 10^18 + low
        uint8_t scale;
    } cases[] = {{0, 0, 0},        {0, 1, 0},          {0, 1, 3},     {0, 1, 38},
                 {0, -123456, 2},  {0, 9999, 4},       {0, 10000, 1}, {0, 10000, 5},
                 {99999999, 7, 7}, {-99999999, -7, 2}, {1, 0, 18},    {0, 100, 2}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        __int128 value = (__int128)cases[i].high * 1000000000000000000 + cases[i].low, back = 0;
        struct numeric numeric;
        char bytes[64];
        numeric_of(value, cases[i].scale, &numeric);
        size_t len = (size_t)(numeric_put(&numeric, bytes) - bytes);
        assert_true(numeric_get(bytes, len, cases[i].scale, &back));
        assert_true(back == value);
    }
}

static void test_ranges(void **state)
{
    (void)state;
    check("SELECT 32767::BIGINT", 21, "0001000000027fff");
    check("SELECT -2147483648::BIGINT", 23, "00010000000480000000");
    check("SELECT 9223372036854775807::HUGEINT", 20, "0001000000087fffffffffffffff");
    static const struct {
        const char *sql;
        uint32_t oid;
    } cases[] = {{"SELECT unnest([1, NULL, 32768])::BIGINT", 21},
                 {"SELECT unnest([1, NULL, 2147483648])::BIGINT", 23},
                 {"SELECT unnest([1, NULL, -2147483649])::BIGINT", 23},
                 {"SELECT unnest([1, NULL, 18446744073709551615])::UBIGINT", 20},
                 {"SELECT unnest([1, NULL, 9223372036854775808])::HUGEINT", 20}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (encode(cases[i].sql, (struct server_type){.oid = cases[i].oid}, -1))
            fail_msg("%s: was taken", cases[i].sql);
        assert_int_equal(problem.row, 2);
        assert_non_null(strstr(problem.reason, "out of the range"));
    }
}

static void test_lists(void **state)
{
    (void)state;
    const struct server_type texts = {.oid = 1009, .element_oid = 25};
    const struct server_type numbers = {.oid = 1016, .element_oid = 20};
    assert_true(encode("SELECT ['a', NULL]", texts, -1));
    assert_string_equal(buf_cstr(&hex), "00010000001d000000010000000100000019"
                                        "000000020000000100000001"
                                        "61"
                                        "ffffffff");
    assert_true(encode("SELECT []::VARCHAR[]", texts, -1));
    assert_string_equal(buf_cstr(&hex), "00010000000c000000000000000000000019");
    assert_true(encode("SELECT NULL::VARCHAR[]", texts, -1));
    assert_string_equal(buf_cstr(&hex), "0001ffffffff");
    assert_true(encode("SELECT [258::BIGINT]", numbers, -1));
    assert_string_equal(buf_cstr(&hex), "000100000020000000010000000000000014"
                                        "0000000100000001000000080000000000000102");
    // Rows of different lengths, one behind the other.
    assert_true(encode("SELECT * FROM (VALUES ([1::BIGINT]), (NULL), ([2, 3])) v", numbers, -1));
    assert_int_equal(hex.len, 2 * (2 + 4 + 20 + 12 + 2 + 4 + 2 + 4 + 20 + 24));
    assert_false(
        encode("SELECT * FROM (VALUES (['a']), ([]), (['b', 'c' || chr(0)])) v", texts, -1));
    assert_int_equal(problem.row, 2);
}

static void test_ordinal_and_frame(void **state)
{
    (void)state;
    assert_true(encode("SELECT unnest([true, NULL])", (struct server_type){.oid = 16}, 255));
    assert_string_equal(buf_cstr(&hex), "00020000000101"
                                        "0000000800000000000000ff"
                                        "0002ffffffff"
                                        "000000080000000000000100");
    AUTO(buf_clear) struct buf bytes = {0};
    copy_begin(&bytes);
    copy_end(&bytes);
    hex_print(&bytes);
    assert_string_equal(buf_cstr(&hex), "5047434f50590aff0d0a000000000000000000"
                                        "ffff");
}

static const struct type *type_named(const char *sql)
{
    struct error err = {0};
    const struct type *type = connection_type(connection, str_of(sql), &case_arena, &err);
    CHECK(type != NULL);
    return type;
}

static void test_what_may_go_where(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        uint32_t oid;
        enum copy_form form;
    } cases[] = {
        {"DOUBLE", 1700, COPY_NONE},     {"DOUBLE", 700, COPY_NONE},
        {"VARCHAR", 2950, COPY_NONE},    {"VARCHAR", 23, COPY_NONE},
        {"BIGINT", 701, COPY_NONE},      {"BIGINT", 25, COPY_NONE},
        {"DECIMAL(9,2)", 20, COPY_NONE}, {"TIMESTAMP", 1082, COPY_NONE},
        {"DATE", 1114, COPY_NONE},       {"STRUCT(a INTEGER)", 3802, COPY_NONE},
        {"VARCHAR", 3802, COPY_JSONB},   {"TIMESTAMP", 1184, COPY_TIMESTAMP},
        {"BIGINT", 23, COPY_INT4},       {"FLOAT", 701, COPY_FLOAT8},
        {"VARCHAR[]", 25, COPY_NONE},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct server_type server = {.oid = cases[i].oid};
        if (copy_form_choose(type_named(cases[i].type), &server) != cases[i].form)
            fail_msg("%s into %u", cases[i].type, cases[i].oid);
    }
    const struct server_type mood = {.oid = 99999, .name = STR("mood"), .is_enum = true};
    assert_int_equal(copy_form_choose(type_named("VARCHAR"), &mood), COPY_TEXT);
    assert_null(copy_allowed(type_named("STRUCT(a INTEGER)")));
    AUTO(buf_clear) struct buf text = {0};
    assert_true(copy_server_type(type_named("DECIMAL(9,2)[]"), &text));
    assert_string_equal(buf_cstr(&text), "numeric(9,2)[]");
}

static int end(void **state)
{
    buf_clear(&hex);
    return case_end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fixed, case_begin, end),
        cmocka_unit_test_setup_teardown(test_times, case_begin, end),
        cmocka_unit_test_setup_teardown(test_texts, case_begin, end),
        cmocka_unit_test_setup_teardown(test_numerics, case_begin, end),
        cmocka_unit_test_setup_teardown(test_numeric_turns, case_begin, end),
        cmocka_unit_test_setup_teardown(test_ranges, case_begin, end),
        cmocka_unit_test_setup_teardown(test_lists, case_begin, end),
        cmocka_unit_test_setup_teardown(test_ordinal_and_frame, case_begin, end),
        cmocka_unit_test_setup_teardown(test_what_may_go_where, case_begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
