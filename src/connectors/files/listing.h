// SPDX-License-Identifier: MIT
// Which files a path means: one file, a folder (everything below it), or a pattern with * ? [..] in
// any component, ** standing for any number of folders.
#ifndef FIRESTEEL_LISTING_H
#define FIRESTEEL_LISTING_H

#include "base/arena.h"
#include "base/error.h"

struct listed {
    struct str path; // as the user would write it; followed by a zero byte
    int64_t size;
    int64_t modified_us;
    struct str etag; // of an object; empty for files
};

// A path with wildcards, by components.
#define COMPONENTS_MAX 64 // also bounds what a loop of symbolic links can do
struct name_pattern {
    const char *components[COMPONENTS_MAX];
    size_t len;
};
// Components live in `arena`. Fails when there are too many.
MUST_USE bool name_pattern_parse(struct name_pattern *pattern, struct str text, struct arena *arena,
                                 struct error *err);
// Does "a/b/c" match? Hidden names as in listing_make.
bool name_pattern_matches(const struct name_pattern *pattern, struct str path);

// Appends nothing when nothing matches. `folder` is what a relative path is relative to. Names that
// begin with '.' or '_' are left out as Spark does, unless the pattern's own component begins so.
// Sorted by path, byte order. Everything lives in `arena`. ERROR_RETRY: a folder cannot be read.
MUST_USE bool listing_make(struct str path, const char *folder, struct arena *arena,
                           struct listed **files, size_t *len, struct error *err);
// A path without wildcards at which nothing is. *nearest: the same path with the wrong component
// replaced by a name that is there, or NULL.
bool listing_is_missing(struct str path, const char *folder, struct arena *arena,
                        const char **nearest);
// Where to open it: `folder`/path unless path is absolute. Lives in `arena`.
const char *listing_place(struct str path, const char *folder, struct arena *arena);

#endif
