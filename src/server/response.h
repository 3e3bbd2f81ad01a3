// SPDX-License-Identifier: MIT
// What the server answers to a path: a function of job and plan, without HTTP around it.
#ifndef FIRESTEEL_RESPONSE_H
#define FIRESTEEL_RESPONSE_H

#include "engine/job.h"

struct route_target {
    struct job *job;
    const struct plan *plan;
};

struct response {
    int status;
    const char *type; // Content-Type
    struct buf body;
};

void response_set(struct response *response, int status, const char *text); // plain text
void response_clear(struct response *response);
// path: decoded, without the query.
void route(const struct route_target *target, struct str path, struct response *response);

#endif
