// SPDX-License-Identifier: MIT
// One HTTP request and its answer, over a connection that stays open. The only user of libcurl.
// An answer of any status is an answer; false means that there was none.
#ifndef FIRESTEEL_TRANSPORT_H
#define FIRESTEEL_TRANSPORT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

struct header {
    struct str name; // lower case
    struct str value;
};

struct request {
    const char *method;
    const char *url; // already percent-encoded; sent byte for byte
    const struct header *headers;
    size_t headers_len;
    struct str body;
    int64_t connect_us; // limit of connecting
    int64_t stall_us;   // limit of silence
    int64_t total_us;   // limit of it all; 0: none
};

struct reply {
    int status; // 200 ..
    struct arena arena;
    struct header *headers;
    size_t headers_len, headers_capacity;
    struct buf body;
    // When there was no answer: may the request have been carried out?
    bool is_unclear;
};
void reply_clear(struct reply *reply);
void reply_reset(struct reply *reply);
// Empty when there is no such header.
struct str reply_header(const struct reply *reply, const char *name);

struct transport;
struct transport *transport_open(struct error *err);
void transport_close(struct transport *transport); // NULL is allowed
// False: ERROR_RETRY (cannot connect, timeout, cut off), or ERROR_USER (a certificate that is not
// trusted, an address that makes no sense); the text is only the cause, for the caller to wrap.
// `body`: where the answer's bytes are appended, or NULL: to reply->body. An error's body (status
// 300 and above) always goes to reply->body.
MUST_USE bool transport_send(struct transport *transport, const struct request *request,
                             struct buf *body, struct reply *reply, struct error *err);

#endif
