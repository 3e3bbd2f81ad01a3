// SPDX-License-Identifier: MIT
// CSV and raw records to columns: quotes, NULL and '', delimiter and header options, bad records.
#include "decode_case.h"

static int setup(void **state)
{
    struct decode_case *c = malloc(sizeof(*c));
    case_begin(c, &format_csv);
    *state = c;
    return 0;
}

static int teardown(void **state)
{
    case_end(*state);
    free(*state);
    return 0;
}

static void quotes(void **state)
{
    CASE_TABLE(*state, "a VARCHAR | b VARCHAR", {"x,y", "{\"a\":\"x\",\"b\":\"y\"}"},
               {"x,y\r", "{\"a\":\"x\",\"b\":\"y\"}"}, {"x,", "{\"a\":\"x\",\"b\":null}"},
               {",\"\"", "{\"a\":null,\"b\":\"\"}"}, {"x", "{\"a\":\"x\",\"b\":null}"},
               {"\"x,1\",\"line\nbreak\"", "{\"a\":\"x,1\",\"b\":\"line\\nbreak\"}"},
               {"\"say \"\"hi\"\"\",\"\"\"\"", "{\"a\":\"say \\\"hi\\\"\",\"b\":\"\\\"\"}"},
               {" x , y ", "{\"a\":\" x \",\"b\":\" y \"}"},
               {"S\xC3\xA3o,y", "{\"a\":\"S\xC3\xA3o\",\"b\":\"y\"}"}, {"", "! empty"},
               {"\r", "! empty"}, {"x,y,z", "! too many fields"}, {"\"open,y", "! misplaced quote"},
               {"\"x\"y,z", "! misplaced quote"}, {"x\"y\",z", "! misplaced quote"},
               {"\"", "! misplaced quote"}, {"\xFF,y", "! invalid utf-8"});
}

static void values(void **state)
{
    CASE_TABLE(*state, "a INTEGER | b DOUBLE | c BOOLEAN | d TIMESTAMP",
               {"007,1.5,true,2024-01-15 10:30:00+0330",
                "{\"a\":7,\"b\":1.5,\"c\":true,\"d\":\"2024-01-15T07:00:00.000Z\"}"},
               {"+5,.5,F,", "{\"a\":5,\"b\":0.5,\"c\":false,\"d\":null}"},
               {"-1,1e3,0,", "{\"a\":-1,\"b\":1000.0,\"c\":false,\"d\":null}"},
               {"\"1\",NaN,t,", "{\"a\":1,\"b\":null,\"c\":true,\"d\":null}"},
               {"1.0,,,", "! a: not an integer"}, {"\"\",,,", "! a: not an integer"},
               {" 1,,,", "! a: not an integer"}, {"1 ,,,", "! a: not an integer"},
               {"2147483648,,,", "! a: out of range"}, {",x,,", "! b: not a number"},
               {",1e999,,", "! b: out of range"}, {",.,,", "! b: not a number"},
               {",,yes,", "! c: not a boolean"}, {",,,2024-01-15", "! d: not a timestamp"},
               {"x,y,z,w", "! a: not an integer"}, {"x,\"", "! misplaced quote"});
}

static void options(void **state)
{
    struct decode_case *c = *state;
    c->options = STR("delimiter=;\nheader=b;x;\"a\";p.q");
    CASE_TABLE(c, "a VARCHAR | b INTEGER | z INTEGER | q VARCHAR FROM p.q",
               {"1;2;3,0;4", "{\"a\":\"3,0\",\"b\":1,\"z\":null,\"q\":\"4\"}"},
               {"1", "{\"a\":null,\"b\":1,\"z\":null,\"q\":null}"},
               {"1;2;3;4;5", "! too many fields"}, {"x;2;3;4", "! b: not an integer"});
    c->options = STR("delimiter=\\t");
    CASE_TABLE(c, "a VARCHAR | b INTEGER", {"x\t1", "{\"a\":\"x\",\"b\":1}"});
    static const char *const bad[] = {"delimiter=", "delimiter=ab", "delimiter=\"", "separator=;",
                                      "header=\"a"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct error err = {0};
        case_columns(c, "a VARCHAR");
        c->options = str_of(bad[i]);
        assert_false(case_open(c, &err));
        assert_int_equal(err.kind, ERROR_USER);
    }
    c->options = (struct str){NULL, 0};
    static const char *const types[] = {"a INTEGER[]", "a STRUCT(x INTEGER)", "a INTERVAL"};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        struct error err = {0};
        case_columns(c, types[i]);
        assert_false(case_open(c, &err));
        assert_non_null(strstr(err.text, "column a: type "));
    }
}

static void coerced(void **state)
{
    struct decode_case *c = *state;
    c->coerce_spark = true;
    CASE_TABLE(c, "a INTEGER | b VARCHAR", {"x,y", "{\"a\":null,\"b\":\"y\"}"},
               {"\"x", "! misplaced quote"});
    c->coerce_spark = false;
}

static void raw(void **state)
{
    struct decode_case *c = *state;
    case_close_decoder(c);
    c->format = &format_raw;
    CASE_TABLE(c, "line VARCHAR", {"any, \"text\"", "{\"line\":\"any, \\\"text\\\"\"}"},
               {"", "{\"line\":\"\"}"}, {"\xFF", "! invalid utf-8"});
    CASE_TABLE(c, "line BLOB", {"\xFF x", "{\"line\":\"\\\\xFF x\"}"});
    static const char *const bad[] = {"a INTEGER", "a VARCHAR | b VARCHAR"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct error err = {0};
        case_columns(c, bad[i]);
        assert_false(case_open(c, &err));
        assert_int_equal(err.kind, ERROR_USER);
    }
    case_close_decoder(c);
    c->format = &format_csv;
}

static void names(void **state)
{
    (void)state;
    assert_ptr_equal(format_find(STR("json")), &format_json);
    assert_ptr_equal(format_find(STR("csv")), &format_csv);
    assert_ptr_equal(format_find(STR("raw")), &format_raw);
    assert_null(format_find(STR("JSON")));
    assert_null(format_find(STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes),  cmocka_unit_test(values), cmocka_unit_test(options),
        cmocka_unit_test(coerced), cmocka_unit_test(raw),    cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
