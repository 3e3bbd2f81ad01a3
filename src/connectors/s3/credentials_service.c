// SPDX-License-Identifier: MIT
// Credentials that a service hands out for a while: STS for a web identity, the container's agent,
// the machine's metadata. Only a service that the environment names, or the machine's metadata as
// the last resort, is ever asked. Of each only a few texts of a flat answer are read.
#include "connectors/s3/credentials.h"

#include "base/clock.h"
#include "base/file.h"
#include "connectors/s3/signature.h"
#include "connectors/s3/xml.h"
#include <stdlib.h>
#include <string.h>

// The metadata service answers at once, or there is none.
#define CONNECT_US (1 * US_PER_SECOND)
#define TOTAL_US (5 * US_PER_SECOND)

static bool ask(struct transport *transport, const char *method, const char *url,
                const struct header *headers, size_t headers_len, struct str body,
                struct reply *reply, struct error *err)
{
    struct request request = {.method = method,
                              .url = url,
                              .headers = headers,
                              .headers_len = headers_len,
                              .body = body,
                              .connect_us = CONNECT_US,
                              .total_us = TOTAL_US};
    if (!transport_send(transport, &request, NULL, reply, err))
        return error_wrap(err, "s3: cannot get credentials from %s", url);
    if (reply->status == 200)
        return true;
    bool is_passing = reply->status >= 500 || reply->status == 429;
    return error_set(err, is_passing ? ERROR_RETRY : ERROR_USER,
                     "s3: cannot get credentials from %s: it answered %d: %.300s", url,
                     reply->status, buf_cstr(&reply->body));
}

// The text of member `name` of a flat JSON object; escapes other than \" \\ \/ do not occur in keys
// and tokens, and an answer with one is taken for none.
static bool json_text(struct str json, const char *name, struct buf *out)
{
    AUTO(buf_clear) struct buf quoted = {0};
    buf_print(&quoted, "\"%s\"", name);
    const char *found = memmem(json.ptr, json.len, quoted.ptr, quoted.len);
    buf_reset(out);
    if (found == NULL)
        return false;
    struct str rest = str_slice(json, (size_t)(found - json.ptr) + quoted.len, json.len);
    rest = str_trim(rest);
    if (rest.len == 0 || rest.ptr[0] != ':')
        return false;
    rest = str_trim(str_slice(rest, 1, rest.len));
    if (rest.len == 0 || rest.ptr[0] != '"')
        return false;
    for (size_t i = 1; i < rest.len && rest.ptr[i] != '"'; i++) {
        if (rest.ptr[i] == '\\' && (++i == rest.len || strchr("\"\\/", rest.ptr[i]) == NULL))
            return false;
        buf_add_char(out, rest.ptr[i]);
    }
    return out->len > 0;
}

typedef bool (*text_find)(struct str document, const char *name, struct buf *text);

// The four names differ from service to service.
static bool answer_take(struct credentials *credentials, struct str answer, text_find find,
                        const char *const names[4], struct error *err)
{
    AUTO(buf_clear) struct buf text = {0};
    struct str *targets[3] = {&credentials->access_key, &credentials->secret_key.hidden,
                              &credentials->session_token.hidden};
    for (size_t i = 0; i < 3; i++) {
        if (!find(answer, names[i], &text) && i < 2)
            return error_set(err, ERROR_RETRY, "s3: credentials from %s: the answer has no %s",
                             credentials->origin, names[i]);
        *targets[i] = arena_str(&credentials->arena, buf_str(&text));
    }
    credentials->expires_us = TIME_MAX_US;
    if (find(answer, names[3], &text) && !time_parse(buf_str(&text), &credentials->expires_us))
        return error_set(err, ERROR_RETRY, "s3: credentials from %s expire at '%s': no time",
                         credentials->origin, buf_cstr(&text));
    return true;
}

static const char *const json_names[4] = {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"};
static const char *const sts_names[4] = {"AccessKeyId", "SecretAccessKey", "SessionToken",
                                         "Expiration"};

static bool token_read(const char *path, struct buf *out, struct error *err)
{
    if (!file_read_whole(path, out, err)) {
        err->kind = ERROR_USER;
        return error_wrap(err, "s3: cannot read the token for credentials");
    }
    struct str token = str_trim(buf_str(out));
    memmove(out->ptr, token.ptr, token.len);
    out->len = token.len;
    return true;
}

static bool from_web_identity(struct credentials *credentials, struct transport *transport,
                              struct str region, int64_t now_us, struct error *err)
{
    AUTO(buf_clear) struct buf token = {0};
    AUTO(buf_clear) struct buf body = {0};
    AUTO(buf_clear) struct buf url = {0};
    AUTO(reply_clear) struct reply reply = {0};
    credentials->origin = "web identity (AWS_WEB_IDENTITY_TOKEN_FILE)";
    if (!token_read(environment_text("AWS_WEB_IDENTITY_TOKEN_FILE"), &token, err))
        return false;
    const char *endpoint = environment_text("AWS_ENDPOINT_URL_STS");
    const char *session = environment_text("AWS_ROLE_SESSION_NAME");
    if (endpoint != NULL)
        buf_print(&url, "%s/", endpoint);
    else
        buf_print(&url, "https://sts.%.*s.amazonaws.com/", STR_ARGS(region));
    buf_add_cstr(&body, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=");
    uri_encode(&body, str_of(environment_text("AWS_ROLE_ARN")), false);
    buf_add_cstr(&body, "&RoleSessionName=");
    if (session != NULL)
        uri_encode(&body, str_of(session), false);
    else
        buf_print(&body, "firesteel-%lld", (long long)(now_us / US_PER_SECOND));
    buf_add_cstr(&body, "&WebIdentityToken=");
    uri_encode(&body, buf_str(&token), false);
    struct header header = {STR("content-type"), STR("application/x-www-form-urlencoded")};
    return ask(transport, "POST", buf_cstr(&url), &header, 1, buf_str(&body), &reply, err) &&
           answer_take(credentials, buf_str(&reply.body), xml_find, sts_names, err);
}

static bool from_container(struct credentials *credentials, struct transport *transport,
                           struct error *err)
{
    AUTO(buf_clear) struct buf token = {0};
    AUTO(buf_clear) struct buf url = {0};
    AUTO(reply_clear) struct reply reply = {0};
    credentials->origin = "the container's role (AWS_CONTAINER_CREDENTIALS_*)";
    const char *relative = environment_text("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    if (relative != NULL)
        buf_print(&url, "http://169.254.170.2%s", relative);
    else
        buf_add_cstr(&url, environment_text("AWS_CONTAINER_CREDENTIALS_FULL_URI"));
    const char *file = environment_text("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *text = environment_text("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (file != NULL) {
        if (!token_read(file, &token, err))
            return false;
    } else if (text != NULL)
        buf_add_cstr(&token, text);
    struct header header = {STR("authorization"), buf_str(&token)};
    return ask(transport, "GET", buf_cstr(&url), &header, token.len > 0, (struct str){"", 0},
               &reply, err) &&
           answer_take(credentials, buf_str(&reply.body), json_text, json_names, err);
}

// *is_there false: this machine has no metadata service or no role.
static bool from_machine(struct credentials *credentials, struct transport *transport,
                         bool *is_there, struct error *err)
{
    AUTO(buf_clear) struct buf url = {0};
    AUTO(buf_clear) struct buf token = {0};
    AUTO(reply_clear) struct reply reply = {0};
    credentials->origin = "the machine's role (instance metadata)";
    const char *disabled = environment_text("AWS_EC2_METADATA_DISABLED");
    *is_there = false;
    if (disabled != NULL && str_equal_nocase(str_of(disabled), STR("true")))
        return true;
    const char *endpoint = environment_text("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    endpoint = endpoint != NULL ? endpoint : "http://169.254.169.254";
    struct header lifetime = {STR("x-aws-ec2-metadata-token-ttl-seconds"), STR("21600")};
    struct str nothing = {"", 0};
    buf_print(&url, "%s/latest/api/token", endpoint);
    if (!ask(transport, "PUT", buf_cstr(&url), &lifetime, 1, nothing, &reply, err)) {
        error_clear(err);
        return true;
    }
    buf_add_str(&token, str_trim(buf_str(&reply.body)));
    struct header header = {STR("x-aws-ec2-metadata-token"), buf_str(&token)};
    buf_reset(&url);
    buf_print(&url, "%s/latest/meta-data/iam/security-credentials/", endpoint);
    if (!ask(transport, "GET", buf_cstr(&url), &header, 1, nothing, &reply, err)) {
        if (reply.status != 404)
            return false;
        error_clear(err);
        return true;
    }
    *is_there = true;
    struct str role = str_trim(buf_str(&reply.body));
    int64_t line = str_find(role, '\n');
    uri_encode(&url, line < 0 ? role : str_slice(role, 0, (size_t)line), false);
    return ask(transport, "GET", buf_cstr(&url), &header, 1, nothing, &reply, err) &&
           answer_take(credentials, buf_str(&reply.body), json_text, json_names, err);
}

bool credentials_from_service(struct credentials *credentials, struct transport *transport,
                              struct str region, int64_t now_us, bool *is_there, struct error *err)
{
    *is_there = true;
    if (environment_text("AWS_WEB_IDENTITY_TOKEN_FILE") != NULL &&
        environment_text("AWS_ROLE_ARN") != NULL)
        return from_web_identity(credentials, transport, region, now_us, err);
    if (environment_text("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") != NULL ||
        environment_text("AWS_CONTAINER_CREDENTIALS_FULL_URI") != NULL)
        return from_container(credentials, transport, err);
    return from_machine(credentials, transport, is_there, err);
}
