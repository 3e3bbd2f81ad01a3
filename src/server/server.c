// SPDX-License-Identifier: MIT
// Placeholder while the server is being written: asks the user to leave --http out.
#include "server/server.h"
#include "server/job_metrics.h"

struct server *server_start(const char *address, struct job *job, const struct plan *plan,
                            struct error *err)
{
    (void)job;
    (void)plan;
    error_set(err, ERROR_USER, "http %s: not in this build", address);
    return NULL;
}
int server_port(const struct server *server)
{
    (void)server;
    return 0;
}
void server_stop(struct server *server)
{
    (void)server;
}
void metrics_update(struct job *job, const struct plan *plan)
{
    (void)job;
    (void)plan;
}
