// SPDX-License-Identifier: MIT
// Any bytes as an answer of S3: no crash, no endless loop, and a listing is whole or refused.
#include "base/base.h"
#include "connectors/s3/s3_call.h"
#include "connectors/s3/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct str document = {(const char *)bytes, len};
    struct arena arena = {0};
    struct buf text = {0};
    struct xml xml;
    struct s3_list list = {0};
    size_t events = 0, depth = 0;
    enum xml_event event;
    xml_init(&xml, document);
    while ((event = xml_next(&xml)) == XML_OPEN || event == XML_CLOSE) {
        depth = event == XML_OPEN ? depth + 1 : depth - 1;
        ASSERT(depth <= XML_DEPTH_MAX && ++events <= 2 * len + 2);
    }
    ASSERT(event != XML_END || depth == 0);
    xml_clear(&xml);
    if (s3_list_parse(&list, document, &arena)) {
        ASSERT(event == XML_END);
        for (size_t i = 0; i < list.objects_len; i++)
            ASSERT(list.objects[i].key.len > 0 && list.objects[i].size >= 0);
    }
    (void)xml_find(document, "Code", &text);
    buf_clear(&text);
    arena_clear(&arena);
    return 0;
}
