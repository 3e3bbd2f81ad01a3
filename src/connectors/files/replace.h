// SPDX-License-Identifier: MIT
// mode = 'replace' with replace_by: a run replaces exactly the values that it brings rows of, and
// those that a query over its tables names, each in the files named after it, and leaves everything
// else in the folder alone.
//   root/<partition folder>/part-<value>.snappy.parquet   one file for a value and a folder
//   root/<partition folder>/_SUCCESS                      rewritten last where anything changed
#ifndef FIRESTEEL_REPLACE_H
#define FIRESTEEL_REPLACE_H

#include "connectors/files/store.h"
#include "connectors/files/writer.h"

struct replace_options {
    struct store *store; // outlives the replace
    size_t depth;        // partition columns: levels of folders
    int64_t folders_max;
    struct str values_query; // more values that are replaced; empty: none
    const struct writer_options *writer;
};

struct replace; // heap object
struct replace *replace_new(const struct replace_options *options);
void replace_free(struct replace *replace); // NULL is allowed
// Forgets pieces of this epoch from a failed attempt.
MUST_USE bool replace_begin(struct replace *replace, uint64_t epoch, struct error *err);
// Where to write the next piece of `place`, "a=1/column=value" with the value's column last. NULL:
// error.
const char *replace_add(struct replace *replace, struct str place, uint64_t epoch,
                        struct error *err);
MUST_USE bool replace_finish(struct replace *replace, struct error *err);

#endif
