// SPDX-License-Identifier: MIT
// Where a sink's files live: a folder of this machine, or a prefix of a bucket. What is written
// under a name is whole or not there, and durable when the call returns.
//
// A file is first written to the local disk, in store_staging's folder, and then placed. All names
// of the calls below are relative to the root ("a=1/part-0.parquet") and never begin with a slash.
#ifndef FIRESTEEL_STORE_H
#define FIRESTEEL_STORE_H

#include "connectors/files/listing.h"
#include "connectors/s3/s3.h"

// Options that the files connector has for S3, in an options struct's member `s3`.
struct store_options {
    struct str endpoint, region, access_key;
    struct secret secret_key, session_token;
    int path_style; // store_style_words
};
extern const char *const store_style_words[];

#define STORE_OPTION(structure, name_, kind_, member, help_)                                       \
    {                                                                                              \
        .name = name_, .kind = kind_, .fallback = "", .help = help_,                               \
        .offset = offsetof(struct structure, s3.member)                                            \
    }
// The rows of an option table.
#define STORE_OPTIONS(structure)                                                                   \
    STORE_OPTION(structure, "endpoint", OPTION_TEXT, endpoint,                                     \
                 "s3: http://host:9000; default S3_ENDPOINT, AWS_ENDPOINT_URL, else AWS"),         \
        STORE_OPTION(structure, "region", OPTION_TEXT, region,                                     \
                     "s3: default AWS_REGION, ~/.aws/config, us-east-1"),                          \
        STORE_OPTION(structure, "access_key", OPTION_TEXT, access_key,                             \
                     "s3: default from the environment, ~/.aws or the machine's role"),            \
        STORE_OPTION(structure, "secret_key", OPTION_SECRET, secret_key,                           \
                     "s3: belongs to access_key"),                                                 \
        STORE_OPTION(structure, "session_token", OPTION_SECRET, session_token,                     \
                     "s3: of temporary keys"),                                                     \
    {                                                                                              \
        .name = "path_style", .kind = OPTION_WORD, .fallback = "auto",                             \
        .help = "s3: endpoint/bucket/key (auto: with an endpoint), or bucket.endpoint/key",        \
        .words = store_style_words, .offset = offsetof(struct structure, s3.path_style)            \
    }

// s3://, s3a:// or s3n://
bool store_is_remote(struct str path);
// What the client takes. Texts are shared.
struct s3_options store_s3_options(const struct store_options *options);

struct store;
// `staging_name`: tells staging folders of sinks apart; only harmless characters. No network yet,
// except for credentials.
struct store *store_open(struct str root, const struct store_options *options,
                         const char *staging_name, int64_t folders_max, struct error *err);
void store_close(struct store *store); // NULL is allowed; removes the staging of a remote store
const char *store_root(const struct store *store); // as written, without a slash at the end
// Connection and root, for group keys.
void store_print(const struct store *store, struct buf *out);
// The local folder where files are written before they are placed; made when it is not there yet.
// Its content does not count after a crash, and may be removed.
const char *store_staging(const struct store *store);

// A path for one file called `name` that is placed right after it is written. In `arena`.
const char *store_temporary(const struct store *store, struct str name, struct arena *arena);

MUST_USE bool store_read(struct store *store, struct str name, struct buf *out, bool *is_there,
                         struct error *err);
MUST_USE bool store_write(struct store *store, struct str name, struct str bytes,
                          struct error *err);
// Writes only when nothing is there yet. *is_made false: somebody was first.
MUST_USE bool store_make(struct store *store, struct str name, struct str bytes, bool *is_made,
                         struct error *err);
MUST_USE bool store_remove(struct store *store, struct str name, struct error *err); // absent: fine
// All files below `folder` ("": the root), sorted; hidden ones (see listing.h) left out. Paths are
// relative to the root. Nothing there: len 0.
MUST_USE bool store_list(struct store *store, struct str folder, struct arena *arena,
                         struct listed **files, size_t *len, struct error *err);

struct placement {
    const char *staged; // written and synced; gone afterwards
    struct str name;
    bool is_placed; // after an error: this one had got its name
};
// Each file takes its name in one step and replaces what was there. May be repeated after an error
// with the files that are not placed. More than folders_max new folders in this run: ERROR_DATA.
MUST_USE bool store_place(struct store *store, struct placement *files, size_t len,
                          struct error *err);
#endif
