// SPDX-License-Identifier: MIT
// libcurl's easy interface with one handle per transport: it keeps the connection. Redirects are
// not followed (a signature holds for one address), nothing is decompressed, no proxy is used for
// addresses that say so in no_proxy (libcurl's own rule). What was received before a failure is
// thrown away: a caller never sees half a body.
#include "connectors/s3/transport.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct transport {
    CURL *curl;
    char error_text[CURL_ERROR_SIZE];
    struct str body; // still to send
    struct buf *received;
    size_t received_start;
    struct reply *reply;
};

static pthread_once_t global_once = PTHREAD_ONCE_INIT;

static void global_begin(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct transport *transport_open(struct error *err)
{
    pthread_once(&global_once, global_begin);
    struct transport *transport = heap_new(sizeof(*transport));
    transport->curl = curl_easy_init();
    if (transport->curl != NULL)
        return transport;
    error_set(err, ERROR_FATAL, "http: libcurl cannot be initialised");
    heap_free(transport);
    return NULL;
}

void transport_close(struct transport *transport)
{
    if (transport == NULL)
        return;
    curl_easy_cleanup(transport->curl);
    heap_free(transport);
}

void reply_reset(struct reply *reply)
{
    arena_reset(&reply->arena);
    buf_reset(&reply->body);
    reply->headers = NULL;
    reply->headers_len = reply->headers_capacity = 0;
    reply->status = 0;
    reply->is_unclear = false;
}

void reply_clear(struct reply *reply)
{
    arena_clear(&reply->arena);
    buf_clear(&reply->body);
    *reply = (struct reply){0};
}

struct str reply_header(const struct reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->headers_len; i++) {
        if (str_is(reply->headers[i].name, name))
            return reply->headers[i].value;
    }
    return (struct str){"", 0};
}

static void header_add(struct reply *reply, struct str line, size_t colon)
{
    if (reply->headers_len == reply->headers_capacity) {
        size_t capacity = reply->headers_capacity == 0 ? 16 : reply->headers_capacity * 2;
        struct header *headers = ARENA_ARRAY(&reply->arena, struct header, capacity);
        if (reply->headers_len > 0)
            memcpy(headers, reply->headers, reply->headers_len * sizeof(*headers));
        reply->headers = headers;
        reply->headers_capacity = capacity;
    }
    char *name = arena_bytes(&reply->arena, colon);
    for (size_t i = 0; i < colon; i++)
        name[i] = (char)(line.ptr[i] >= 'A' && line.ptr[i] <= 'Z' ? line.ptr[i] + 32 : line.ptr[i]);
    reply->headers[reply->headers_len++] = (struct header){
        .name = {name, colon},
        .value = arena_str(&reply->arena, str_trim(str_slice(line, colon + 1, line.len)))};
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct transport *transport = context;
    struct str line = {bytes, size * count};
    int64_t colon = str_find(line, ':');
    if (str_starts(line, "HTTP/")) { // after "100 Continue" the real one
        transport->reply->headers_len = 0;
        transport->reply->status = 0;
    } else if (colon > 0)
        header_add(transport->reply, line, (size_t)colon);
    return line.len;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct transport *transport = context;
    struct reply *reply = transport->reply;
    if (reply->status == 0) {
        long status = 0;
        curl_easy_getinfo(transport->curl, CURLINFO_RESPONSE_CODE, &status);
        reply->status = (int)status;
    }
    struct buf *target = reply->status < 300 ? transport->received : &reply->body;
    buf_add(target, bytes, size * count);
    return size * count;
}

static size_t on_send(char *target, size_t size, size_t count, void *context)
{
    struct transport *transport = context;
    size_t len = size * count < transport->body.len ? size * count : transport->body.len;
    if (len > 0)
        memcpy(target, transport->body.ptr, len);
    transport->body = str_slice(transport->body, len, transport->body.len);
    return len;
}

static struct curl_slist *headers_new(const struct request *request)
{
    // Else libcurl would wait a second for "100 Continue" from servers that never say it.
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    struct buf line = {0};
    for (size_t i = 0; i < request->headers_len; i++) {
        buf_reset(&line);
        buf_add_str(&line, request->headers[i].name);
        buf_add_cstr(&line, ": ");
        buf_add_str(&line, request->headers[i].value);
        list = curl_slist_append(list, buf_cstr(&line));
    }
    buf_clear(&line);
    return list;
}

static void body_set(struct transport *transport, const struct request *request)
{
    CURL *curl = transport->curl;
    transport->body = request->body;
    bool is_head = strcmp(request->method, "HEAD") == 0;
    bool sends = strcmp(request->method, "PUT") == 0 || strcmp(request->method, "POST") == 0;
    if (is_head)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else if (sends) {
        curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body.len);
        curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_send);
        curl_easy_setopt(curl, CURLOPT_READDATA, transport);
        curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
    }
    if (!is_head)
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

static void options_set(struct transport *transport, const struct request *request)
{
    CURL *curl = transport->curl;
    curl_easy_reset(curl); // keeps connections
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transport->error_text);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, transport);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, transport);
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(request->connect_us / US_PER_MS));
    if (request->total_us > 0)
        curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(request->total_us / US_PER_MS));
    if (request->stall_us > 0) {
        int64_t seconds = (request->stall_us + US_PER_SECOND - 1) / US_PER_SECOND;
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)seconds);
    }
    const char *bundle = getenv("AWS_CA_BUNDLE");
    if (bundle != NULL && bundle[0] != 0)
        curl_easy_setopt(curl, CURLOPT_CAINFO, bundle);
    body_set(transport, request);
}

// Only the caller knows what was tried; here stands why it failed.
static bool failure_set(const struct transport *transport, CURLcode code, struct error *err)
{
    const char *text =
        transport->error_text[0] != 0 ? transport->error_text : curl_easy_strerror(code);
    enum error_kind kind = ERROR_RETRY;
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL ||
        code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        kind = ERROR_USER;
    char first = text[0];
    if (first >= 'A' && first <= 'Z' && text[1] >= 'a' && text[1] <= 'z')
        first = (char)(first + 32);
    return error_set(err, kind, "%c%s", first, text + 1);
}

bool transport_send(struct transport *transport, const struct request *request, struct buf *body,
                    struct reply *reply, struct error *err)
{
    reply_reset(reply);
    transport->reply = reply;
    transport->received = body != NULL ? body : &reply->body;
    transport->received_start = transport->received->len;
    transport->error_text[0] = 0;
    options_set(transport, request);
    struct curl_slist *headers = headers_new(request);
    curl_easy_setopt(transport->curl, CURLOPT_HTTPHEADER, headers);
    CURLcode code = curl_easy_perform(transport->curl);
    curl_slist_free_all(headers);
    if (code == CURLE_OK) {
        long status = 0;
        curl_easy_getinfo(transport->curl, CURLINFO_RESPONSE_CODE, &status);
        reply->status = (int)status;
        return true;
    }
    reply->is_unclear = code != CURLE_COULDNT_CONNECT && code != CURLE_COULDNT_RESOLVE_HOST &&
                        code != CURLE_COULDNT_RESOLVE_PROXY;
    transport->received->len = transport->received_start;
    reply->status = 0;
    return failure_set(transport, code, err);
}
