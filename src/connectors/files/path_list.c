// SPDX-License-Identifier: MIT
// A list of paths lets an expression choose the input: the folders of the last six hours, the two
// names that a topic may have. A text that begins with '[' and ends with ']' is a list; a pattern
// of that form, which would match one character, is not what anybody writes for a whole path.
#include "connectors/files/path_list.h"

#include <stdlib.h>
#include <string.h>

void path_list_split(struct str option, struct arena *arena, struct str **paths, size_t *len)
{
    struct str text = str_trim(option);
    *len = 0;
    if (text.len < 2 || text.ptr[0] != '[' || text.ptr[text.len - 1] != ']') {
        *paths = ARENA_NEW(arena, struct str);
        (*paths)[(*len)++] = option;
        return;
    }
    text = str_slice(text, 1, text.len - 1);
    size_t commas = 1;
    for (size_t i = 0; i < text.len; i++)
        commas += text.ptr[i] == ',';
    *paths = ARENA_ARRAY(arena, struct str, commas);
    while (text.len > 0) {
        int64_t comma = str_find(text, ',');
        size_t end = comma < 0 ? text.len : (size_t)comma;
        struct str path = str_trim(str_slice(text, 0, end));
        if (path.len >= 2 && path.ptr[0] == '\'' && path.ptr[path.len - 1] == '\'')
            path = str_slice(path, 1, path.len - 1); // DuckDB quotes what has brackets or spaces
        if (path.len > 0)
            (*paths)[(*len)++] = path;
        text = str_slice(text, comma < 0 ? end : end + 1, text.len);
    }
}

static int listed_compare(const void *a, const void *b)
{
    return str_compare(((const struct listed *)a)->path, ((const struct listed *)b)->path);
}

bool path_list_make(struct str option, list_path list, void *context, struct arena *arena,
                    struct listed **files, size_t *len, struct error *err)
{
    struct str *paths;
    size_t paths_len, all_len = 0;
    path_list_split(option, arena, &paths, &paths_len);
    if (paths_len == 1)
        return list(context, paths[0], arena, files, len, err);
    struct listed *all = NULL;
    for (size_t i = 0; i < paths_len; i++) {
        struct listed *some;
        size_t some_len;
        if (!list(context, paths[i], arena, &some, &some_len, err))
            return false;
        struct listed *both = ARENA_ARRAY(arena, struct listed, all_len + some_len + 1);
        if (all_len > 0)
            memcpy(both, all, all_len * sizeof(*both));
        if (some_len > 0)
            memcpy(both + all_len, some, some_len * sizeof(*both));
        all = both;
        all_len += some_len;
    }
    if (all_len > 1)
        qsort(all, all_len, sizeof(*all), listed_compare);
    *len = 0;
    for (size_t i = 0; i < all_len; i++)
        if (i == 0 || !str_equal(all[i].path, all[*len - 1].path))
            all[(*len)++] = all[i];
    *files = all;
    return true;
}
