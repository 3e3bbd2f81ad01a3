// SPDX-License-Identifier: MIT
// ListObjectsV2, a page a call. Keys come as XML text (not url-encoded: servers do not agree on
// the space there).
#include "connectors/s3/s3_call.h"

#include "connectors/s3/xml.h"
#include <string.h>

// Arrays of a page grow with it.
struct page {
    struct s3_list *list;
    struct arena *arena;
    size_t objects_capacity, prefixes_capacity;
    bool is_inside_object, is_inside_prefix, is_truncated;
};

static void *grown(struct arena *arena, const void *old, size_t len, size_t *capacity, size_t size)
{
    *capacity = *capacity == 0 ? 64 : *capacity * 2;
    void *grown_array = arena_array(arena, *capacity, size);
    if (len > 0)
        memcpy(grown_array, old, len * size);
    return grown_array;
}

static struct s3_object *object_add(struct page *page)
{
    struct s3_list *list = page->list;
    if (list->objects_len == page->objects_capacity)
        list->objects = grown(page->arena, list->objects, list->objects_len,
                              &page->objects_capacity, sizeof(*list->objects));
    struct s3_object *object = &list->objects[list->objects_len++];
    *object = (struct s3_object){.size = -1};
    return object;
}

static void prefix_add(struct page *page, struct str prefix)
{
    struct s3_list *list = page->list;
    if (list->prefixes_len == page->prefixes_capacity)
        list->prefixes = grown(page->arena, list->prefixes, list->prefixes_len,
                               &page->prefixes_capacity, sizeof(*list->prefixes));
    list->prefixes[list->prefixes_len++] = arena_str(page->arena, prefix);
}

static void object_text(struct page *page, struct str name, struct str text)
{
    struct s3_object *object = &page->list->objects[page->list->objects_len - 1];
    if (str_is(name, "Key"))
        object->key = arena_str(page->arena, text);
    else if (str_is(name, "ETag"))
        object->etag = s3_etag(page->arena, text);
    else if (str_is(name, "Size")) {
        if (!str_parse_int64(str_trim(text), &object->size))
            object->size = -1;
    } else if (str_is(name, "LastModified")) {
        if (!time_parse(str_trim(text), &object->modified_us))
            object->modified_us = 0;
    }
}

static void element_close(struct page *page, struct str name, struct str text)
{
    if (str_is(name, "Contents"))
        page->is_inside_object = false;
    else if (str_is(name, "CommonPrefixes"))
        page->is_inside_prefix = false;
    else if (page->is_inside_object)
        object_text(page, name, text);
    else if (page->is_inside_prefix && str_is(name, "Prefix"))
        prefix_add(page, text);
    else if (str_is(name, "IsTruncated"))
        page->is_truncated = str_is(str_trim(text), "true");
    else if (str_is(name, "NextContinuationToken"))
        page->list->continuation = arena_str(page->arena, text);
}

bool s3_list_parse(struct s3_list *list, struct str document, struct arena *arena)
{
    struct page page = {.list = list, .arena = arena};
    struct xml xml;
    xml_init(&xml, document);
    list->objects_len = list->prefixes_len = 0;
    list->continuation = (struct str){"", 0};
    enum xml_event event;
    while ((event = xml_next(&xml)) == XML_OPEN || event == XML_CLOSE) {
        if (event == XML_CLOSE) {
            element_close(&page, xml.name, buf_str(&xml.text));
        } else if (str_is(xml.name, "Contents") && !page.is_inside_object) {
            object_add(&page);
            page.is_inside_object = true;
        } else if (str_is(xml.name, "CommonPrefixes"))
            page.is_inside_prefix = true;
    }
    xml_clear(&xml);
    list->has_more = page.is_truncated && list->continuation.len > 0;
    bool is_whole = event == XML_END && (!page.is_truncated || list->has_more);
    for (size_t i = 0; i < list->objects_len; i++)
        is_whole = is_whole && list->objects[i].key.len > 0 && list->objects[i].size >= 0;
    return is_whole;
}

bool s3_list(struct s3 *s3, struct s3_list *list, struct arena *arena, struct error *err)
{
    AUTO(arena_clear) struct arena texts = {0};
    struct s3_call call = {
        .verb = "list", .method = "GET", .shown = list->prefix, .checks_answer = true};
    struct str continuation = arena_str(&texts, list->continuation);
    if (list->has_more)
        s3_call_parameter(&call, "continuation-token", continuation);
    if (list->delimiter.len > 0)
        s3_call_parameter(&call, "delimiter", list->delimiter);
    s3_call_parameter(&call, "list-type", STR("2"));
    int page_max = list->page_max > 0 ? list->page_max : 1000;
    s3_call_parameter(&call, "max-keys", arena_print(&texts, "%d", page_max));
    if (list->prefix.len > 0)
        s3_call_parameter(&call, "prefix", list->prefix);
    if (list->start_after.len > 0 && !list->has_more)
        s3_call_parameter(&call, "start-after", list->start_after);
    if (!s3_call(s3, &call, err))
        return false;
    if (s3->reply.status >= 300)
        return s3_call_odd(s3, &call, err);
    // Nothing is ever taken for "no objects" but a whole answer that says so.
    if (s3_list_parse(list, buf_str(&s3->reply.body), arena))
        return true;
    return error_set(err, ERROR_RETRY, "s3: cannot list s3://%s/%.*s at %s: the answer is no list",
                     s3->bucket, STR_ARGS(list->prefix), s3->endpoint);
}
