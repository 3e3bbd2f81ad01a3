// SPDX-License-Identifier: MIT
// Several paths in one option: a list as DuckDB prints it, "[a/b/*.json, c]". Some may match
// nothing.
#ifndef FIRESTEEL_PATH_LIST_H
#define FIRESTEEL_PATH_LIST_H

#include "connectors/files/listing.h"

// The paths of the option, in order: itself when it is no list. In `arena`.
void path_list_split(struct str option, struct arena *arena, struct str **paths, size_t *len);
// Lists one path, as listing_make.
typedef bool (*list_path)(void *context, struct str path, struct arena *arena,
                          struct listed **files, size_t *len, struct error *err);
// Over all of them: each file once, sorted by path.
MUST_USE bool path_list_make(struct str option, list_path list, void *context, struct arena *arena,
                             struct listed **files, size_t *len, struct error *err);

#endif
