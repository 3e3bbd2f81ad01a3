// SPDX-License-Identifier: MIT
// A small S3 client: the operations that sinks, sources and checkpoints on S3 need, and no more.
// One client object speaks to one bucket, keeps its connection, and belongs to one thread at a
// time; several threads take one client each.
//
// Three things can come of a call:
//   true, status S3_DONE           it happened
//   true, another status           an answer that the caller asked for: absent, or a condition that
//                                  does not hold
//   false, err                     everything else. ERROR_RETRY: the service is away or overloaded,
//                                  the client's own attempts are used up: back off and call again.
//                                  ERROR_USER: no such bucket, wrong key, no right: the text says
//                                  what to correct. ERROR_FATAL: the answer makes no sense.
// Every text names endpoint, bucket and key.
//
// Repeating: get, head, list, delete and an unconditional put may be repeated at any time. A
// conditional put carries a token of its own in the object's metadata; when an attempt's answer was
// lost and the next one says "precondition failed", the client looks whether the object there has
// its token, and so tells "I did it" from "somebody else did" (this is what fences writers).
#ifndef FIRESTEEL_S3_H
#define FIRESTEEL_S3_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/option.h"

enum s3_style {
    S3_STYLE_AUTO, // path style with an endpoint, virtual host without
    S3_STYLE_PATH, // endpoint/bucket/key
    S3_STYLE_HOST, // bucket.endpoint/key
};

// Empty texts and zeros mean: as the environment says, or the default.
struct s3_options {
    // "http://host:9000"; without a scheme http when it has a port other than 443, else https.
    // Environment: S3_ENDPOINT, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, endpoint_url of the config
    // file; else AWS itself.
    struct str endpoint;
    struct str region; // AWS_REGION, AWS_DEFAULT_REGION, config file, us-east-1
    // Both empty: the credential chain (credentials.h), renewed before it expires.
    struct str access_key;
    struct secret secret_key, session_token;
    enum s3_style style;
    int attempts_max;     // of one call, with back-off and jitter between them; 5
    int64_t backoff_us;   // of the first pause at most; 100 ms, doubled up to 5 s
    int64_t connect_us;   // 5 s
    int64_t stall_us;     // give an attempt up when nothing moved for so long; 20 s
    int64_t upload_bytes; // s3_put_file: above this in parts of this size; 16 MB, at least 5 MB
};

// "s3://bucket/a/b", also s3a:// and s3n://. The parts point into `url`; the key may be empty and
// has no slash at its beginning.
bool s3_url_is(struct str url);
MUST_USE bool s3_url_parse(struct str url, struct str *bucket, struct str *key, struct error *err);

struct s3;
// No network yet, except for credentials when they come from a service. Texts are copied.
struct s3 *s3_open(struct str bucket, const struct s3_options *options, struct error *err);
void s3_close(struct s3 *s3); // NULL is allowed
// For messages: "http://127.0.0.1:8333"; `s3_bucket` for messages and group keys.
const char *s3_endpoint(const struct s3 *s3);
const char *s3_bucket(const struct s3 *s3);

enum s3_status {
    S3_DONE,
    S3_ABSENT,  // no such key (a missing bucket is an error)
    S3_REFUSED, // the condition does not hold: exists already, or its etag is another
};

struct s3_object {
    struct str key;
    struct str etag; // without the quotes
    int64_t size;
    int64_t modified_us;
};

// Conditions of writing. Both empty: none.
struct s3_condition {
    bool if_absent;      // If-None-Match: *
    struct str if_match; // etag
    // Text by which this write is recognised when it is repeated, also by a later call after
    // ERROR_RETRY: the same for the same write, unique among writers. Empty: made for the call.
    struct str token;
};

// Appends to `out` the bytes from..from+len (len < 0: to the end) of the object. `etag` not empty:
// only when the object still has this one, else S3_REFUSED. `object` may be NULL; its texts live in
// the client until the next call, its size is that of the whole object.
MUST_USE bool s3_get(struct s3 *s3, struct str key, int64_t from, int64_t len, struct str etag,
                     struct buf *out, struct s3_object *object, enum s3_status *status,
                     struct error *err);
MUST_USE bool s3_head(struct s3 *s3, struct str key, struct s3_object *object,
                      enum s3_status *status, struct error *err);
// `condition` and `written` (etag and size of what is there now) may be NULL. Without a condition
// the status is always S3_DONE.
MUST_USE bool s3_put(struct s3 *s3, struct str key, struct str bytes,
                     const struct s3_condition *condition, struct s3_object *written,
                     enum s3_status *status, struct error *err);
// The same from a file; in parts when it is large.
MUST_USE bool s3_put_file(struct s3 *s3, struct str key, const char *path,
                          const struct s3_condition *condition, enum s3_status *status,
                          struct error *err);
// The whole object into a new file (not synced).
MUST_USE bool s3_get_file(struct s3 *s3, struct str key, struct str etag, const char *path,
                          enum s3_status *status, struct error *err);
MUST_USE bool s3_delete(struct s3 *s3, struct str key, struct error *err); // absent is fine

// A page of a listing in byte order of keys.
struct s3_list {
    struct str prefix;
    struct str delimiter;   // "/": what lies deeper comes as `prefixes`
    struct str start_after; // keys up to and with this one are left out
    int page_max;           // 1..1000; 0: 1000
    // Results, in the arena given. Texts of earlier pages stay valid as long as it does.
    struct s3_object *objects;
    size_t objects_len;
    struct str *prefixes;
    size_t prefixes_len;
    bool has_more; // call again with the same struct for the next page
    // The client's own.
    struct str continuation;
};
MUST_USE bool s3_list(struct s3 *s3, struct s3_list *list, struct arena *arena, struct error *err);

// Multipart upload by hand. Parts but the last one have at least 5 MB; numbers count from 1. An
// upload that is neither completed nor aborted stays there invisibly until the bucket's rule
// removes it: abort it on every error.
struct s3_upload {
    struct str key;
    struct str id;
    struct arena arena;
    struct str *etags; // by part number - 1
    size_t parts_len, parts_capacity;
    struct str token; // in the object's metadata: what was lost on the way is recognised by it
};
// `token` as in s3_condition; may be empty. On false there is nothing to abort.
MUST_USE bool s3_upload_begin(struct s3 *s3, struct str key, struct str token,
                              struct s3_upload *upload, struct error *err);
MUST_USE bool s3_upload_part(struct s3 *s3, struct s3_upload *upload, struct str bytes,
                             struct error *err);
// When it returns true and S3_DONE the object is there. S3_REFUSED: it is not, and the upload is
// aborted. Either way `upload` is cleared. False: call again, or abort.
MUST_USE bool s3_upload_complete(struct s3 *s3, struct s3_upload *upload,
                                 const struct s3_condition *condition, enum s3_status *status,
                                 struct error *err);
// Best effort; also clears `upload`.
void s3_upload_abort(struct s3 *s3, struct s3_upload *upload);
void s3_upload_clear(struct s3_upload *upload);

// Makes the bucket when it is not there: tests and demos, never a pipeline by itself.
MUST_USE bool s3_bucket_make(struct s3 *s3, struct error *err);

#endif
