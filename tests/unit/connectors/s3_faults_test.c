// SPDX-License-Identifier: MIT
// The client against a server that fails in every way: 500, 503, an error in a 200, a reply lost
// after the work was done, silence; and against the services that give out credentials.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include "base/clock.h"
#include "base/file.h"
#include "connectors/s3/credentials.h"
#include "connectors/s3/s3.h"
#include "http_script.h"

#define CHECK(call)                                                                                \
    do {                                                                                           \
        if (!(call)) {                                                                             \
            print_error("%s\n", err.text);                                                         \
            fail();                                                                                \
        }                                                                                          \
    } while (0)

static struct http_script server;

static const char *const variables[] = {"AWS_ACCESS_KEY_ID",
                                        "AWS_SECRET_ACCESS_KEY",
                                        "AWS_SESSION_TOKEN",
                                        "AWS_ACCESS_KEY",
                                        "AWS_SECRET_KEY",
                                        "S3_ACCESS_KEY",
                                        "S3_SECRET_KEY",
                                        "AWS_PROFILE",
                                        "AWS_WEB_IDENTITY_TOKEN_FILE",
                                        "AWS_ROLE_ARN",
                                        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                                        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                                        "AWS_SHARED_CREDENTIALS_FILE",
                                        "AWS_CONFIG_FILE",
                                        "AWS_REGION",
                                        "AWS_DEFAULT_REGION",
                                        "AWS_ENDPOINT_URL_STS",
                                        "S3_ENDPOINT",
                                        "AWS_ENDPOINT_URL",
                                        "AWS_EC2_METADATA_SERVICE_ENDPOINT"};

static int begin(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(variables); i++)
        unsetenv(variables[i]);
    setenv("HOME", "/nonexistent", 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    return 0;
}

static struct s3 *client(void)
{
    struct error err = {0};
    struct s3_options options = {.endpoint = str_of(server.url),
                                 .access_key = STR("key"),
                                 .secret_key = {STR("secret")},
                                 .attempts_max = 4,
                                 .backoff_us = 1000,
                                 .stall_us = US_PER_SECOND};
    struct s3 *s3 = s3_open(STR("bucket"), &options, &err);
    CHECK(s3 != NULL);
    return s3;
}

static bool is_method(struct str request, const char *method)
{
    return str_starts(request, method);
}

static void fails_then_works(struct http_script *script, int number, struct str request,
                             struct buf *out)
{
    (void)request;
    const char *kind = script->context;
    bool is_silent = strcmp(kind, "silence") == 0;
    if (number >= 3 || (is_silent && number == 2))
        script_reply(out, 200, "ETag: \"e\"\r\n", "content");
    else if (strcmp(kind, "500") == 0)
        script_reply(out, 500, "", "<Error><Code>InternalError</Code></Error>");
    else if (strcmp(kind, "503") == 0)
        script_reply(out, 503, "", "<Error><Code>SlowDown</Code><Message>slow</Message></Error>");
    else if (strcmp(kind, "429") == 0)
        script_reply(out, 429, "", "");
    else if (strcmp(kind, "half") == 0)
        buf_add_cstr(out, "HTTP/1.1 200 X\r\nContent-Length: 50\r\nConnection: close\r\n\r\nconte");
    else if (is_silent)
        clock_sleep_us(2500 * US_PER_MS); // longer than stall_us; then the connection is cut
    // "cut": nothing
}

static void passing_faults_are_retried(void **state)
{
    (void)state;
    static char kinds[][8] = {"500", "503", "429", "cut", "half"};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct error err = {0};
        AUTO(buf_clear) struct buf out = {0};
        enum s3_status status;
        buf_add_cstr(&out, "before ");
        script_begin(&server, fails_then_works, kinds[i]);
        struct s3 *s3 = client();
        CHECK(s3_get(s3, STR("a"), 0, -1, STR(""), &out, NULL, &status, &err));
        assert_true(str_is(buf_str(&out), "before content"));
        s3_close(s3);
        script_end(&server);
        assert_int_equal(atomic_load(&server.requests), 3);
        buf_clear(&server.seen);
    }
}

static void silence_is_given_up(void **state)
{
    (void)state;
    struct error err = {0};
    AUTO(buf_clear) struct buf out = {0};
    enum s3_status status;
    static char kind[] = "silence";
    script_begin(&server, fails_then_works, kind);
    struct s3 *s3 = client();
    CHECK(s3_get(s3, STR("a"), 0, -1, STR(""), &out, NULL, &status, &err));
    assert_true(str_is(buf_str(&out), "content"));
    s3_close(s3);
    script_end(&server);
    buf_clear(&server.seen);
}

static void always(struct http_script *script, int number, struct str request, struct buf *out)
{
    (void)number;
    (void)request;
    buf_add_cstr(out, script->context);
}

static void told(const char *answer, enum error_kind kind, const char *text)
{
    struct error err = {0};
    AUTO(buf_clear) struct buf out = {0};
    AUTO(buf_clear) struct buf whole = {0};
    enum s3_status status;
    buf_add_cstr(&whole, answer);
    script_begin(&server, always, (void *)(uintptr_t)buf_cstr(&whole));
    struct s3 *s3 = client();
    assert_false(s3_get(s3, STR("some/key"), 0, -1, STR(""), &out, NULL, &status, &err));
    if (strstr(err.text, text) == NULL)
        print_error("%s\n", err.text);
    assert_non_null(strstr(err.text, text));
    assert_non_null(strstr(err.text, "s3://bucket/some/key"));
    assert_non_null(strstr(err.text, server.url));
    assert_int_equal(err.kind, kind);
    assert_int_equal(out.len, 0);
    s3_close(s3);
    script_end(&server);
    buf_clear(&server.seen);
}

static void failures_say_what_to_do(void **state)
{
    (void)state;
    struct buf out = {0};
    script_reply(&out, 403, "Date: Mon, 15 Jan 2024 10:30:00 GMT\r\n",
                 "<Error><Code>RequestTimeTooSkewed</Code></Error>");
    told(buf_cstr(&out), ERROR_RETRY, "the server 2024-01-15T10:30:00Z; set the clock");
    buf_reset(&out);
    script_reply(&out, 403, "", "<Error><Code>AccessDenied</Code></Error>");
    told(buf_cstr(&out), ERROR_USER, "access denied for access key 'key' from option access_key");
    buf_reset(&out);
    script_reply(&out, 404, "", "<Error><Code>NoSuchBucket</Code></Error>");
    told(buf_cstr(&out), ERROR_USER, "there is no bucket 'bucket': make it");
    buf_reset(&out);
    script_reply(&out, 503, "", "<Error><Code>SlowDown</Code><Message>calm</Message></Error>");
    told(buf_cstr(&out), ERROR_RETRY, "503 SlowDown: calm");
    buf_reset(&out);
    script_reply(&out, 418, "", "tea");
    told(buf_cstr(&out), ERROR_FATAL, "it answered 418: tea");
    buf_clear(&out);
}

// A store of one object whose first conditional put is carried out, but its answer lost.
struct lossy {
    struct buf token; // of the object there
    bool is_there;
};

static void token_of(struct str request, struct buf *out)
{
    const char *at = memmem(request.ptr, request.len, "firesteel-token: ", 17);
    buf_reset(out);
    if (at != NULL)
        buf_add(out, at + 17, strcspn(at + 17, "\r"));
}

static void loses_replies(struct http_script *script, int number, struct str request,
                          struct buf *out)
{
    (void)number;
    struct lossy *lossy = script->context;
    if (is_method(request, "HEAD")) {
        buf_print(out,
                  "HTTP/1.1 200 X\r\nContent-Length: 1\r\nx-amz-meta-firesteel-token: %s\r\n\r\n",
                  buf_cstr(&lossy->token));
    } else if (lossy->is_there)
        script_reply(out, 412, "", "<Error><Code>PreconditionFailed</Code></Error>");
    else {
        lossy->is_there = true;
        token_of(request, &lossy->token);
    }
}

static void lost_reply_of_a_conditional_put(void **state)
{
    (void)state;
    struct error err = {0};
    struct lossy lossy = {0};
    enum s3_status status;
    struct s3_condition absent = {.if_absent = true};
    script_begin(&server, loses_replies, &lossy);
    struct s3 *s3 = client();
    CHECK(s3_put(s3, STR("frame"), STR("x"), &absent, NULL, &status, &err));
    assert_int_equal(status, S3_DONE); // it was us
    CHECK(s3_put(s3, STR("frame"), STR("x"), &absent, NULL, &status, &err));
    assert_int_equal(status, S3_REFUSED); // this time it was not
    s3_close(s3);
    script_end(&server);
    buf_clear(&server.seen);
    buf_clear(&lossy.token);
}

// Completing gives 200 with an error, then the upload is gone since the first one worked.
static void completes_badly(struct http_script *script, int number, struct str request,
                            struct buf *out)
{
    struct lossy *lossy = script->context;
    (void)number;
    if (is_method(request, "POST") && memmem(request.ptr, request.len, "?uploads=", 9) != NULL) {
        token_of(request, &lossy->token);
        script_reply(out, 200, "", "<R><UploadId>u+1/2</UploadId></R>");
    } else if (is_method(request, "PUT"))
        script_reply(out, 200, "ETag: \"p\"\r\n", "");
    else if (is_method(request, "HEAD"))
        buf_print(out,
                  "HTTP/1.1 200 X\r\nContent-Length: 1\r\nx-amz-meta-firesteel-token: %s\r\n\r\n",
                  buf_cstr(&lossy->token));
    else if (!lossy->is_there) {
        lossy->is_there = true;
        script_reply(out, 200, "", " \n<Error><Code>InternalError</Code></Error>");
    } else
        script_reply(out, 404, "", "<Error><Code>NoSuchUpload</Code></Error>");
}

static void error_inside_a_good_reply(void **state)
{
    (void)state;
    struct error err = {0};
    struct lossy lossy = {0};
    struct s3_upload upload;
    enum s3_status status;
    script_begin(&server, completes_badly, &lossy);
    struct s3 *s3 = client();
    CHECK(s3_upload_begin(s3, STR("big"), STR(""), &upload, &err));
    CHECK(s3_upload_part(s3, &upload, STR("part"), &err));
    CHECK(s3_upload_complete(s3, &upload, NULL, &status, &err));
    assert_int_equal(status, S3_DONE);
    s3_close(s3);
    script_end(&server);
    assert_non_null(memmem(server.seen.ptr, server.seen.len, "uploadId=u%2B1%2F2", 18));
    buf_clear(&server.seen);
    buf_clear(&lossy.token);
}

static void services(struct http_script *script, int number, struct str request, struct buf *out)
{
    (void)script;
    (void)number;
#define KEYS "\"AccessKeyId\" : \"AK\", \"SecretAccessKey\" : \"S\\/K\", \"Token\" : \"T\", "
    if (is_method(request, "PUT /latest/api/token"))
        script_reply(out, 200, "", "imds-token");
    else if (is_method(request, "GET /latest/meta-data/iam/security-credentials/ "))
        script_reply(out, 200, "", "role one\n");
    else if (is_method(request, "GET /latest/meta-data/iam/security-credentials/role%20one "))
        script_reply(out, 200, "", "{" KEYS "\"Expiration\" : \"2024-01-15T10:30:00Z\"}");
    else if (is_method(request, "GET /container "))
        script_reply(out, 200, "", "{" KEYS "\"Expiration\":\"2024-01-15T11:30:00Z\"}");
    else if (is_method(request, "POST / "))
        script_reply(out, 200, "",
                     "<A><R><Credentials><AccessKeyId>AK</AccessKeyId><SecretAccessKey>S/K"
                     "</SecretAccessKey><SessionToken>T</SessionToken><Expiration>"
                     "2024-01-15T12:30:00Z</Expiration></Credentials></R></A>");
    else
        script_reply(out, 404, "", "nothing here");
}

static void chain_gives(const char *access_key, const char *secret_key, const char *origin,
                        const char *expires)
{
    struct error err = {0};
    struct transport *transport = transport_open(&err);
    struct credentials credentials = {0};
    CHECK(credentials_renew(&credentials, transport, STR("us-east-1"), 0, &err));
    assert_true(str_is(credentials.access_key, access_key));
    assert_true(str_is(credentials.secret_key.hidden, secret_key));
    assert_non_null(strstr(credentials.origin, origin));
    int64_t expires_us = TIME_MAX_US;
    if (expires != NULL)
        assert_true(time_parse(str_of(expires), &expires_us));
    assert_int_equal(credentials.expires_us, expires_us);
    if (expires != NULL) { // renewed when it is about to expire, not before
        int before = atomic_load(&server.requests);
        CHECK(credentials_renew(&credentials, transport, STR("us-east-1"),
                                expires_us - 6 * 60 * US_PER_SECOND, &err));
        assert_int_equal(atomic_load(&server.requests), before);
        CHECK(credentials_renew(&credentials, transport, STR("us-east-1"),
                                expires_us - 4 * 60 * US_PER_SECOND, &err));
        assert_true(atomic_load(&server.requests) > before);
    }
    credentials_clear(&credentials);
    transport_close(transport);
}

static void text_write(const char *path, struct str text)
{
    struct error err = {0};
    CHECK(file_write_whole(path, text, &err));
}

// From the last of the chain to the first: each is stronger than those before.
static void credentials_come_in_order(void **state)
{
    (void)state;
    struct error err = {0};
    char home[] = "/tmp/firesteel_home.XXXXXX", path[80], url[80];
    assert_non_null(mkdtemp(home));
    script_begin(&server, services, NULL);
    struct transport *transport = transport_open(&err);
    struct credentials none = {0};
    assert_false(credentials_renew(&none, transport, STR("us-east-1"), 0, &err));
    assert_int_equal(err.kind, ERROR_USER);
    assert_non_null(strstr(err.text, "AWS_ACCESS_KEY_ID"));
    transport_close(transport);
    setenv("AWS_EC2_METADATA_DISABLED", "false", 1);
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url, 1);
    chain_gives("AK", "S/K", "instance metadata", "2024-01-15T10:30:00Z");
    snprintf(url, sizeof(url), "%s/container", server.url);
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "container-token", 1);
    chain_gives("AK", "S/K", "container", "2024-01-15T11:30:00Z");
    snprintf(path, sizeof(path), "%s/token", home);
    text_write(path, STR("web+token\n"));
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", path, 1);
    setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/x", 1);
    setenv("AWS_ENDPOINT_URL_STS", server.url, 1);
    chain_gives("AK", "S/K", "web identity", "2024-01-15T12:30:00Z");
    snprintf(path, sizeof(path), "%s/.aws", home);
    CHECK(folder_create(path, &err));
    snprintf(path, sizeof(path), "%s/.aws/credentials", home);
    text_write(path, STR("# mine\n[other]\naws_access_key_id = O\naws_secret_access_key=OS\n"
                         "[default]\naws_access_key_id=D\naws_secret_access_key = D=S\n"));
    setenv("HOME", home, 1);
    chain_gives("D", "D=S", "credentials file", NULL);
    setenv("AWS_PROFILE", "other", 1);
    chain_gives("O", "OS", "credentials file", NULL);
    snprintf(path, sizeof(path), "%s/.aws/config", home);
    text_write(path,
               STR("[default]\nregion = a\n[profile other]\ns3 =\n  region = c\nregion = b\n"));
    struct arena arena = {0};
    assert_true(str_is(credentials_profile_text("region", &arena), "b"));
    arena_clear(&arena);
    static const char *const pairs[][2] = {{"S3_ACCESS_KEY", "S3_SECRET_KEY"},
                                           {"AWS_ACCESS_KEY", "AWS_SECRET_KEY"},
                                           {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}};
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        setenv(pairs[i][0], pairs[i][0], 1);
        setenv(pairs[i][1], pairs[i][1], 1);
        chain_gives(pairs[i][0], pairs[i][1], pairs[i][0], NULL);
    }
    script_end(&server);
    struct str seen = buf_str(&server.seen);
    assert_non_null(memmem(seen.ptr, seen.len, "x-aws-ec2-metadata-token: imds-token", 36));
    assert_non_null(memmem(seen.ptr, seen.len, "authorization: container-token", 30));
    assert_non_null(memmem(seen.ptr, seen.len, "&WebIdentityToken=web%2Btoken", 29));
    buf_clear(&server.seen);
    CHECK(folder_remove_tree(home, &err));
    begin(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passing_faults_are_retried),
        cmocka_unit_test(silence_is_given_up),
        cmocka_unit_test(failures_say_what_to_do),
        cmocka_unit_test(lost_reply_of_a_conditional_put),
        cmocka_unit_test(error_inside_a_good_reply),
        cmocka_unit_test(credentials_come_in_order),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
