// SPDX-License-Identifier: MIT
// What a kind of store does; between store.c and the kinds.
#ifndef FIRESTEEL_STORE_TYPE_H
#define FIRESTEEL_STORE_TYPE_H

#include "connectors/files/store.h"

struct store_type {
    void (*close)(struct store *store);
    void (*print)(const struct store *store, struct buf *out);
    bool (*read)(struct store *store, struct str name, struct buf *out, bool *is_there,
                 struct error *err);
    bool (*write)(struct store *store, struct str name, struct str bytes, struct error *err);
    bool (*make)(struct store *store, struct str name, struct str bytes, bool *is_made,
                 struct error *err);
    bool (*remove)(struct store *store, struct str name, struct error *err);
    bool (*list)(struct store *store, struct str folder, struct arena *arena, struct listed **files,
                 size_t *len, struct error *err);
    bool (*place)(struct store *store, struct placement *files, size_t len, struct error *err);
};

// Embedded as the first member of each kind.
struct store {
    const struct store_type *type;
    struct arena arena;
    const char *root;
    const char *staging;
    bool is_remote;
    int64_t folders; // new ones of this run
    int64_t folders_max;
};
// Counts one more; false: too many.
MUST_USE bool store_folder_count(struct store *store, struct error *err);

struct store *store_local_open(struct error *err);
struct store *store_s3_open(struct str root, const struct store_options *options,
                            struct error *err);

#endif
