// SPDX-License-Identifier: MIT
// The HTTP server: libmicrohttpd with one thread of its own that never touches the job but through
// the progress functions. Open routes only, all of them reads: GET and HEAD, no body, no state. An
// address without a host means loopback; names are not resolved, so what is bound is what is
// written. The socket is bound here rather than by the library, which would not say why it cannot.
#include "server/server.h"
#include "base/log.h"
#include "server/job_metrics.h"
#include "server/response.h"
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define CONNECTION_SECONDS 10
#define CONNECTION_BYTES (32 * 1024) // header and all else of one connection

struct server {
    struct route_target target;
    struct MHD_Daemon *daemon;
    int port;
};

// ---- Address
// -------------------------------------------------------------------------------------
union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool bad_address(const char *address, struct error *err)
{
    return error_set(err, ERROR_USER,
                     "http %s: write HOST:PORT with an IP address, for example 127.0.0.1:8080; "
                     ":8080 is loopback, 0.0.0.0:8080 every interface",
                     address);
}

// "127.0.0.1:8080", "localhost:8080", "[::1]:8080", ":8080", "8080".
static bool parse_address(const char *text, union address *address, socklen_t *len,
                          struct error *err)
{
    const char *colon = strrchr(text, ':');
    struct str host = {text, colon == NULL ? 0 : (size_t)(colon - text)};
    struct str port = str_of(colon == NULL ? text : colon + 1);
    int64_t number;
    char name[64] = "127.0.0.1";
    if (!str_parse_int64(port, &number) || number < 0 || number > 65535)
        return bad_address(text, err);
    if (host.len >= sizeof(name))
        return bad_address(text, err);
    bool is_v6 = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (is_v6)
        host = str_slice(host, 1, host.len - 1);
    if (host.len > 0 && !str_is(host, "localhost")) {
        memcpy(name, host.ptr, host.len);
        name[host.len] = 0;
    }
    *address = (union address){0};
    if (is_v6) {
        *len = sizeof(address->v6);
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons((uint16_t)number);
        return inet_pton(AF_INET6, name, &address->v6.sin6_addr) == 1 || bad_address(text, err);
    }
    *len = sizeof(address->v4);
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = htons((uint16_t)number);
    return inet_pton(AF_INET, name, &address->v4.sin_addr) == 1 || bad_address(text, err);
}

bool server_address_check(const char *address, struct error *err)
{
    union address parsed;
    socklen_t len;
    return parse_address(address, &parsed, &len, err);
}

// -1: not to be had. *port is the real one.
static int listen_on(const char *text, int *port, struct error *err)
{
    union address address;
    socklen_t len;
    if (!parse_address(text, &address, &len, err))
        return -1;
    int one = 1, fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        bind(fd, &address.any, len) != 0 || listen(fd, CONNECTIONS_MAX) != 0 ||
        getsockname(fd, &address.any, &len) != 0) {
        int number = errno;
        bool is_taken = number == EADDRINUSE;
        error_set_errno(err, is_taken ? ERROR_RETRY : ERROR_USER, number, "http %s: cannot listen",
                        text);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    *port = ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
    return fd;
}

// ---- Requests
// ------------------------------------------------------------------------------------
static enum MHD_Result answer(struct MHD_Connection *connection, const struct response *response,
                              bool closes)
{
    struct MHD_Response *reply = MHD_create_response_from_buffer(
        response->body.len, response->body.ptr, MHD_RESPMEM_MUST_COPY);
    if (reply == NULL)
        return MHD_NO;
    static const char *const headers[][2] = {
        {MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'"},
        {"Referrer-Policy", "no-referrer"},
    };
    for (size_t i = 0; i < COUNT_OF(headers); i++)
        MHD_add_response_header(reply, headers[i][0], headers[i][1]);
    MHD_add_response_header(reply, MHD_HTTP_HEADER_CONTENT_TYPE, response->type);
    if (response->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(reply, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    if (closes)
        MHD_add_response_header(reply, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)response->status, reply);
    MHD_destroy_response(reply);
    return result;
}

static bool has_body(struct MHD_Connection *connection)
{
    const char *length =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                       MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL ||
           (length != NULL && strcmp(length, "0") != 0);
}

// Answers right after the header: a body is never read.
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **state)
{
    (void)version;
    (void)upload;
    (void)upload_len;
    (void)state;
    struct server *server = context;
    AUTO(response_clear) struct response response = {0};
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        response_set(&response, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        return answer(connection, &response, true);
    }
    if (has_body(connection)) {
        response_set(&response, 413, "no request here has a body\n");
        return answer(connection, &response, true);
    }
    route(&server->target, str_of(url), &response);
    return answer(connection, &response, false);
}

PRINTF(2, 0)
static void on_log(void *context, const char *format, va_list arguments)
{
    (void)context;
    AUTO(buf_clear) struct buf text = {0};
    buf_vprint(&text, format, arguments);
    log_debug("http: %.*s", STR_ARGS(str_trim(buf_str(&text))));
}

struct server *server_start(const char *address, struct job *job, const struct plan *plan,
                            struct error *err)
{
    int port;
    int fd = listen_on(address, &port, err);
    if (fd < 0)
        return NULL;
    struct server *server = heap_new(sizeof(*server));
    server->target = (struct route_target){.job = job, .plan = plan};
    server->port = port;
    if (job != NULL)
        metrics_update(job, plan); // a scrape that comes at once finds them
    server->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)CONNECTION_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
        MHD_OPTION_END);
    if (server->daemon == NULL) {
        close(fd);
        heap_free(server);
        error_set(err, ERROR_FATAL, "http %s: the server cannot be started", address);
        return NULL;
    }
    log_info("http: listening on port %d", port);
    return server;
}

int server_port(const struct server *server)
{
    return server->port;
}

void server_stop(struct server *server)
{
    if (server == NULL)
        return;
    MHD_stop_daemon(server->daemon); // closes the socket, ends the thread
    heap_free(server);
}
