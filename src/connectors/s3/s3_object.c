// SPDX-License-Identifier: MIT
// Whole objects: read, look at, write, delete. How a conditional write tells its own repetition
// from somebody else's write: s3.h and s3_token_is.
#include "connectors/s3/s3_call.h"

#include "base/hash.h"
#include <string.h>

static struct str range_print(struct arena *arena, int64_t from, int64_t len)
{
    if (len < 0)
        return arena_print(arena, "bytes=%lld-", (long long)from);
    return arena_print(arena, "bytes=%lld-%lld", (long long)from, (long long)(from + len - 1));
}

// A server that knows no ranges sends everything.
static void range_cut(struct buf *out, size_t start, int64_t from, int64_t len)
{
    size_t got = out->len - start, skipped = (uint64_t)from < got ? (size_t)from : got;
    size_t kept = got - skipped;
    if (len >= 0 && kept > (size_t)len)
        kept = (size_t)len;
    if (kept > 0)
        memmove(out->ptr + start, out->ptr + start + skipped, kept);
    out->len = start + kept;
}

bool s3_get(struct s3 *s3, struct str key, int64_t from, int64_t len, struct str etag,
            struct buf *out, struct s3_object *object, enum s3_status *status, struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    struct s3_call call = {.verb = "read", .method = "GET", .key = key, .out = out};
    size_t start = out->len;
    bool is_range = from > 0 || len >= 0;
    ASSERT(len != 0);
    if (is_range)
        s3_call_header(&call, "range", range_print(&arena, from, len));
    if (etag.len > 0)
        s3_call_header(&call, "if-match", arena_print(&arena, "\"%.*s\"", STR_ARGS(etag)));
    if (!s3_call(s3, &call, err))
        return false;
    int answer = s3->reply.status;
    struct s3_object found;
    s3_object_read(s3, key, &found);
    if (object != NULL)
        *object = found;
    *status = answer == 404 ? S3_ABSENT : answer == 412 ? S3_REFUSED : S3_DONE;
    if (answer == 200 && is_range)
        range_cut(out, start, from, len);
    // 416: there is nothing from here on.
    return answer < 300 || answer == 404 || answer == 412 || answer == 416 ||
           s3_call_odd(s3, &call, err);
}

bool s3_head(struct s3 *s3, struct str key, struct s3_object *object, enum s3_status *status,
             struct error *err)
{
    struct s3_call call = {.verb = "look at", .method = "HEAD", .key = key};
    if (!s3_call(s3, &call, err))
        return false;
    s3_object_read(s3, key, object);
    *status = s3->reply.status == 404 ? S3_ABSENT : S3_DONE;
    return s3->reply.status < 300 || s3->reply.status == 404 || s3_call_odd(s3, &call, err);
}

bool s3_token_is(struct s3 *s3, struct str key, struct str token, bool *is_ours, struct error *err)
{
    struct s3_object object;
    enum s3_status status;
    if (!s3_head(s3, key, &object, &status, err))
        return false;
    *is_ours = status == S3_DONE && str_equal(reply_header(&s3->reply, TOKEN_HEADER), token);
    return true;
}

static bool is_conditional(const struct s3_condition *condition)
{
    return condition != NULL && (condition->if_absent || condition->if_match.len > 0);
}

void s3_call_condition(struct s3_call *call, const struct s3_condition *condition,
                       struct arena *arena)
{
    if (condition == NULL)
        return;
    if (condition->if_absent)
        s3_call_header(call, "if-none-match", STR("*"));
    if (condition->if_match.len > 0)
        s3_call_header(call, "if-match",
                       arena_print(arena, "\"%.*s\"", STR_ARGS(condition->if_match)));
}

struct str s3_token_make(const struct s3_condition *condition, struct arena *arena)
{
    char uuid[37];
    if (condition != NULL && condition->token.len > 0)
        return condition->token;
    uuid_new(uuid);
    return arena_str(arena, str_of(uuid));
}

bool s3_settle_refused(struct s3 *s3, struct str key, struct str token, bool may_be_ours,
                       enum s3_status *status, struct error *err)
{
    bool is_ours = false;
    if (may_be_ours && !s3_token_is(s3, key, token, &is_ours, err))
        return false;
    *status = is_ours ? S3_DONE : S3_REFUSED;
    return true;
}

bool s3_put(struct s3 *s3, struct str key, struct str bytes, const struct s3_condition *condition,
            struct s3_object *written, enum s3_status *status, struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    struct s3_call call = {.verb = "write", .method = "PUT", .key = key, .body = bytes};
    struct str token = s3_token_make(condition, &arena);
    bool has_condition = is_conditional(condition);
    if (has_condition) {
        s3_call_condition(&call, condition, &arena);
        s3_call_header(&call, TOKEN_HEADER, token);
    }
    if (!s3_call(s3, &call, err))
        return false;
    int answer = s3->reply.status;
    *status = S3_DONE;
    struct s3_object object;
    s3_object_read(s3, key, &object);
    object.size = (int64_t)bytes.len;
    if (written != NULL)
        *written = object;
    if (answer < 300)
        return true;
    // 404 is AWS's answer to If-Match when nothing is there.
    if (!has_condition || (answer != 404 && answer != 409 && answer != 412))
        return s3_call_odd(s3, &call, err);
    bool may_be_ours = call.is_unclear || condition->token.len > 0;
    if (!s3_settle_refused(s3, key, token, may_be_ours, status, err))
        return false;
    if (written != NULL && may_be_ours)
        s3_object_read(s3, key, written);
    return true;
}

bool s3_delete(struct s3 *s3, struct str key, struct error *err)
{
    struct s3_call call = {.verb = "delete", .method = "DELETE", .key = key};
    if (!s3_call(s3, &call, err))
        return false;
    return s3->reply.status < 300 || s3->reply.status == 404 || s3_call_odd(s3, &call, err);
}

bool s3_bucket_make(struct s3 *s3, struct error *err)
{
    AUTO(buf_clear) struct buf body = {0};
    struct s3_call call = {.verb = "make the bucket", .method = "PUT"};
    if (s3->is_aws && !str_is(s3->region, "us-east-1")) {
        buf_print(&body,
                  "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                  "<LocationConstraint>%.*s</LocationConstraint></CreateBucketConfiguration>",
                  STR_ARGS(s3->region));
        call.body = buf_str(&body);
    }
    if (!s3_call(s3, &call, err))
        return false;
    bool is_there = str_is(buf_str(&s3->code), "BucketAlreadyOwnedByYou") ||
                    str_is(buf_str(&s3->code), "BucketAlreadyExists");
    return s3->reply.status < 300 || is_there || s3_call_odd(s3, &call, err);
}
