// SPDX-License-Identifier: MIT
// Attempts of one operation. Each is signed anew (the time is part of the signature). Between
// attempts lies a pause of random length below a bound that doubles ("full jitter"), so that many
// clients do not come back together. What is tried again: no answer, 429 and 5xx, and errors in the
// body of a 200. New credentials or another region get one attempt more.
#include "connectors/s3/s3_call.h"

#include "base/hash.h"
#include "base/log.h"
#include "connectors/s3/sha256.h"
#include "connectors/s3/signature.h"
#include "connectors/s3/xml.h"
#include <string.h>

void s3_call_header(struct s3_call *call, const char *name, struct str value)
{
    ASSERT(call->headers_len < CALL_HEADERS_MAX);
    call->headers[call->headers_len++] = (struct header){str_of(name), value};
}

void s3_call_parameter(struct s3_call *call, const char *name, struct str value)
{
    ASSERT(call->parameters_len < CALL_PARAMETERS_MAX);
    ASSERT(call->parameters_len == 0 ||
           str_compare(call->parameters[call->parameters_len - 1].name, str_of(name)) < 0);
    call->parameters[call->parameters_len++] = (struct header){str_of(name), value};
}

// Where the request goes. Host, path and query are what is signed, so they are made once.
struct address {
    struct buf host, path, query, url;
};

static void address_clear(struct address *address)
{
    buf_clear(&address->host);
    buf_clear(&address->path);
    buf_clear(&address->query);
    buf_clear(&address->url);
}

static void address_make(struct address *address, const struct s3 *s3, const struct s3_call *call)
{
    if (!s3->is_path_style)
        buf_print(&address->host, "%s.", s3->bucket);
    if (s3->is_aws)
        buf_print(&address->host, "s3.%.*s.amazonaws.com%s", STR_ARGS(s3->region),
                  str_starts(s3->region, "cn-") ? ".cn" : "");
    else
        buf_add_str(&address->host, s3->authority);
    buf_add_str(&address->path, s3->base_path);
    if (s3->is_path_style) {
        buf_add_char(&address->path, '/');
        uri_encode(&address->path, str_of(s3->bucket), false);
    }
    if (call->key.len > 0 || !s3->is_path_style)
        buf_add_char(&address->path, '/');
    uri_encode(&address->path, call->key, true);
    for (size_t i = 0; i < call->parameters_len; i++) {
        if (i > 0)
            buf_add_char(&address->query, '&');
        uri_encode(&address->query, call->parameters[i].name, false);
        buf_add_char(&address->query, '=');
        uri_encode(&address->query, call->parameters[i].value, false);
    }
    buf_print(&address->url, "%.*s://%.*s%.*s", STR_ARGS(s3->scheme),
              STR_ARGS(buf_str(&address->host)), STR_ARGS(buf_str(&address->path)));
    if (address->query.len > 0)
        buf_print(&address->url, "?%.*s", STR_ARGS(buf_str(&address->query)));
}

// The error code that the answer's body names.
static void code_read(struct s3 *s3, const struct s3_call *call)
{
    const struct reply *reply = &s3->reply;
    buf_reset(&s3->code);
    struct str body = buf_str(&reply->body);
    if (reply->status >= 300) {
        if (!xml_find(body, "Code", &s3->code))
            buf_reset(&s3->code);
        return;
    }
    if (!call->checks_answer)
        return;
    struct xml xml;
    xml_init(&xml, body);
    enum xml_event event = xml_next(&xml);
    bool is_error = event == XML_BAD || (event == XML_OPEN && str_is(xml.name, "Error"));
    xml_clear(&xml);
    if (is_error && !xml_find(body, "Code", &s3->code))
        buf_add_cstr(&s3->code, "InternalError"); // an answer cut off says nothing at all
}

static bool attempt(struct s3 *s3, const struct s3_call *call, const char *payload_hash,
                    struct error *err)
{
    AUTO(address_clear) struct address address = {0};
    AUTO(buf_clear) struct buf authorization = {0};
    struct header headers[CALL_HEADERS_MAX + 5];
    size_t len = call->headers_len;
    char time_text[17];
    int64_t now_us = clock_now_us(&clock_system);
    if (!s3->has_own_credentials &&
        !credentials_renew(&s3->credentials, s3->transport, s3->region, now_us, err))
        return false;
    address_make(&address, s3, call);
    signature_time_print(now_us, time_text);
    memcpy(headers, call->headers, len * sizeof(headers[0]));
    headers[len++] = (struct header){STR("host"), buf_str(&address.host)};
    headers[len++] = (struct header){STR("x-amz-content-sha256"), str_of(payload_hash)};
    headers[len++] = (struct header){STR("x-amz-date"), str_of(time_text)};
    struct str token = s3->credentials.session_token.hidden;
    if (token.len > 0)
        headers[len++] = (struct header){STR("x-amz-security-token"), token};
    struct signature signature = {.method = call->method,
                                  .path = buf_str(&address.path),
                                  .query = buf_str(&address.query),
                                  .headers = headers,
                                  .headers_len = len,
                                  .payload_hash = payload_hash,
                                  .time_us = now_us,
                                  .region = s3->region,
                                  .service = STR("s3"),
                                  .access_key = s3->credentials.access_key,
                                  .secret_key = s3->credentials.secret_key};
    signature_print(&authorization, &signature);
    headers[len++] = (struct header){STR("authorization"), buf_str(&authorization)};
    struct request request = {.method = call->method,
                              .url = buf_cstr(&address.url),
                              .headers = headers,
                              .headers_len = len,
                              .body = call->body,
                              .connect_us = s3->options.connect_us,
                              .stall_us = s3->options.stall_us};
    if (!transport_send(s3->transport, &request, call->out, &s3->reply, err)) {
        buf_reset(&s3->code);
        return s3_wrap(s3, call, err);
    }
    code_read(s3, call);
    return true;
}

static void pause_random(struct s3 *s3, int64_t bound_us)
{
    if (bound_us > 0)
        clock_sleep_us((int64_t)(random_next(&s3->random) % (uint64_t)bound_us));
}

static bool region_take(struct s3 *s3, struct str region)
{
    if (region.len == 0 || str_equal(region, s3->region))
        return false;
    log_warn("s3: bucket %s lives in region %.*s, not %.*s; set region = '%.*s'", s3->bucket,
             STR_ARGS(region), STR_ARGS(s3->region), STR_ARGS(region));
    s3->region = arena_str(&s3->arena, region);
    return true;
}

bool s3_call(struct s3 *s3, struct s3_call *call, struct error *err)
{
    unsigned char digest[SHA256_BYTES];
    char payload_hash[2 * SHA256_BYTES + 1];
    sha256_of(call->body, digest);
    sha256_hex(digest, payload_hash);
    s3->answer = s3->answer == &s3->answers[0] ? &s3->answers[1] : &s3->answers[0];
    arena_reset(s3->answer);
    bool is_second_chance = true;
    int64_t bound_us = s3->options.backoff_us;
    size_t out_len = call->out != NULL ? call->out->len : 0;
    for (int done = 1;; done++) {
        error_clear(err);
        if (attempt(s3, call, payload_hash, err)) {
            bool renews = false;
            struct str region = {"", 0};
            bool is_good = s3->reply.status < 300 && s3->code.len == 0;
            if (is_good || s3_is_answer(s3, s3->reply.status))
                return true;
            if (call->out != NULL)
                call->out->len = out_len;
            s3_failure(s3, call, &renews, &region, err);
            if (is_second_chance && (region_take(s3, region) || renews)) {
                is_second_chance = false;
                if (renews)
                    credentials_clear(&s3->credentials);
                continue;
            }
            call->is_unclear =
                call->is_unclear || s3->reply.status >= 500 || s3->reply.status < 300;
        } else
            call->is_unclear = call->is_unclear || s3->reply.is_unclear;
        if (err->kind != ERROR_RETRY || done >= s3->options.attempts_max)
            return false;
        log_debug("%s; attempt %d", err->text, done);
        pause_random(s3, bound_us);
        bound_us = bound_us * 2 < 5 * US_PER_SECOND ? bound_us * 2 : 5 * US_PER_SECOND;
    }
}
