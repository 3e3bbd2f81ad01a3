// SPDX-License-Identifier: MIT
// Who we are for AWS. Looked for in this order; the first that is there counts:
//   options of the pipeline (access_key, secret_key, session_token)
//   AWS_ACCESS_KEY_ID + AWS_SECRET_ACCESS_KEY (+ AWS_SESSION_TOKEN)
//   AWS_ACCESS_KEY + AWS_SECRET_KEY
//   S3_ACCESS_KEY + S3_SECRET_KEY
//   profile AWS_PROFILE (default) of ~/.aws/credentials and ~/.aws/config
//   web identity: AWS_WEB_IDENTITY_TOKEN_FILE + AWS_ROLE_ARN, by way of STS
//   container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI
//   the machine: instance metadata, version 2 (not with AWS_EC2_METADATA_DISABLED=true)
#ifndef FIRESTEEL_CREDENTIALS_H
#define FIRESTEEL_CREDENTIALS_H

#include "base/option.h"
#include "connectors/s3/transport.h"

struct credentials {
    struct str access_key;
    struct secret secret_key, session_token;
    int64_t expires_us; // TIME_MAX_US: never
    const char *origin; // "the environment (AWS_ACCESS_KEY_ID)", for messages
    struct arena arena; // the texts, after a chain's answer
};

// Renews `credentials` when they are empty or expire within five minutes of now_us; else does
// nothing. ERROR_USER: nobody has any. ERROR_RETRY: a service that should give them is away; what
// has not expired yet goes on being used.
MUST_USE bool credentials_renew(struct credentials *credentials, struct transport *transport,
                                struct str region, int64_t now_us, struct error *err);
void credentials_clear(struct credentials *credentials);
// A setting of the profile in ~/.aws/config ("region", "endpoint_url"); empty when not there.
struct str credentials_profile_text(const char *name, struct arena *arena);
// The environment's value, or NULL when not set or empty.
const char *environment_text(const char *name);

// Pieces of the chain. *is_there false: this one has nothing to say.
MUST_USE bool credentials_from_service(struct credentials *credentials, struct transport *transport,
                                       struct str region, int64_t now_us, bool *is_there,
                                       struct error *err);
bool credentials_from_profile(struct credentials *credentials);

#endif
