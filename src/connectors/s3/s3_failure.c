// SPDX-License-Identifier: MIT
// What an answer means and who must act: one table. RETRY is what passes by itself, USER what
// somebody must correct; an answer that fits nothing is FATAL.
#include "connectors/s3/s3_call.h"

#include "connectors/s3/xml.h"
#include <string.h>
#include <time.h>

enum cause {
    CAUSE_BUCKET,
    CAUSE_DENIED,
    CAUSE_UNKNOWN_KEY,
    CAUSE_SECRET,
    CAUSE_EXPIRED,
    CAUSE_CLOCK,
    CAUSE_REGION,
    CAUSE_NAME,
    CAUSE_BUSY,
    CAUSE_OTHER,
};

static const struct {
    const char *code;
    enum cause cause;
} causes[] = {
    {"NoSuchBucket", CAUSE_BUCKET},
    {"AccessDenied", CAUSE_DENIED},
    {"AllAccessDisabled", CAUSE_DENIED},
    {"AccountProblem", CAUSE_DENIED},
    {"InvalidAccessKeyId", CAUSE_UNKNOWN_KEY},
    {"SignatureDoesNotMatch", CAUSE_SECRET},
    {"ExpiredToken", CAUSE_EXPIRED},
    {"ExpiredTokenException", CAUSE_EXPIRED},
    {"InvalidToken", CAUSE_EXPIRED},
    {"TokenRefreshRequired", CAUSE_EXPIRED},
    {"RequestTimeTooSkewed", CAUSE_CLOCK},
    {"RequestExpired", CAUSE_CLOCK},
    {"PermanentRedirect", CAUSE_REGION},
    {"TemporaryRedirect", CAUSE_REGION},
    {"AuthorizationHeaderMalformed", CAUSE_REGION},
    {"IllegalLocationConstraintException", CAUSE_REGION},
    {"InvalidBucketName", CAUSE_NAME},
    {"KeyTooLongError", CAUSE_NAME},
    {"InvalidURI", CAUSE_NAME},
    {"SlowDown", CAUSE_BUSY},
    {"InternalError", CAUSE_BUSY},
    {"ServiceUnavailable", CAUSE_BUSY},
    {"RequestTimeout", CAUSE_BUSY},
    {"OperationAborted", CAUSE_BUSY},
    {"ThrottlingException", CAUSE_BUSY},
    {"RequestLimitExceeded", CAUSE_BUSY},
};

static enum cause cause_of(struct str code, int status)
{
    for (size_t i = 0; i < COUNT_OF(causes); i++) {
        if (str_is(code, causes[i].code))
            return causes[i].cause;
    }
    if (status >= 500 || status == 429 || status == 408)
        return CAUSE_BUSY;
    if (status == 301 || status == 307)
        return CAUSE_REGION;
    return status == 401 || status == 403 ? CAUSE_DENIED : CAUSE_OTHER;
}

bool s3_is_answer(const struct s3 *s3, int status)
{
    struct str code = buf_str(&s3->code);
    if (status == 404)
        return !str_is(code, "NoSuchBucket");
    if (status == 409)
        return !str_is(code, "OperationAborted");
    return status == 412 || status == 416 || status == 304;
}

static struct str shown_key(const struct s3_call *call)
{
    return call->key.len > 0 ? call->key : call->shown;
}

bool s3_wrap(const struct s3 *s3, const struct s3_call *call, struct error *err)
{
    if (err->kind == ERROR_RETRY)
        return error_wrap(err, "s3: cannot %s s3://%s/%.*s: no answer from %s", call->verb,
                          s3->bucket, STR_ARGS(shown_key(call)), s3->endpoint);
    return error_wrap(err, "s3: cannot %s s3://%s/%.*s at %s", call->verb, s3->bucket,
                      STR_ARGS(shown_key(call)), s3->endpoint);
}

// "Tue, 24 Nov 2026 19:45:15 GMT"
static bool http_time_parse(struct str text, int64_t *time_us)
{
    char buffer[40];
    struct tm tm = {0};
    if (text.len >= sizeof(buffer))
        return false;
    memcpy(buffer, text.ptr, text.len);
    buffer[text.len] = 0;
    const char *end = strptime(buffer, "%a, %d %b %Y %H:%M:%S", &tm);
    if (end == NULL)
        return false;
    *time_us = (int64_t)timegm(&tm) * US_PER_SECOND;
    return true;
}

static bool clock_failure(const struct s3 *s3, struct error *err)
{
    char ours[40], theirs[40] = "another time";
    int64_t server_us;
    AUTO(buf_clear) struct buf text = {0};
    time_print(clock_now_us(&clock_system), 0, ours);
    if (xml_find(buf_str(&s3->reply.body), "ServerTime", &text) && text.len < sizeof(theirs)) {
        memcpy(theirs, text.ptr, text.len);
        theirs[text.len] = 0;
    } else if (http_time_parse(reply_header(&s3->reply, "date"), &server_us))
        time_print(server_us, 0, theirs);
    return error_set(err, ERROR_RETRY,
                     "the clocks differ too much: this machine says %s, the server %s; set the "
                     "clock that is wrong",
                     ours, theirs);
}

static bool other_failure(const struct s3 *s3, enum error_kind kind, struct error *err)
{
    AUTO(buf_clear) struct buf message = {0};
    if (!xml_find(buf_str(&s3->reply.body), "Message", &message))
        buf_add_str(&message, str_trim(buf_str(&s3->reply.body)));
    struct str code = buf_str(&s3->code);
    bool has_code = code.len > 0;
    return error_set(err, kind, "it answered %d%s%.*s%s%.300s", s3->reply.status,
                     has_code ? " " : "", STR_ARGS(code), message.len > 0 ? ": " : "",
                     buf_cstr(&message));
}

static bool cause_set(const struct s3 *s3, enum cause cause, struct error *err)
{
    struct str access_key = s3->credentials.access_key;
    const char *origin = s3->credentials.origin;
    switch (cause) {
    case CAUSE_BUCKET:
        return error_set(err, ERROR_USER,
                         "there is no bucket '%s': make it, or correct the path or the endpoint",
                         s3->bucket);
    case CAUSE_DENIED:
        return error_set(err, ERROR_USER,
                         "access denied for access key '%.*s' from %s: give it the right to do "
                         "this, or use another key",
                         STR_ARGS(access_key), origin);
    case CAUSE_UNKNOWN_KEY:
        return error_set(err, ERROR_USER,
                         "the server does not know access key '%.*s' from %s: correct it",
                         STR_ARGS(access_key), origin);
    case CAUSE_SECRET:
        return error_set(err, ERROR_USER,
                         "the secret key does not belong to access key '%.*s' from %s: correct it",
                         STR_ARGS(access_key), origin);
    case CAUSE_EXPIRED:
        return error_set(err, ERROR_USER,
                         "the session of access key '%.*s' from %s has expired: renew it",
                         STR_ARGS(access_key), origin);
    case CAUSE_CLOCK:
        return clock_failure(s3, err);
    case CAUSE_REGION:
        return error_set(err, ERROR_USER,
                         "the bucket is not in region '%.*s': set region to the bucket's",
                         STR_ARGS(s3->region));
    case CAUSE_NAME:
        return other_failure(s3, ERROR_USER, err);
    case CAUSE_BUSY:
        return other_failure(s3, ERROR_RETRY, err);
    case CAUSE_OTHER:
        break;
    }
    return other_failure(s3, ERROR_FATAL, err);
}

bool s3_failure(const struct s3 *s3, const struct s3_call *call, bool *renews, struct str *region,
                struct error *err)
{
    enum cause cause = cause_of(buf_str(&s3->code), s3->reply.status);
    *renews = cause == CAUSE_EXPIRED && !s3->has_own_credentials;
    *region = (struct str){"", 0};
    if (cause == CAUSE_REGION && s3->is_aws)
        *region = reply_header(&s3->reply, "x-amz-bucket-region");
    cause_set(s3, cause, err);
    return error_wrap(err, "s3: cannot %s s3://%s/%.*s at %s", call->verb, s3->bucket,
                      STR_ARGS(shown_key(call)), s3->endpoint);
}

bool s3_call_odd(const struct s3 *s3, const struct s3_call *call, struct error *err)
{
    // A conflict passes; an upload that is gone is begun anew.
    bool is_passing = s3->reply.status == 409 || str_is(buf_str(&s3->code), "NoSuchUpload");
    other_failure(s3, is_passing ? ERROR_RETRY : ERROR_FATAL, err);
    return error_wrap(err, "s3: cannot %s s3://%s/%.*s at %s", call->verb, s3->bucket,
                      STR_ARGS(shown_key(call)), s3->endpoint);
}

struct str s3_etag(struct arena *arena, struct str text)
{
    text = str_trim(text);
    if (text.len >= 2 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"')
        text = str_slice(text, 1, text.len - 1);
    return arena_str(arena, text);
}

void s3_object_read(struct s3 *s3, struct str key, struct s3_object *object)
{
    struct str range = reply_header(&s3->reply, "content-range"); // "bytes 0-9/100"
    int64_t slash = str_find(range, '/');
    struct str size = slash >= 0 ? str_slice(range, (size_t)slash + 1, range.len)
                                 : reply_header(&s3->reply, "content-length");
    *object = (struct s3_object){.key = arena_str(s3->answer, key),
                                 .etag = s3_etag(s3->answer, reply_header(&s3->reply, "etag"))};
    if (!str_parse_int64(size, &object->size))
        object->size = -1;
    http_time_parse(reply_header(&s3->reply, "last-modified"), &object->modified_us);
}
