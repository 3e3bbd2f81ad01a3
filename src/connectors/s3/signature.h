// SPDX-License-Identifier: MIT
// AWS Signature Version 4.
#ifndef FIRESTEEL_SIGNATURE_H
#define FIRESTEEL_SIGNATURE_H

#include "base/option.h"
#include "connectors/s3/transport.h"

struct signature {
    const char *method;
    struct str path;  // encoded, begins with '/'
    struct str query; // encoded, sorted by name; without '?'
    // All of them are signed; names in lower case, in any order. Must hold host and x-amz-date.
    const struct header *headers;
    size_t headers_len;
    const char *payload_hash; // 64 hex digits
    int64_t time_us;
    struct str region, service, access_key;
    struct secret secret_key;
};

// Appends the value of the Authorization header.
void signature_print(struct buf *out, const struct signature *signature);
// "20240115T103000Z", for the header x-amz-date.
void signature_time_print(int64_t time_us, char text[17]);
// Percent-encodes as the signature demands: all but A-Z a-z 0-9 - . _ ~ and, when `keeps_slash`, /.
void uri_encode(struct buf *out, struct str text, bool keeps_slash);

#endif
