// SPDX-License-Identifier: MIT
// Rows as JSON, CSV and text, for every type. The values come from a DuckDB statement, which also
// is the oracle of the text form: text_encode_value gives what CAST(.. AS VARCHAR) gives.
#include "decode_case.h"
#include "base/hash.h"
#include "formats/value_print.h"

static struct decode_case *fixture;

static int setup(void **state)
{
    fixture = malloc(sizeof(*fixture));
    case_begin(fixture, &format_json);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    case_end(*state);
    free(*state);
    return 0;
}

enum form { FORM_JSON, FORM_CSV, FORM_TEXT };

// The one value of "SELECT expression" in a form; valid until the next call.
static const char *encoded(const char *expression, enum form form)
{
    static char copy[4096];
    struct error err = {0};
    char sql[4096];
    snprintf(sql, sizeof(sql), "SELECT %s AS v", expression);
    struct statement *statement = statement_prepare(fixture->connection, sql, &err);
    if (statement == NULL || !statement_execute(statement, &err))
        fail_msg("%s: %s", expression, err.text);
    const struct chunk *chunk = statement_next(statement);
    assert_non_null(chunk);
    struct buf out = {0};
    const struct column *columns = statement_columns(statement);
    if (form == FORM_JSON)
        json_encode_value(&out, &chunk->columns[0], 0);
    else if (form == FORM_CSV)
        csv_encode_row(&out, chunk, 0, columns, 1);
    else
        text_encode_value(&out, &chunk->columns[0], 0, "NULL");
    snprintf(copy, sizeof(copy), "%.*s", STR_ARGS(buf_str(&out)));
    buf_clear(&out);
    statement_finish(statement);
    statement_free(statement);
    return copy;
}

static const struct {
    const char *expression, *json, *csv, *text;
} cases[] = {
    {"NULL::INTEGER", "null", "", "NULL"},
    {"true", "true", "true", "true"},
    {"(-128)::TINYINT", "-128", "-128", "-128"},
    {"200::UTINYINT", "200", "200", "200"},
    {"60000::USMALLINT", "60000", "60000", "60000"},
    {"4000000000::UINTEGER", "4000000000", "4000000000", "4000000000"},
    {"18446744073709551615::UBIGINT", "18446744073709551615", "18446744073709551615",
     "18446744073709551615"},
    {"(-9223372036854775808)::BIGINT", "-9223372036854775808", "-9223372036854775808",
     "-9223372036854775808"},
    {"(-170141183460469231731687303715884105728)::HUGEINT",
     "-170141183460469231731687303715884105728", "-170141183460469231731687303715884105728",
     "-170141183460469231731687303715884105728"},
    {"85::DOUBLE", "85.0", "85.0", "85.0"},
    {"0.1::DOUBLE", "0.1", "0.1", "0.1"},
    {"'nan'::DOUBLE", "null", "NaN", "NaN"},
    {"'-inf'::DOUBLE", "null", "-Infinity", "-Infinity"},
    {"0.1::FLOAT", "0.1", "0.1", "0.1"},
    {"1.50::DECIMAL(4,2)", "1.50", "1.50", "1.50"},
    {"(-0.05)::DECIMAL(9,2)", "-0.05", "-0.05", "-0.05"},
    {"12::DECIMAL(18,0)", "12", "12", "12"},
    {"(-0.0000000001)::DECIMAL(38,10)", "-0.0000000001", "-0.0000000001", "-0.0000000001"},
    {"DATE '2024-01-15'", "\"2024-01-15\"", "2024-01-15", "2024-01-15"},
    {"TIME '10:30:00'", "\"10:30:00\"", "10:30:00", "10:30:00"},
    {"TIMESTAMP '2024-01-15 10:30:00'", "\"2024-01-15T10:30:00.000Z\"", "2024-01-15T10:30:00.000Z",
     "2024-01-15 10:30:00"},
    {"TIMESTAMP '2024-01-15 10:30:00.123'", "\"2024-01-15T10:30:00.123Z\"",
     "2024-01-15T10:30:00.123Z", "2024-01-15 10:30:00.123"},
    {"TIMESTAMP '1969-12-31 23:59:59.999999'", "\"1969-12-31T23:59:59.999999Z\"",
     "1969-12-31T23:59:59.999999Z", "1969-12-31 23:59:59.999999"},
    {"'infinity'::TIMESTAMP", "\"infinity\"", "infinity", "infinity"},
    {"INTERVAL '14 months 3 days -4.5 seconds'", "\"1 year 2 months 3 days -00:00:04.500\"",
     "1 year 2 months 3 days -00:00:04.500", "1 year 2 months 3 days -00:00:04.500"},
    {"INTERVAL '0 days'", "\"00:00:00\"", "00:00:00", "00:00:00"},
    {"'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID", "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"",
     "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
    {"'plain'", "\"plain\"", "plain", "plain"},
    {"''", "\"\"", "\"\"", ""},
    {"'a \"q\", b'", "\"a \\\"q\\\", b\"", "\"a \"\"q\"\", b\"", "a \"q\", b"},
    {"'line' || chr(10) || 'two'", "\"line\\ntwo\"", "\"line\ntwo\"", "line\ntwo"},
    {"' x'", "\" x\"", "\" x\"", " x"},
    {"'text'::BLOB", "\"text\"", "text", "text"},
    {"'\\xFF\\x00a'::BLOB", "\"\\\\xFF\\\\x00a\"", "\\xFF\\x00a", "\\xFF\\x00a"},
    {"[1, NULL, 3]", "[1,null,3]", "\"[1,null,3]\"", "[1, NULL, 3]"},
    {"[]::INTEGER[]", "[]", "[]", "[]"},
    {"{'a': 1, 'b': 'x'}", "{\"a\":1,\"b\":\"x\"}", "\"{\"\"a\"\":1,\"\"b\"\":\"\"x\"\"}\"",
     "{'a': 1, 'b': x}"},
    {"MAP {'k': 1.5::DOUBLE}", "{\"k\":1.5}", "\"{\"\"k\"\":1.5}\"", "{k=1.5}"},
    {"MAP {7: 'x'}", "{\"7\":\"x\"}", "\"{\"\"7\"\":\"\"x\"\"}\"", "{7=x}"},
};

static void every_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_string_equal(encoded(cases[i].expression, FORM_JSON), cases[i].json);
        assert_string_equal(encoded(cases[i].expression, FORM_CSV), cases[i].csv);
        assert_string_equal(encoded(cases[i].expression, FORM_TEXT), cases[i].text);
    }
}

static void text_is_what_duckdb_shows(void **state)
{
    (void)state;
    static const char *const expressions[] = {
        "DATE '0044-03-15'",
        "DATE '12024-01-01'",
        "DATE '0044-03-15 (BC)'",
        "TIMESTAMP '2024-01-15 10:30:00.5'::TIMESTAMP + INTERVAL '1 microsecond'",
        "INTERVAL '-14 months'",
        "INTERVAL '25 hours 1 minute'",
        "1e300::DOUBLE",
        "123456.789::DOUBLE",
        "(-1.5)::DOUBLE",
        "99999999999.25::DECIMAL(18,2)",
        "['a', 'b']",
    };
    for (size_t i = 0; i < COUNT_OF(expressions); i++) {
        struct error err = {0};
        struct buf wanted = {0};
        bool is_null;
        char sql[256];
        snprintf(sql, sizeof(sql), "SELECT (%s)::VARCHAR", expressions[i]);
        assert_true(connection_query_text(fixture->connection, sql, &wanted, &is_null, &err));
        assert_string_equal(encoded(expressions[i], FORM_TEXT), buf_cstr(&wanted));
        buf_clear(&wanted);
    }
}

static size_t digits_of(const char *text)
{
    size_t digits = 0;
    for (; *text != 0 && *text != 'e'; text++)
        digits += *text >= '0' && *text <= '9';
    return digits;
}

// Every double reads back, and no printf form with fewer digits does.
static void doubles_are_shortest(void **state)
{
    (void)state;
    uint64_t random = 7;
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = random_next(&random);
        double value;
        memcpy(&value, &bits, sizeof(value));
        if (i % 2 == 0)
            value = (double)((int64_t)(bits >> 20) % 100000000) /
                    (double[]){1, 10, 100, 1e4}[i / 2 % 4];
        if (value != value || value - value != 0)
            continue;
        struct buf out = {0};
        double_print(&out, value);
        assert_true(strtod(buf_cstr(&out), NULL) == value);
        assert_non_null(strpbrk(buf_cstr(&out), ".e"));
        char shorter[40];
        for (int digits = 1; digits < 17; digits++) {
            snprintf(shorter, sizeof(shorter), "%.*e", digits - 1, value);
            if (strtod(shorter, NULL) != value)
                continue;
            // Zeros before and behind the point are no significant digits: only compare long forms.
            if (digits >= 15)
                assert_true(digits_of(buf_cstr(&out)) <= (size_t)digits + 4);
            break;
        }
        buf_clear(&out);
    }
}

static void row_keys(void **state)
{
    (void)state;
    struct error err = {0};
    struct statement *statement = statement_prepare(
        fixture->connection, "SELECT 1 AS \"a\"\"b\", NULL::VARCHAR AS n, 'x,y' AS t", &err);
    assert_true(statement_execute(statement, &err));
    const struct chunk *chunk = statement_next(statement);
    struct buf out = {0};
    json_encode_row(&out, chunk, 0, statement_columns(statement), 3);
    assert_string_equal(buf_cstr(&out), "{\"a\\\"b\":1,\"n\":null,\"t\":\"x,y\"}");
    buf_reset(&out);
    csv_encode_row(&out, chunk, 0, statement_columns(statement), 3);
    assert_string_equal(buf_cstr(&out), "1,,\"x,y\"");
    buf_clear(&out);
    statement_finish(statement);
    statement_free(statement);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type),
        cmocka_unit_test(text_is_what_duckdb_shows),
        cmocka_unit_test(doubles_are_shortest),
        cmocka_unit_test(row_keys),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
