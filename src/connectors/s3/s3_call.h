// SPDX-License-Identifier: MIT
// One operation of S3 as signed HTTP, with attempts; shared by the files of this folder.
#ifndef FIRESTEEL_S3_CALL_H
#define FIRESTEEL_S3_CALL_H

#include "base/clock.h"
#include "connectors/s3/credentials.h"
#include "connectors/s3/s3.h"
#include "connectors/s3/transport.h"

#define CALL_HEADERS_MAX 16
#define CALL_PARAMETERS_MAX 8
#define TOKEN_HEADER "x-amz-meta-firesteel-token"

struct s3 {
    struct arena arena; // what is told at open
    struct s3_options options;
    const char *bucket;
    const char *endpoint; // for messages
    struct str scheme;    // "https"
    struct str authority; // host[:port] of the endpoint
    struct str base_path; // of the endpoint, "" or "/x"
    struct str region;
    bool is_aws; // no endpoint was given
    bool is_path_style;
    bool has_own_credentials; // from the options
    struct credentials credentials;
    struct transport *transport;
    struct reply reply; // of the newest attempt
    struct buf code;    // its error code, e.g. "NoSuchKey"
    // Texts handed out by the newest call and the one before, so that they may be arguments.
    struct arena answers[2];
    struct arena *answer;
    uint64_t random;
};

struct s3_call {
    const char *verb; // for messages: "write"
    const char *method;
    struct str key;   // empty: the bucket itself
    struct str shown; // in its place in messages
    struct header headers[CALL_HEADERS_MAX];
    size_t headers_len;
    struct header parameters[CALL_PARAMETERS_MAX]; // of the query, sorted by name
    size_t parameters_len;
    struct str body;
    struct buf *out;    // where the answer's bytes go; NULL: s3->reply.body
    bool checks_answer; // status 200 may come with an error as its body
    // An earlier attempt may have been carried out although it failed.
    bool is_unclear;
};

void s3_call_header(struct s3_call *call, const char *name, struct str value);
void s3_call_parameter(struct s3_call *call, const char *name, struct str value);
// True: the service answered, and s3->reply.status is below 300, or 404 (of a key), 409, 412, 416
// with s3->code set. Everything else is an error whose text is complete.
MUST_USE bool s3_call(struct s3 *s3, struct s3_call *call, struct error *err);
// False always: an answer that the operation has no use for, as an error.
bool s3_call_odd(const struct s3 *s3, const struct s3_call *call, struct error *err);

// s3_failure.c: the newest reply as an error. *renews: new credentials may help; *region: set when
// the bucket lives in another one.
bool s3_failure(const struct s3 *s3, const struct s3_call *call, bool *renews, struct str *region,
                struct error *err);
// Is "not found" here an answer about the key?
bool s3_is_answer(const struct s3 *s3, int status);
// "cannot write s3://bucket/key at http://..: "
bool s3_wrap(const struct s3 *s3, const struct s3_call *call, struct error *err);

// The object of a reply's headers; texts in *s3->answer.
void s3_object_read(struct s3 *s3, struct str key, struct s3_object *object);
// Does the object under `key` carry this token?
MUST_USE bool s3_token_is(struct s3 *s3, struct str key, struct str token, bool *is_ours,
                          struct error *err);
// After "precondition failed": S3_DONE when the object there is the one we wrote, else S3_REFUSED.
MUST_USE bool s3_settle_refused(struct s3 *s3, struct str key, struct str token, bool may_be_ours,
                                enum s3_status *status, struct error *err);
// The condition's own token, or a new one in `arena`.
struct str s3_token_make(const struct s3_condition *condition, struct arena *arena);
void s3_call_condition(struct s3_call *call, const struct s3_condition *condition,
                       struct arena *arena);
// A page of a listing from its XML; false: it is not whole.
bool s3_list_parse(struct s3_list *list, struct str document, struct arena *arena);
// The etag without quotes, in `arena`.
struct str s3_etag(struct arena *arena, struct str text);

#endif
