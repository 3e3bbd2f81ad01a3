// SPDX-License-Identifier: MIT
// A bucket has no folders, so a pattern is a listing of all keys that begin with its text before
// the first wildcard, and each key is held against the whole pattern. A path without wildcards is
// the object of this key, or what lies below it.
#include "connectors/files/listing_s3.h"

#include <string.h>

struct key_walk {
    struct s3 *s3;
    struct arena *arena;
    size_t cut;              // bytes of the key that the pattern does not see
    struct str shown_before; // what a path has in front of the rest of the key
    const struct name_pattern *pattern;
    struct listed *files;
    size_t len, capacity;
};

static void file_add(struct key_walk *walk, const struct s3_object *object)
{
    if (walk->len == walk->capacity) {
        size_t capacity = walk->capacity == 0 ? 64 : walk->capacity * 2;
        struct listed *files = ARENA_ARRAY(walk->arena, struct listed, capacity);
        if (walk->len > 0)
            memcpy(files, walk->files, walk->len * sizeof(*files));
        walk->files = files;
        walk->capacity = capacity;
    }
    struct str below = str_slice(object->key, walk->cut, object->key.len);
    walk->files[walk->len++] = (struct listed){
        .path = arena_print(walk->arena, "%.*s%.*s", STR_ARGS(walk->shown_before), STR_ARGS(below)),
        .size = object->size,
        .modified_us = object->modified_us,
        .etag = arena_str(walk->arena, object->etag)};
}

static bool prefix_walk(struct key_walk *walk, struct str prefix, struct error *err)
{
    AUTO(arena_clear) struct arena page = {0};
    struct s3_list list = {.prefix = prefix};
    do {
        // The token of the next page lives in the page before.
        struct str continuation = arena_str(walk->arena, list.continuation);
        arena_reset(&page);
        list.continuation = continuation;
        if (!s3_list(walk->s3, &list, &page, err))
            return false;
        for (size_t i = 0; i < list.objects_len; i++) {
            struct str key = list.objects[i].key;
            if (key.len > walk->cut && key.ptr[key.len - 1] != '/' &&
                name_pattern_matches(walk->pattern, str_slice(key, walk->cut, key.len)))
                file_add(walk, &list.objects[i]);
        }
    } while (list.has_more);
    return true;
}

static bool object_find(struct key_walk *walk, struct str key, struct error *err)
{
    struct s3_list list = {.prefix = key, .page_max = 1};
    if (!s3_list(walk->s3, &list, walk->arena, err))
        return false;
    // Of all keys that begin so, the key itself is the first.
    if (list.objects_len > 0 && str_equal(list.objects[0].key, key))
        file_add(walk, &list.objects[0]);
    return true;
}

bool listing_s3_below(struct s3 *s3, struct str prefix, struct arena *arena, struct listed **files,
                      size_t *len, struct error *err)
{
    struct name_pattern pattern;
    struct key_walk walk = {.s3 = s3, .arena = arena, .cut = prefix.len, .pattern = &pattern};
    if (!name_pattern_parse(&pattern, STR("**/*"), arena, err) || !prefix_walk(&walk, prefix, err))
        return false;
    *files = walk.files;
    *len = walk.len;
    return true;
}

bool listing_s3(struct s3 *s3, struct str path, struct arena *arena, struct listed **files,
                size_t *len, struct error *err)
{
    struct str bucket, key;
    struct name_pattern pattern;
    struct key_walk walk = {.s3 = s3, .arena = arena, .pattern = &pattern};
    if (!s3_url_parse(path, &bucket, &key, err))
        return false;
    walk.shown_before = (struct str){path.ptr, (size_t)(bucket.ptr + bucket.len - path.ptr)};
    walk.shown_before = arena_print(arena, "%.*s/", STR_ARGS(walk.shown_before));
    size_t wild = 0;
    while (wild < key.len && strchr("*?[", key.ptr[wild]) == NULL)
        wild++;
    bool is_done;
    if (wild < key.len)
        is_done = name_pattern_parse(&pattern, key, arena, err) &&
                  prefix_walk(&walk, str_slice(key, 0, wild), err);
    else {
        while (key.len > 0 && key.ptr[key.len - 1] == '/')
            key.len--;
        struct str prefix = key.len > 0 ? arena_print(arena, "%.*s/", STR_ARGS(key)) : key;
        is_done = name_pattern_parse(&pattern, STR("**/*"), arena, err) &&
                  (key.len == 0 || object_find(&walk, key, err));
        walk.cut = prefix.len;
        walk.shown_before =
            arena_print(arena, "%.*s%.*s", STR_ARGS(walk.shown_before), STR_ARGS(prefix));
        is_done = is_done && prefix_walk(&walk, prefix, err);
    }
    *files = walk.files;
    *len = walk.len;
    return is_done;
}
