// SPDX-License-Identifier: MIT
// A small HTTP server in a thread of the test: what it answers is a function of the test. It keeps
// connections open, as the real ones do.
#ifndef FIRESTEEL_HTTP_SCRIPT_H
#define FIRESTEEL_HTTP_SCRIPT_H

#include "base/buf.h"
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct http_script;
// The whole answer into `out`; empty: cut the connection. `number` counts requests from 1.
typedef void (*script_answer)(struct http_script *script, int number, struct str request,
                              struct buf *out);
struct http_script {
    script_answer answer;
    void *context;
    int listener, stop[2];
    atomic_int requests;
    char url[64];
    struct buf seen; // all requests, one after another; read it after script_end
    pthread_t thread;
};

UNUSED static void script_reply(struct buf *out, int status, const char *headers, const char *body)
{
    buf_print(out, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n%s", status, strlen(body),
              headers, body);
}

// Reads one request; false: the peer has gone.
static bool script_read(int fd, struct buf *request)
{
    char piece[16384];
    size_t wanted = SIZE_MAX;
    buf_reset(request);
    while (request->len < wanted) {
        ssize_t n = recv(fd, piece, sizeof(piece), 0);
        if (n <= 0)
            return false;
        buf_add(request, piece, (size_t)n);
        const char *end = memmem(request->ptr, request->len, "\r\n\r\n", 4);
        if (end == NULL || wanted != SIZE_MAX)
            continue;
        const char *length = strcasestr(buf_cstr(request), "content-length:");
        end = memmem(request->ptr, request->len, "\r\n\r\n", 4);
        wanted = (size_t)(end - request->ptr) + 4;
        if (length != NULL && length < end)
            wanted += strtoul(length + 15, NULL, 10);
    }
    return true;
}

static void script_serve(struct http_script *script, int fd)
{
    AUTO(buf_clear) struct buf request = {0};
    AUTO(buf_clear) struct buf out = {0};
    while (script_read(fd, &request)) {
        buf_reset(&out);
        buf_add_str(&script->seen, buf_str(&request));
        int number = atomic_fetch_add(&script->requests, 1) + 1;
        script->answer(script, number, buf_str(&request), &out);
        if (out.len == 0)
            break;
        for (size_t at = 0; at < out.len;) {
            ssize_t n = send(fd, out.ptr + at, out.len - at, MSG_NOSIGNAL);
            if (n <= 0)
                break;
            at += (size_t)n;
        }
        if (memmem(out.ptr, out.len, "Connection: close", 17) != NULL)
            break;
    }
    close(fd);
}

static void *script_main(void *argument)
{
    struct http_script *script = argument;
    for (;;) {
        struct pollfd wait[2] = {{script->listener, POLLIN, 0}, {script->stop[0], POLLIN, 0}};
        if (poll(wait, 2, -1) < 0 || wait[1].revents != 0)
            return NULL;
        int fd = accept(script->listener, NULL, NULL);
        if (fd >= 0)
            script_serve(script, fd);
    }
}

UNUSED static void script_begin(struct http_script *script, script_answer answer, void *context)
{
    *script = (struct http_script){.answer = answer, .context = context};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    script->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_good = bind(script->listener, (struct sockaddr *)&address, len) == 0 &&
                   listen(script->listener, 8) == 0 &&
                   getsockname(script->listener, (struct sockaddr *)&address, &len) == 0 &&
                   pipe(script->stop) == 0;
    ASSERT(is_good);
    snprintf(script->url, sizeof(script->url), "http://127.0.0.1:%d", ntohs(address.sin_port));
    ASSERT(pthread_create(&script->thread, NULL, script_main, script) == 0);
}

// Close clients first: the server waits for the end of its connection.
UNUSED static void script_end(struct http_script *script)
{
    close(script->stop[1]);
    pthread_join(script->thread, NULL);
    close(script->stop[0]);
    close(script->listener);
}

#endif
