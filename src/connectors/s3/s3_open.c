// SPDX-License-Identifier: MIT
// Which service, region, bucket and key: from options, environment and the user's config file.
#include "connectors/s3/s3_call.h"

#include <string.h>

bool s3_url_is(struct str url)
{
    return str_starts(url, "s3://") || str_starts(url, "s3a://") || str_starts(url, "s3n://");
}

bool s3_url_parse(struct str url, struct str *bucket, struct str *key, struct error *err)
{
    if (!s3_url_is(url))
        return error_set(err, ERROR_USER, "s3: '%.*s' is no address like s3://bucket/path",
                         STR_ARGS(url));
    struct str rest = str_slice(url, (size_t)str_find(url, '/') + 2, url.len);
    int64_t slash = str_find(rest, '/');
    *bucket = str_slice(rest, 0, slash < 0 ? rest.len : (size_t)slash);
    *key = str_slice(rest, bucket->len, rest.len);
    while (key->len > 0 && key->ptr[0] == '/')
        *key = str_slice(*key, 1, key->len);
    if (bucket->len == 0)
        return error_set(err, ERROR_USER, "s3: '%.*s' names no bucket: write s3://bucket/path",
                         STR_ARGS(url));
    for (size_t i = 0; i < bucket->len; i++) {
        char c = bucket->ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
        if (!is_plain)
            return error_set(err, ERROR_USER, "s3: '%.*s' is no name of a bucket",
                             STR_ARGS(*bucket));
    }
    return true;
}

static struct str first_text(struct str option, const char *const *variables, const char *setting,
                             struct arena *arena)
{
    if (option.len > 0)
        return arena_str(arena, option);
    for (; *variables != NULL; variables++) {
        if (environment_text(*variables) != NULL)
            return arena_str(arena, str_of(environment_text(*variables)));
    }
    return credentials_profile_text(setting, arena);
}

// Port after the last ':' that is not part of an IPv6 address.
static bool has_port(struct str authority, const char *port)
{
    if (port != NULL)
        return str_ends(authority, port);
    for (size_t at = authority.len; at > 0; at--) {
        if (authority.ptr[at - 1] == ':')
            return true;
        if (authority.ptr[at - 1] < '0' || authority.ptr[at - 1] > '9')
            return false;
    }
    return false;
}

static bool endpoint_set(struct s3 *s3, struct str endpoint, struct error *err)
{
    struct str rest = endpoint;
    if (str_starts(endpoint, "http://"))
        s3->scheme = STR("http");
    else if (str_starts(endpoint, "https://"))
        s3->scheme = STR("https");
    else if (memmem(endpoint.ptr, endpoint.len, "://", 3) != NULL)
        return error_set(err, ERROR_USER,
                         "s3: endpoint '%.*s': only http:// and https:// are known",
                         STR_ARGS(endpoint));
    if (s3->scheme.len > 0)
        rest = str_slice(endpoint, s3->scheme.len + 3, endpoint.len);
    int64_t slash = str_find(rest, '/');
    s3->authority = str_slice(rest, 0, slash < 0 ? rest.len : (size_t)slash);
    s3->base_path = str_slice(rest, s3->authority.len, rest.len);
    while (s3->base_path.len > 0 && s3->base_path.ptr[s3->base_path.len - 1] == '/')
        s3->base_path.len--;
    if (s3->scheme.len == 0)
        s3->scheme = has_port(s3->authority, NULL) && !has_port(s3->authority, ":443")
                         ? STR("http")
                         : STR("https");
    // Servers are told the address without the port that goes without saying.
    const char *usual = str_is(s3->scheme, "http") ? ":80" : ":443";
    if (has_port(s3->authority, usual))
        s3->authority.len -= strlen(usual);
    s3->endpoint = arena_print(&s3->arena, "%.*s://%.*s%.*s", STR_ARGS(s3->scheme),
                               STR_ARGS(s3->authority), STR_ARGS(s3->base_path))
                       .ptr;
    if (s3->authority.len == 0 || str_find(s3->authority, '@') >= 0 ||
        str_find(s3->authority, ' ') >= 0)
        return error_set(err, ERROR_USER, "s3: endpoint '%.*s' is no address like http://host:9000",
                         STR_ARGS(endpoint));
    return true;
}

static void defaults_set(struct s3_options *options)
{
    options->attempts_max = options->attempts_max > 0 ? options->attempts_max : 5;
    options->backoff_us = options->backoff_us > 0 ? options->backoff_us : 100 * US_PER_MS;
    options->connect_us = options->connect_us > 0 ? options->connect_us : 5 * US_PER_SECOND;
    options->stall_us = options->stall_us > 0 ? options->stall_us : 20 * US_PER_SECOND;
    if (options->upload_bytes <= 0)
        options->upload_bytes = INT64_C(16) << 20;
}

static bool place_set(struct s3 *s3, const struct s3_options *options, struct error *err)
{
    static const char *const endpoints[] = {"S3_ENDPOINT", "AWS_ENDPOINT_URL_S3",
                                            "AWS_ENDPOINT_URL", NULL};
    static const char *const regions[] = {"AWS_REGION", "AWS_DEFAULT_REGION", NULL};
    struct str endpoint = first_text(options->endpoint, endpoints, "endpoint_url", &s3->arena);
    s3->region = first_text(options->region, regions, "region", &s3->arena);
    if (s3->region.len == 0)
        s3->region = STR("us-east-1");
    s3->is_aws = endpoint.len == 0;
    s3->is_path_style =
        options->style == S3_STYLE_PATH ||
        (options->style == S3_STYLE_AUTO && (!s3->is_aws || strchr(s3->bucket, '.') != NULL));
    s3->scheme = s3->base_path = (struct str){"", 0};
    if (!s3->is_aws)
        return endpoint_set(s3, endpoint, err);
    s3->scheme = STR("https");
    s3->endpoint = arena_print(&s3->arena, "AWS (region %.*s)", STR_ARGS(s3->region)).ptr;
    return true;
}

static bool keys_set(struct s3 *s3, const struct s3_options *options, struct error *err)
{
    bool has_access = options->access_key.len > 0, has_secret = options->secret_key.hidden.len > 0;
    if (has_access != has_secret)
        return error_set(err, ERROR_USER, "s3: %s is given without %s",
                         has_access ? "access_key" : "secret_key",
                         has_access ? "secret_key" : "access_key");
    s3->has_own_credentials = has_access;
    if (!has_access)
        return credentials_renew(&s3->credentials, s3->transport, s3->region,
                                 clock_now_us(&clock_system), err);
    struct credentials *credentials = &s3->credentials;
    credentials->access_key = arena_str(&credentials->arena, options->access_key);
    credentials->secret_key.hidden = arena_str(&credentials->arena, options->secret_key.hidden);
    credentials->session_token.hidden =
        arena_str(&credentials->arena, options->session_token.hidden);
    credentials->expires_us = TIME_MAX_US;
    credentials->origin = "option access_key";
    return true;
}

struct s3 *s3_open(struct str bucket, const struct s3_options *options, struct error *err)
{
    struct s3 *s3 = heap_new(sizeof(*s3));
    s3->options = *options;
    defaults_set(&s3->options);
    s3->bucket = arena_cstr(&s3->arena, bucket);
    s3->random = (uint64_t)clock_monotonic_us() ^ (uint64_t)(uintptr_t)s3;
    s3->transport = transport_open(err);
    if (s3->transport == NULL || !place_set(s3, options, err) || !keys_set(s3, options, err)) {
        s3_close(s3);
        return NULL;
    }
    return s3;
}

void s3_close(struct s3 *s3)
{
    if (s3 == NULL)
        return;
    transport_close(s3->transport);
    credentials_clear(&s3->credentials);
    reply_clear(&s3->reply);
    buf_clear(&s3->code);
    arena_clear(&s3->answers[0]);
    arena_clear(&s3->answers[1]);
    arena_clear(&s3->arena);
    heap_free(s3);
}

const char *s3_endpoint(const struct s3 *s3)
{
    return s3->endpoint;
}

const char *s3_bucket(const struct s3 *s3)
{
    return s3->bucket;
}
