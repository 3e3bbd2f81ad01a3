// SPDX-License-Identifier: MIT
// The service face over HTTP: metrics, health, progress. Open routes only, loopback by default.
#ifndef FIRESTEEL_SERVER_H
#define FIRESTEEL_SERVER_H

#include "engine/job.h"

struct server;
// address: "127.0.0.1:8080"; port 0 takes a free one (server_port). NULL: address not to be had.
// job and plan NULL: no job of this process, only /metrics and health (firesteel serve).
struct server *server_start(const char *address, struct job *job, const struct plan *plan,
                            struct error *err);
// Is it an address at all? Asked before a run begins.
MUST_USE bool server_address_check(const char *address, struct error *err);
int server_port(const struct server *server);
void server_stop(struct server *server); // NULL allowed

#endif
