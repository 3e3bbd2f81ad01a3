// SPDX-License-Identifier: MIT
// The XML of answers, whole, odd and broken.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "connectors/s3/s3_call.h"
#include "connectors/s3/xml.h"

// Events as text: "<a <b >b:text >a:".
static void events_are(const char *document, const char *wanted)
{
    AUTO(buf_clear) struct buf events = {0};
    struct xml xml;
    xml_init(&xml, str_of(document));
    enum xml_event event;
    while ((event = xml_next(&xml)) == XML_OPEN || event == XML_CLOSE) {
        buf_print(&events, event == XML_OPEN ? "<%.*s " : ">%.*s:", STR_ARGS(xml.name));
        if (event == XML_CLOSE)
            buf_print(&events, "%.*s ", STR_ARGS(buf_str(&xml.text)));
    }
    buf_add_cstr(&events, event == XML_END ? "end" : "bad");
    xml_clear(&xml);
    assert_string_equal(buf_cstr(&events), wanted);
}

static void documents_are_read(void **state)
{
    (void)state;
    events_are("<?xml version=\"1.0\"?>\n<a><b>text</b></a>\n", "<a <b >b:text >a: end");
    events_are("<a x='>' y=\"</a>\"/>", "<a >a: end");
    events_are("<n:a xmlns:n='u'><n:b/></n:a>", "<a <b >b: >a: end");
    events_are("<a>&lt;&amp;&#38;&#x263A;&quot;</a>", "<a >a:<&&\xe2\x98\xba\" end");
    events_are("<a>x<!-- <b> -->y<![CDATA[<&]]>z</a>", "<a >a:xy<&z end");
    events_are("\xef\xbb\xbf  <a></a >", "<a >a: end");
}

static void broken_documents_are_bad(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "text",
        "<a>",
        "<a></b>",
        "<a",
        "<a>&nbsp;</a>",
        "<a>&#xD800;</a>",
        "<a>&#0;</a>",
        "<a>&#99999999;</a>",
        "<a>&amp</a>",
        "<a/><b/>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>",
        "<a><!-- </a>",
        "</a>",
        "<>x</>",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct xml xml;
        xml_init(&xml, str_of(bad[i]));
        enum xml_event event;
        while ((event = xml_next(&xml)) == XML_OPEN || event == XML_CLOSE)
            continue;
        xml_clear(&xml);
        if (event != XML_BAD)
            print_error("taken: %s\n", bad[i]);
        assert_int_equal(event, XML_BAD);
    }
    AUTO(buf_clear) struct buf deep = {0};
    for (int i = 0; i < 100; i++)
        buf_add_cstr(&deep, "<a>");
    AUTO(buf_clear) struct buf text = {0};
    assert_false(xml_find(buf_str(&deep), "b", &text));
}

#define PAGE                                                                                       \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult xmlns=\"http://s3\">"             \
    "<Name>b</Name><Prefix>p/</Prefix><IsTruncated>true</IsTruncated>"                             \
    "<Contents><Key>p/a &amp; b</Key><LastModified>2024-01-15T10:30:00.000Z</LastModified>"        \
    "<ETag>&quot;abc&quot;</ETag><Size>12</Size><Owner><ID>x</ID></Owner></Contents>"              \
    "<CommonPrefixes><Prefix>p/c/</Prefix></CommonPrefixes>"                                       \
    "<NextContinuationToken>t/1=</NextContinuationToken></ListBucketResult>"

static void lists_are_whole_or_nothing(void **state)
{
    (void)state;
    AUTO(arena_clear) struct arena arena = {0};
    struct s3_list list = {0};
    assert_true(s3_list_parse(&list, STR(PAGE), &arena));
    assert_int_equal(list.objects_len, 1);
    assert_true(str_is(list.objects[0].key, "p/a & b"));
    assert_true(str_is(list.objects[0].etag, "abc"));
    assert_int_equal(list.objects[0].size, 12);
    assert_int_equal(list.objects[0].modified_us, INT64_C(1705314600000000));
    assert_int_equal(list.prefixes_len, 1);
    assert_true(str_is(list.prefixes[0], "p/c/"));
    assert_true(list.has_more);
    assert_true(str_is(list.continuation, "t/1="));
    // Cut anywhere, it is no list: a short listing would be rows missing.
    for (size_t len = 0; len < sizeof(PAGE) - 1; len++)
        assert_false(s3_list_parse(&list, (struct str){PAGE, len}, &arena));
    assert_false(s3_list_parse(&list, STR("<L><Contents><Key>a</Key></Contents></L>"), &arena));
    assert_false(s3_list_parse(&list, STR("<L><IsTruncated>true</IsTruncated></L>"), &arena));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_read),
        cmocka_unit_test(broken_documents_are_bad),
        cmocka_unit_test(lists_are_whole_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
