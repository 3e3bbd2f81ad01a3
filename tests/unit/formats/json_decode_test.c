// SPDX-License-Identifier: MIT
// Every rule of the dialect about JSON to columns, as input and expected row or reason.
#include "decode_case.h"

static int setup(void **state)
{
    struct decode_case *c = malloc(sizeof(*c));
    case_begin(c, &format_json);
    *state = c;
    return 0;
}

static int teardown(void **state)
{
    case_end(*state);
    free(*state);
    return 0;
}

static void records(void **state)
{
    CASE_TABLE(*state, "a INTEGER", {"{\"a\":85}", "{\"a\":85}"},
               {" \t\r\n{ \"a\" : 85 } \n", "{\"a\":85}"}, {"{}", "{\"a\":null}"},
               {" { } ", "{\"a\":null}"}, {"{\"b\":1}", "{\"a\":null}"},
               {"{\"A\":1}", "{\"a\":null}"}, {"{\"a\":null}", "{\"a\":null}"}, {"", "! empty"},
               {"  \n", "! empty"}, {"null", "! empty"}, {" null ", "! empty"},
               {"nul", "! not json"}, {"[1]", "! not a json object"}, {"5", "! not a json object"},
               {"12345678", "! not a json object"}, {"\"x\"", "! not a json object"},
               {"true", "! not a json object"}, {"5 5", "! trailing bytes"},
               {"{\"a\":1}x", "! trailing bytes"}, {"{\"a\":1}{\"a\":2}", "! trailing bytes"},
               {"{\"a\":1} }", "! trailing bytes"}, {"{'a':1}", "! not json"},
               {"{\"a\":'1'}", "! not json"}, {"{a:1}", "! not json"}, {"{\"a\":1,}", "! not json"},
               {"{,\"a\":1}", "! not json"}, {"{\"a\" 1}", "! not json"},
               {"{\"a\":}", "! not json"}, {"{\"a\":1", "! not json"}, {"{\"a\":12", "! not json"},
               {"{\"a", "! not json"}, {"{", "! not json"}, {"hello", "! not json"},
               {"{\"a\":1,\"b\":[1,2}", "! not json"},
               {"{\"a\":1,\"b\":{\"c\":[1,{\"d\":2}],\"e\":[]}}", "{\"a\":1}"},
               {"{\"b\":[],\"c\":{},\"a\":7}", "{\"a\":7}"},
               {"{\"b\":[ ],\"c\":{ },\"a\":7}", "{\"a\":7}"},
               {"{\"b\":[1,],\"a\":7}", "! not json"}, {"{\"b\":[1 2],\"a\":7}", "! not json"},
               {"{\"b\":{\"x\":1,},\"a\":7}", "! not json"}, {"{\"b\":tru,\"a\":7}", "! not json"},
               {"{\"b\":01,\"a\":7}", "! not json"}, {"{\"b\":1.,\"a\":7}", "! not json"},
               {"{\"b\":-,\"a\":7}", "! not json"}, {"{\"b\":1e,\"a\":7}", "! not json"},
               {"{\"b\":NaN,\"a\":7}", "! not json"}, {"{\"b\":\"\t\",\"a\":7}", "! not json"},
               {"{\"b\":\"\\x\",\"a\":7}", "! not json"}, {"\xEF\xBB\xBF{\"a\":1}", "! not json"});
}

static void integers(void **state)
{
    CASE_TABLE(
        *state, "a INTEGER", {"{\"a\":-0}", "{\"a\":0}"},
        {"{\"a\":2147483647}", "{\"a\":2147483647}"},
        {"{\"a\":-2147483648}", "{\"a\":-2147483648}"}, {"{\"a\":2147483648}", "! a: out of range"},
        {"{\"a\":-2147483649}", "! a: out of range"},
        {"{\"a\":99999999999999999999999999999999999999999999}", "! a: out of range"},
        {"{\"a\":\"85\"}", "! a: not an integer"}, {"{\"a\":85.0}", "! a: not an integer"},
        {"{\"a\":1e2}", "! a: not an integer"}, {"{\"a\":1E2}", "! a: not an integer"},
        {"{\"a\":true}", "! a: not an integer"}, {"{\"a\":[1]}", "! a: not an integer"},
        {"{\"a\":{\"b\":1}}", "! a: not an integer"}, {"{\"a\":\"\"}", "! a: not an integer"},
        {"{\"a\":NaN}", "! not json"}, {"{\"a\":Infinity}", "! not json"},
        {"{\"a\":-Infinity}", "! not json"}, {"{\"a\":+1}", "! not json"},
        {"{\"a\":01}", "! not json"}, {"{\"a\":-01}", "! not json"}, {"{\"a\":00}", "! not json"},
        {"{\"a\":-}", "! not json"}, {"{\"a\":.5}", "! not json"}, {"{\"a\":0x10}", "! not json"},
        {"{\"a\":1x}", "! not json"}, {"{\"a\":\"85\"", "! not json"});
    CASE_TABLE(*state, "a BIGINT", {"{\"a\":12345678}", "{\"a\":12345678}"},
               {"{\"a\":123456789}", "{\"a\":123456789}"},
               {"{\"a\":-1234567890123456}", "{\"a\":-1234567890123456}"},
               {"{\"a\":12345678901234567}", "{\"a\":12345678901234567}"},
               {"{\"a\":9223372036854775807}", "{\"a\":9223372036854775807}"},
               {"{\"a\":-9223372036854775808}", "{\"a\":-9223372036854775808}"},
               {"{\"a\":9223372036854775808}", "! a: out of range"},
               {"{\"a\":12345678.0}", "! a: not an integer"});
    CASE_TABLE(*state, "a TINYINT | b SMALLINT | c UTINYINT | d USMALLINT | e UINTEGER | f UBIGINT",
               {"{\"a\":-128,\"b\":-32768,\"c\":255,\"d\":65535,\"e\":4294967295,\"f\":"
                "18446744073709551615}",
                "{\"a\":-128,\"b\":-32768,\"c\":255,\"d\":65535,\"e\":4294967295,\"f\":"
                "18446744073709551615}"},
               {"{\"a\":128}", "! a: out of range"}, {"{\"b\":32768}", "! b: out of range"},
               {"{\"c\":256}", "! c: out of range"}, {"{\"c\":-1}", "! c: out of range"},
               {"{\"d\":65536}", "! d: out of range"}, {"{\"e\":4294967296}", "! e: out of range"},
               {"{\"f\":-1}", "! f: out of range"},
               {"{\"f\":18446744073709551616}", "! f: out of range"});
    CASE_TABLE(*state, "a HUGEINT",
               {"{\"a\":170141183460469231731687303715884105727}",
                "{\"a\":170141183460469231731687303715884105727}"},
               {"{\"a\":-170141183460469231731687303715884105728}",
                "{\"a\":-170141183460469231731687303715884105728}"},
               {"{\"a\":170141183460469231731687303715884105728}", "! a: out of range"},
               {"{\"a\":1.0}", "! a: not an integer"});
}

static void floats(void **state)
{
    CASE_TABLE(
        *state, "a DOUBLE", {"{\"a\":85}", "{\"a\":85.0}"}, {"{\"a\":2.345}", "{\"a\":2.345}"},
        {"{\"a\":-0.0}", "{\"a\":-0.0}"}, {"{\"a\":1e22}", "{\"a\":1e+22}"},
        {"{\"a\":1E-7}", "{\"a\":1e-07}"},
        {"{\"a\":40.71277618430423}", "{\"a\":40.71277618430423}"},
        {"{\"a\":-73.98765432109876}", "{\"a\":-73.98765432109876}"},
        {"{\"a\":0.1}", "{\"a\":0.1}"}, {"{\"a\":12345678.12345678}", "{\"a\":12345678.12345678}"},
        {"{\"a\":123456789.123456789}", "{\"a\":123456789.12345679}"},
        {"{\"a\":9007199254740993}", "{\"a\":9007199254740992.0}"},
        {"{\"a\":9007199254740993.0000000000000000000000000001}", "{\"a\":9007199254740994.0}"},
        {"{\"a\":1.7976931348623157e308}", "{\"a\":1.7976931348623157e+308}"},
        {"{\"a\":4.9e-324}", "{\"a\":4.94065645841247e-324}"}, {"{\"a\":1e-400}", "{\"a\":0.0}"},
        {"{\"a\":1e400}", "! a: out of range"}, {"{\"a\":-1e400}", "! a: out of range"},
        {"{\"a\":1e99999999999999999999}", "! a: out of range"},
        {"{\"a\":0e99999999999999999999}", "{\"a\":0.0}"}, {"{\"a\":\"1.5\"}", "! a: not a number"},
        {"{\"a\":false}", "! a: not a number"}, {"{\"a\":1.}", "! not json"},
        {"{\"a\":1.e5}", "! not json"}, {"{\"a\":1e+}", "! not json"},
        {"{\"a\":NaN}", "! not json"});
    CASE_TABLE(*state, "a FLOAT", {"{\"a\":0.1}", "{\"a\":0.1}"},
               {"{\"a\":16777217}", "{\"a\":16777216.0}"}, {"{\"a\":1e39}", "! a: out of range"});
    CASE_TABLE(*state, "a DECIMAL(9,2) | b DECIMAL(38,10) | c DECIMAL(4,0) | d DECIMAL(18,3)",
               {"{\"a\":1234567.89,\"b\":-1.5,\"c\":9999,\"d\":1e3}",
                "{\"a\":1234567.89,\"b\":-1.5000000000,\"c\":9999,\"d\":1000.000}"},
               {"{\"a\":0.005}", "{\"a\":0.01,\"b\":null,\"c\":null,\"d\":null}"},
               {"{\"a\":-0.005}", "{\"a\":-0.01,\"b\":null,\"c\":null,\"d\":null}"},
               {"{\"a\":0.00499999999}", "{\"a\":0.00,\"b\":null,\"c\":null,\"d\":null}"},
               {"{\"a\":12345678}", "! a: out of range"},
               {"{\"a\":9999999.995}", "! a: out of range"},
               {"{\"a\":\"1.5\"}", "! a: not a number"}, {"{\"c\":1e999}", "! c: out of range"},
               {"{\"c\":1e-999}", "{\"a\":null,\"b\":null,\"c\":0,\"d\":null}"},
               {"{\"d\":12.5e-1}", "{\"a\":null,\"b\":null,\"c\":null,\"d\":1.250}"});
}

static void texts(void **state)
{
    CASE_TABLE(*state, "a VARCHAR", {"{\"a\":\"\"}", "{\"a\":\"\"}"},
               {"{\"a\":\"123456789012\"}", "{\"a\":\"123456789012\"}"},
               {"{\"a\":\"1234567890123\"}", "{\"a\":\"1234567890123\"}"},
               {"{\"a\":\"a text longer than two blocks of sixteen\"}",
                "{\"a\":\"a text longer than two blocks of sixteen\"}"},
               {"{\"a\":85}", "{\"a\":\"85\"}"}, {"{\"a\":-8.50e1}", "{\"a\":\"-8.50e1\"}"},
               {"{\"a\":true}", "{\"a\":\"true\"}"}, {"{\"a\":false }", "{\"a\":\"false\"}"},
               {"{\"a\":{\"b\": [1, \"x\"]}}", "{\"a\":\"{\\\"b\\\": [1, \\\"x\\\"]}\"}"},
               {"{\"a\":[ ]}", "{\"a\":\"[ ]\"}"}, {"{\"a\":[1,2}", "! not json"},
               {"{\"a\":nul}", "! not json"},
               {"{\"a\":\"a\\nb\\t\\\"\\\\\\/\\b\\f\\r\"}",
                "{\"a\":\"a\\nb\\t\\\"\\\\/\\u0008\\u000c\\r\"}"},
               {"{\"a\":\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"}",
                "{\"a\":\"A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"}"},
               {"{\"a\":\"S\xC3\xA3o Paulo and a long tail behind it\"}",
                "{\"a\":\"S\xC3\xA3o Paulo and a long tail behind it\"}"},
               {"{\"a\":\"\\ud83d\"}", "! invalid utf-8"},
               {"{\"a\":\"\\ud83d\\u0041\"}", "! invalid utf-8"},
               {"{\"a\":\"\\ude00\"}", "! invalid utf-8"},
               {"{\"b\":\"\\ude00\"}", "! invalid utf-8"}, {"{\"a\":\"\\u12\"}", "! not json"},
               {"{\"a\":\"\\u12g4\"}", "! not json"}, {"{\"a\":\"a\nb\"}", "! not json"},
               {"{\"a\":\"open", "! not json"}, {"{\"a\":\"open\\", "! not json"},
               {"{\"a\":\"open\\u00", "! not json"});
    CASE_TABLE(*state, "a VARCHAR", // each class of bad UTF-8, wanted or not
               {"{\"a\":\"\x80\"}", "! invalid utf-8"}, {"{\"a\":\"\xC3\"}", "! invalid utf-8"},
               {"{\"a\":\"\xC0\xAF\"}", "! invalid utf-8"},
               {"{\"a\":\"\xE0\x80\xAF\"}", "! invalid utf-8"},
               {"{\"a\":\"\xED\xA0\x80\"}", "! invalid utf-8"},
               {"{\"a\":\"\xF0\x80\x80\x80\"}", "! invalid utf-8"},
               {"{\"a\":\"\xF4\x90\x80\x80\"}", "! invalid utf-8"},
               {"{\"a\":\"\xFF\"}", "! invalid utf-8"}, {"{\"b\":\"\xFF\"}", "! invalid utf-8"},
               {"{\"\xFF\":1}", "! invalid utf-8"}, {"{\"b\":[\"\xFF\"]}", "! invalid utf-8"},
               {"{\"\xC3\xA9\":1,\"a\":\"x\"}", "{\"a\":\"x\"}"}, {"{\"a\":\xFF}", "! not json"});
    CASE_TABLE(*state, "a BLOB", {"{\"a\":\"x\\u0000y\"}", "{\"a\":\"x\\u0000y\"}"});
    CASE_TABLE(*state, "a BOOLEAN", {"{\"a\":true}", "{\"a\":true}"},
               {"{\"a\":false}", "{\"a\":false}"}, {"{\"a\":null}", "{\"a\":null}"},
               {"{\"a\":1}", "! a: not a boolean"}, {"{\"a\":\"true\"}", "! a: not a boolean"},
               {"{\"a\":tru}", "! not json"}, {"{\"a\":True}", "! not json"});
}

static void times(void **state)
{
    CASE_TABLE(
        *state, "a TIMESTAMP",
        {"{\"a\":\"2024-01-15T10:30:00Z\"}", "{\"a\":\"2024-01-15T10:30:00.000Z\"}"},
        {"{\"a\":\"2024-01-15 10:30:00\"}", "{\"a\":\"2024-01-15T10:30:00.000Z\"}"},
        {"{\"a\":\"2024-01-15T10:30:00\"}", "{\"a\":\"2024-01-15T10:30:00.000Z\"}"},
        {"{\"a\":\"2024-01-15T10:30:00.1\"}", "{\"a\":\"2024-01-15T10:30:00.100Z\"}"},
        {"{\"a\":\"2024-01-15T10:30:00.12Z\"}", "{\"a\":\"2024-01-15T10:30:00.120Z\"}"},
        {"{\"a\":\"2024-01-15T10:30:00.123456Z\"}", "{\"a\":\"2024-01-15T10:30:00.123456Z\"}"},
        {"{\"a\":\"2024-01-15T10:30:00.1234567Z\"}", "{\"a\":\"2024-01-15T10:30:00.123456Z\"}"},
        {"{\"a\":\"2024-01-15T10:30:00.123456789\"}", "{\"a\":\"2024-01-15T10:30:00.123456Z\"}"},
        {"{\"a\":\"2024-01-15T10:30:00.123456789+01:00\"}",
         "{\"a\":\"2024-01-15T09:30:00.123456Z\"}"},
        {"{\"a\":\"2024-01-15 10:30:00.5+0330\"}", "{\"a\":\"2024-01-15T07:00:00.500Z\"}"},
        {"{\"a\":\"2024-01-15T23:30:00-01:00\"}", "{\"a\":\"2024-01-16T00:30:00.000Z\"}"},
        {"{\"a\":\"2024-01-15T10:30:00+00\"}", "{\"a\":\"2024-01-15T10:30:00.000Z\"}"},
        {"{\"a\":\"1969-12-31T23:59:59.999999Z\"}", "{\"a\":\"1969-12-31T23:59:59.999999Z\"}"},
        {"{\"a\":\"0001-01-01T00:00:00Z\"}", "{\"a\":\"0001-01-01T00:00:00.000Z\"}"},
        {"{\"a\":\"9999-12-31T23:59:59.999999Z\"}", "{\"a\":\"9999-12-31T23:59:59.999999Z\"}"},
        {"{\"a\":\"2024-02-29T00:00:00Z\"}", "{\"a\":\"2024-02-29T00:00:00.000Z\"}"},
        {"{\"a\":\"2024\\u002d01-15T10:30:00.12Z\"}", "{\"a\":\"2024-01-15T10:30:00.120Z\"}"},
        {"{\"a\":\"2023-02-29T00:00:00Z\"}", "! a: not a timestamp"},
        {"{\"a\":\"1900-02-29T00:00:00Z\"}", "! a: not a timestamp"},
        {"{\"a\":\"2024-04-31T00:00:00Z\"}", "! a: not a timestamp"},
        {"{\"a\":\"2024-00-15T00:00:00Z\"}", "! a: not a timestamp"},
        {"{\"a\":\"2024-13-15T00:00:00Z\"}", "! a: not a timestamp"},
        {"{\"a\":\"2024-01-00T00:00:00Z\"}", "! a: not a timestamp"},
        {"{\"a\":\"2024-01-15T24:00:00Z\"}", "! a: not a timestamp"},
        {"{\"a\":\"2024-01-15T10:60:00Z\"}", "! a: not a timestamp"},
        {"{\"a\":\"2024-01-15T10:30:60Z\"}", "! a: not a timestamp"},
        {"{\"a\":\"2024-01-15T10:30:00.Z\"}", "! a: not a timestamp"},
        {"{\"a\":\"2024-01-15T10:30:00.1234567890\"}", "! a: not a timestamp"},
        {"{\"a\":\"2024-01-15T10:30:00z \"}", "! a: not a timestamp"},
        {"{\"a\":\"2024-01-15T10:30:00+1:00\"}", "! a: not a timestamp"},
        {"{\"a\":\"2024-01-15T10:30:00+24:00\"}", "! a: not a timestamp"},
        {"{\"a\":\"2024-01-15T10:30:00+01:60\"}", "! a: not a timestamp"},
        {"{\"a\":\"2024-01-15T10:30:00+01-00\"}", "! a: not a timestamp"},
        {"{\"a\":\"2024-01-15T10:30:00 \"}", "! a: not a timestamp"},
        {"{\"a\":\"2024-01-15t10:30:00Z\"}", "! a: not a timestamp"},
        {"{\"a\":\"2024/01/15T10:30:00Z\"}", "! a: not a timestamp"},
        {"{\"a\":\"2024-01-15T10.30.00Z\"}", "! a: not a timestamp"},
        {"{\"a\":\"20x4-01-15T10:30:00Z\"}", "! a: not a timestamp"},
        {"{\"a\":\"2024-01-15\"}", "! a: not a timestamp"},
        {"{\"a\":\"2024-01-15T10:30\"}", "! a: not a timestamp"},
        {"{\"a\":\"0000-01-15T10:30:00\"}", "! a: not a timestamp"},
        {"{\"a\":\"0001-01-01T00:00:00+01:00\"}", "! a: not a timestamp"},
        {"{\"a\":\"9999-12-31T23:59:59-01:00\"}", "! a: not a timestamp"},
        {"{\"a\":\"yesterday\"}", "! a: not a timestamp"}, {"{\"a\":\"\"}", "! a: not a timestamp"},
        {"{\"a\":1705314600}", "! a: not a timestamp"}, {"{\"a\":true}", "! a: not a timestamp"});
    CASE_TABLE(*state, "a TIMESTAMPTZ",
               {"{\"a\":\"2024-01-15T10:30:00+02:00\"}", "{\"a\":\"2024-01-15T08:30:00.000Z\"}"});
    CASE_TABLE(
        *state, "a DATE | b TIME | c UUID",
        {"{\"a\":\"2024-02-29\",\"b\":\"10:30:00.5\",\"c\":\"A0EEBC99-9c0b-4ef8-bb6d-"
         "6bb9bd380a11\"}",
         "{\"a\":\"2024-02-29\",\"b\":\"10:30:00.500\",\"c\":\"a0eebc99-9c0b-4ef8-bb6d-"
         "6bb9bd380a11\"}"},
        {"{\"a\":\"2024-2-29\"}", "! a: not a date"}, {"{\"a\":\"2024-02-30\"}", "! a: not a date"},
        {"{\"a\":\"2024-02-29T00:00:00\"}", "! a: not a date"},
        {"{\"a\":20240229}", "! a: not a date"}, {"{\"b\":\"24:00:00\"}", "! b: not a time"},
        {"{\"b\":\"10:30\"}", "! b: not a time"}, {"{\"b\":\"10:30:00.\"}", "! b: not a time"},
        {"{\"b\":\"10:30:00Z\"}", "! b: not a time"}, {"{\"c\":\"a0eebc99\"}", "! c: not a uuid"},
        {"{\"c\":\"a0eebc99x9c0b-4ef8-bb6d-6bb9bd380a11\"}", "! c: not a uuid"});
}

static void unix_times(void **state)
{
    struct decode_case *c = *state;
    c->unit = TIME_UNIX_S;
    CASE_TABLE(c, "a TIMESTAMP", {"{\"a\":1705314600}", "{\"a\":\"2024-01-15T10:30:00.000Z\"}"},
               {"{\"a\":1705314600.25}", "{\"a\":\"2024-01-15T10:30:00.250Z\"}"},
               {"{\"a\":-1}", "{\"a\":\"1969-12-31T23:59:59.000Z\"}"},
               {"{\"a\":1705314600000}", "! a: out of range"},
               {"{\"a\":99999999999999999999}", "! a: out of range"},
               {"{\"a\":\"2024-01-15T10:30:00Z\"}", "! a: not a timestamp"},
               {"{\"a\":\"1705314600\"}", "! a: not a timestamp"});
    c->unit = TIME_UNIX_MS;
    CASE_TABLE(c, "a TIMESTAMP", {"{\"a\":1705314600123}", "{\"a\":\"2024-01-15T10:30:00.123Z\"}"},
               {"{\"a\":1.7053146e12}", "{\"a\":\"2024-01-15T10:30:00.000Z\"}"});
    c->unit = TIME_UNIX_US;
    CASE_TABLE(c, "a TIMESTAMP",
               {"{\"a\":1705314600123456}", "{\"a\":\"2024-01-15T10:30:00.123456Z\"}"},
               {"{\"a\":9223372036854775807}", "! a: out of range"});
    c->unit = TIME_TEXT;
}

static void paths(void **state)
{
    CASE_TABLE(*state, "lat DOUBLE FROM location.latitude | battery INTEGER FROM metadata.battery",
               {"{\"location\":{\"latitude\":1.5,\"x\":{}},\"metadata\":{\"battery\":85}}",
                "{\"lat\":1.5,\"battery\":85}"},
               {"{\"metadata\":{\"battery\":85,\"x\":[]},\"location\":{\"y\":1,\"latitude\":1.5}}",
                "{\"lat\":1.5,\"battery\":85}"},
               {"{\"location\":{},\"metadata\":null}", "{\"lat\":null,\"battery\":null}"},
               {"{\"location\":5,\"metadata\":null}", "! location: not an object"},
               {"{\"location\":[]}", "! location: not an object"},
               {"{\"location\":{\"latitude\":\"x\"}}", "! lat: not a number"},
               {"{\"latitude\":1}", "{\"lat\":null,\"battery\":null}"});
    CASE_TABLE(*state,
               "l STRUCT(latitude DOUBLE, city VARCHAR) | lat DOUBLE FROM l.latitude | t VARCHAR "
               "FROM l | u INTEGER FROM l.n",
               {"{\"l\":{\"city\":\"x\",\"latitude\":2}}",
                "{\"l\":{\"latitude\":2.0,\"city\":\"x\"},\"lat\":2.0,"
                "\"t\":\"{\\\"city\\\":\\\"x\\\",\\\"latitude\\\":2}\",\"u\":null}"},
               {"{\"l\":null}", "{\"l\":null,\"lat\":null,\"t\":null,\"u\":null}"},
               {"{}", "{\"l\":null,\"lat\":null,\"t\":null,\"u\":null}"},
               {"{\"l\":{\"latitude\":\"x\"}}", "! l.latitude: not a number"});
}

static void nested(void **state)
{
    CASE_TABLE(*state, "l INTEGER[]", {"{\"l\":[1,2,3]}", "{\"l\":[1,2,3]}"},
               {"{\"l\":[ 1 , null ]}", "{\"l\":[1,null]}"}, {"{\"l\":[]}", "{\"l\":[]}"},
               {"{\"l\":null}", "{\"l\":null}"}, {"{}", "{\"l\":null}"},
               {"{\"l\":[1,\"x\"]}", "! l: not an integer"}, {"{\"l\":5}", "! l: not a list"},
               {"{\"l\":{}}", "! l: not a list"}, {"{\"l\":[1,]}", "! not json"},
               {"{\"l\":[,1]}", "! not json"}, {"{\"l\":[1", "! not json"},
               {"{\"l\":[1}", "! not json"}, {"{\"l\":[", "! not json"},
               {"{\"l\":[1],\"l\":[2,3]}", "{\"l\":[2,3]}"});
    CASE_TABLE(*state, "l STRUCT(a INTEGER, b VARCHAR[])[]",
               {"{\"l\":[{\"a\":1,\"b\":[\"x\",\"y\"]},{\"b\":[]},null,{\"a\":2,\"c\":3}]}",
                "{\"l\":[{\"a\":1,\"b\":[\"x\",\"y\"]},{\"a\":null,\"b\":[]},null,{\"a\":2,\"b\":"
                "null}]}"});
    CASE_TABLE(*state, "m INTEGER[][]",
               {"{\"m\":[[1],[2,3],[],null]}", "{\"m\":[[1],[2,3],[],null]}"});
    CASE_TABLE(*state, "m MAP(VARCHAR, INTEGER)",
               {"{\"m\":{\"x\":1,\"y\":2}}", "{\"m\":{\"x\":1,\"y\":2}}"},
               {"{\"m\":{\"x\":1,\"y\":2,\"x\":3}}", "{\"m\":{\"x\":3,\"y\":2}}"},
               {"{\"m\":{ }}", "{\"m\":{}}"}, {"{\"m\":null}", "{\"m\":null}"},
               {"{\"m\":[]}", "! m: not an object"},
               {"{\"m\":{\"x\":\"y\"}}", "! m: not an integer"},
               {"{\"m\":{\"x\":1,}}", "! not json"}, {"{\"m\":{\"x\" 1}}", "! not json"});
}

static void duplicates(void **state)
{
    CASE_TABLE(
        *state, "a INTEGER | s STRUCT(x INTEGER, y INTEGER) | p INTEGER FROM o.p",
        {"{\"a\":1,\"a\":2}", "{\"a\":2,\"s\":null,\"p\":null}"},
        {"{\"a\":1,\"a\":null}", "{\"a\":null,\"s\":null,\"p\":null}"},
        {"{\"a\":null,\"a\":1}", "{\"a\":1,\"s\":null,\"p\":null}"},
        {"{\"a\":\"x\",\"a\":1}", "{\"a\":1,\"s\":null,\"p\":null}"},
        {"{\"a\":1,\"a\":\"x\"}", "! a: not an integer"},
        {"{\"a\":1,\"\\u0061\":2}", "{\"a\":2,\"s\":null,\"p\":null}"},
        {"{\"s\":{\"x\":1,\"y\":2},\"s\":{\"y\":3}}",
         "{\"a\":null,\"s\":{\"x\":null,\"y\":3},\"p\":null}"},
        {"{\"s\":null,\"s\":{\"y\":3}}", "{\"a\":null,\"s\":{\"x\":null,\"y\":3},\"p\":null}"},
        {"{\"s\":{\"x\":\"bad\"},\"s\":{\"y\":3}}",
         "{\"a\":null,\"s\":{\"x\":null,\"y\":3},\"p\":null}"},
        {"{\"s\":{\"x\":1},\"s\":null}", "{\"a\":null,\"s\":null,\"p\":null}"},
        {"{\"o\":{\"p\":1},\"o\":{}}", "{\"a\":null,\"s\":null,\"p\":null}"},
        {"{\"o\":{\"p\":\"x\"},\"o\":{\"p\":4}}", "{\"a\":null,\"s\":null,\"p\":4}"});
}

static void coerced(void **state)
{
    struct decode_case *c = *state;
    c->coerce_spark = true;
    CASE_TABLE(
        c, "a INTEGER | s STRUCT(x INTEGER, y INTEGER) | l INTEGER[] | p INTEGER FROM o.p",
        {"{\"a\":\"85\"}", "{\"a\":null,\"s\":null,\"l\":null,\"p\":null}"},
        {"{\"a\":85.0,\"s\":{\"x\":true,\"y\":3},\"l\":[1,\"x\"],\"o\":5}",
         "{\"a\":null,\"s\":{\"x\":null,\"y\":3},\"l\":[1,null],\"p\":null}"},
        {"{\"a\":99999999999,\"s\":5,\"l\":{}}", "{\"a\":null,\"s\":null,\"l\":null,\"p\":null}"},
        {"{\"a\":1", "! not json"}, {"", "! empty"});
    c->coerce_spark = false;
}

static void refused_types(void **state)
{
    struct decode_case *c = *state;
    static const char *const types[] = {"a INTERVAL", "a BIT", "a MAP(INTEGER, VARCHAR)",
                                        "a STRUCT(x INTERVAL)", "a INTERVAL[]"};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        struct error err = {0};
        case_columns(c, types[i]);
        assert_false(case_open(c, &err));
        assert_int_equal(err.kind, ERROR_USER);
        assert_non_null(strstr(err.text, "column a: type "));
    }
}

static void depth(void **state)
{
    struct decode_case *c = *state;
    case_columns(c, "a INTEGER | t VARCHAR");
    struct buf text = {0};
    for (int levels = 126; levels <= 128; levels++) {
        for (int kind = 0; kind < 2; kind++) {
            buf_reset(&text);
            buf_print(&text, "{\"a\":1,\"%s\":", kind == 0 ? "b" : "t");
            for (int i = 0; i < levels; i++)
                buf_add_cstr(&text, i % 2 == 0 ? "[" : "{\"x\":");
            buf_add_cstr(&text, "1");
            for (int i = levels; i-- > 0;)
                buf_add_char(&text, i % 2 == 0 ? ']' : '}');
            buf_add_char(&text, '}');
            const char *got = case_decode(c, buf_str(&text));
            if (levels == 128)
                assert_string_equal(got, "! too deep");
            else
                assert_int_equal(got[0], '{');
        }
    }
    buf_reset(&text);
    for (int i = 0; i < 100000; i++)
        buf_add_char(&text, '[');
    assert_string_equal(case_decode(c, buf_str(&text)), "! too deep");
    buf_clear(&text);
}

// A record cut at every byte is "not json", whatever comes behind it in memory.
static void cut_records(void **state)
{
    struct decode_case *c = *state;
    static const char record[] =
        "{\"event_id\": 123456, \"device_id\": \"dev_17\", \"event_time\": "
        "\"2024-01-15T10:30:00.123456+00:00\", \"event_duration\": 2.345, \"location\": "
        "{\"latitude\": 40.7127, \"city\": \"S\xC3\xA3o \\u0050aulo\"}, \"tags\": [1, 22, 333], "
        "\"m\": {\"k\": \"v\"}, \"skipped\": {\"a\": [true, null, -1.5e3, \"\\\"x\"]}}";
    case_columns(
        c, "event_id BIGINT | device_id VARCHAR | event_time TIMESTAMP | event_duration DOUBLE"
           "| location STRUCT(latitude DOUBLE, city VARCHAR) | tags INTEGER[]"
           "| m MAP(VARCHAR, VARCHAR)");
    for (int again = 0; again < 2; again++) {
        assert_string_equal(
            case_decode(c, STR(record)),
            "{\"event_id\":123456,\"device_id\":\"dev_17\",\"event_time\":"
            "\"2024-01-15T10:30:00.123456Z\",\"event_duration\":2.345,\"location\":"
            "{\"latitude\":40.7127,\"city\":\"S\xC3\xA3o Paulo\"},\"tags\":[1,22,333],"
            "\"m\":{\"k\":\"v\"}}");
        for (size_t len = 1; len < sizeof(record) - 1; len++) {
            const char *got = case_decode(c, (struct str){record, len});
            if (strcmp(got, "! not json") != 0)
                fail_msg("cut at %zu: %s", len, got);
        }
    }
}

static int form_print(char *text, size_t size, int form, int row)
{
    int a = row, b = row + 1, c = row + 2, l = row + 3;
    switch (form) {
    case 0:
        return snprintf(text, size, "{\"a\":%d,\"b\":\"%d\",\"o\":{\"c\":%d},\"l\":[%d]}", a, b, c,
                        l);
    case 1:
        return snprintf(text, size, "{\"b\":\"%d\",\"a\":%d,\"l\":[%d],\"o\":{\"x\":0,\"c\":%d}}",
                        b, a, l, c);
    case 2:
        return snprintf(text, size,
                        "{ \"o\" : {\"c\":%d}, \"a\" :%d,\"b\":\"%d\", \"l\" : [ %d ] }", c, a, b,
                        l);
    default:
        return snprintf(text, size,
                        "{\"a\": %d,\"z\":{\"a\":9},\"b\": \"%d\",\"o\":{\"c\":%d},\"l\":[%d]}", a,
                        b, c, l);
    }
}

// Orders and gaps that change from row to row, in one batch: prediction must never decide a value.
static void mixed_batch(void **state)
{
    struct decode_case *c = *state;
    case_columns(c, "a INTEGER | b VARCHAR | c INTEGER FROM o.c | l INTEGER[]");
    case_open_ok(c);
    enum { ROWS = 2048 };
    static struct payload payloads[ROWS];
    static uint8_t verdicts[ROWS];
    for (int row = 0; row < ROWS; row++) {
        char text[128];
        int len = row % 7 == 6 ? snprintf(text, sizeof(text), "{\"a\":%d,\"l\":[1,2", row)
                               : form_print(text, sizeof(text), (row / 3) % 4, row);
        payloads[row] =
            (struct payload){case_padded((struct str){text, (size_t)len}), (uint32_t)len, 0};
    }
    const struct decode_problem *problems;
    size_t problems_len;
    for (int again = 0; again < 2; again++) {
        chunk_reset(c->chunk);
        c->format->decode(c->decoder, payloads, ROWS, c->chunk, verdicts, &c->values, &problems,
                          &problems_len);
        assert_int_equal(problems_len, ROWS / 7);
        assert_int_equal(c->chunk->rows, ROWS);
        assert_int_equal(vector_list_size(&c->chunk->columns[3]), ROWS - ROWS / 7);
        for (int row = 0; row < ROWS; row++) {
            if (row % 7 == 6) {
                assert_int_equal(verdicts[row], VERDICT_UNDECODABLE);
                assert_int_equal(problems[row / 7].row, row);
                continue;
            }
            char expected[128];
            snprintf(expected, sizeof(expected), "{\"a\":%d,\"b\":\"%d\",\"c\":%d,\"l\":[%d]}", row,
                     row + 1, row + 2, row + 3);
            buf_reset(&c->out);
            json_encode_row(&c->out, c->chunk, (size_t)row, c->named, c->columns_len);
            assert_string_equal(buf_cstr(&c->out), expected);
        }
    }
    for (int row = 0; row < ROWS; row++)
        free((void *)(uintptr_t)payloads[row].ptr);
}

// Big containers: list growth, and a map whose duplicate keys must not cost their number squared.
static void big_values(void **state)
{
    struct decode_case *c = *state;
    case_columns(c, "l STRUCT(v INTEGER)[] | m MAP(VARCHAR, INTEGER)");
    struct buf text = {0};
    buf_add_cstr(&text, "{\"l\":[");
    for (int i = 0; i < 10000; i++)
        buf_print(&text, "%s{\"v\":%d}", i > 0 ? "," : "", i);
    buf_add_cstr(&text, "],\"m\":{");
    for (int i = 0; i < 300000; i++)
        buf_print(&text, "%s\"k%d\":%d", i > 0 ? "," : "", i % 100000, i);
    buf_add_cstr(&text, "}}");
    const char *got = case_decode(c, buf_str(&text));
    assert_int_equal(got[0], '{');
    const struct list_cell list = *(struct list_cell *)c->chunk->columns[0].data;
    const struct list_cell map = *(struct list_cell *)c->chunk->columns[1].data;
    assert_int_equal(list.length, 10000);
    assert_int_equal(map.length, 100000);
    const struct vector *structs = &c->chunk->columns[0].children[0];
    const struct vector *entries = &c->chunk->columns[1].children[0];
    for (int i = 0; i < 10000; i++)
        assert_int_equal(((int32_t *)structs->children[0].data)[i], i);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(((int32_t *)entries->children[1].data)[i], 200000 + i);
    buf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records),       cmocka_unit_test(integers),
        cmocka_unit_test(floats),        cmocka_unit_test(texts),
        cmocka_unit_test(times),         cmocka_unit_test(unix_times),
        cmocka_unit_test(paths),         cmocka_unit_test(nested),
        cmocka_unit_test(duplicates),    cmocka_unit_test(coerced),
        cmocka_unit_test(refused_types), cmocka_unit_test(depth),
        cmocka_unit_test(cut_records),   cmocka_unit_test(mixed_batch),
        cmocka_unit_test(big_values),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
