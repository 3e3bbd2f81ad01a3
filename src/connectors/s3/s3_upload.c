// SPDX-License-Identifier: MIT
// Objects in parts, and files. Complete is the one call whose answer is often lost or comes as an
// error inside a 200: the upload's id is then gone, and the token in the object's metadata tells
// that it is our object.
#include "connectors/s3/s3_call.h"

#include "base/file.h"
#include "connectors/s3/xml.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PART_BYTES_MIN (INT64_C(5) << 20)
#define PARTS_MAX 10000
#define FETCH_BYTES (INT64_C(16) << 20)

void s3_upload_clear(struct s3_upload *upload)
{
    arena_clear(&upload->arena);
    *upload = (struct s3_upload){0};
}

bool s3_upload_begin(struct s3 *s3, struct str key, struct str token, struct s3_upload *upload,
                     struct error *err)
{
    AUTO(buf_clear) struct buf id = {0};
    struct s3_call call = {
        .verb = "begin writing", .method = "POST", .key = key, .checks_answer = true};
    struct s3_condition condition = {.token = token};
    *upload = (struct s3_upload){0};
    upload->key = arena_str(&upload->arena, key);
    upload->token = arena_str(&upload->arena, s3_token_make(&condition, &upload->arena));
    s3_call_parameter(&call, "uploads", (struct str){"", 0});
    s3_call_header(&call, TOKEN_HEADER, upload->token);
    bool is_done = s3_call(s3, &call, err);
    if (is_done && s3->reply.status >= 300)
        is_done = s3_call_odd(s3, &call, err);
    if (is_done && !xml_find(buf_str(&s3->reply.body), "UploadId", &id))
        is_done = error_set(err, ERROR_RETRY,
                            "s3: cannot begin writing s3://%s/%.*s at %s: the answer has no "
                            "UploadId",
                            s3->bucket, STR_ARGS(key), s3->endpoint);
    if (!is_done) {
        s3_upload_clear(upload);
        return false;
    }
    upload->id = arena_str(&upload->arena, buf_str(&id));
    return true;
}

bool s3_upload_part(struct s3 *s3, struct s3_upload *upload, struct str bytes, struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    struct s3_call call = {
        .verb = "write a part of", .method = "PUT", .key = upload->key, .body = bytes};
    ASSERT(upload->parts_len < PARTS_MAX);
    s3_call_parameter(&call, "partNumber", arena_print(&arena, "%zu", upload->parts_len + 1));
    s3_call_parameter(&call, "uploadId", upload->id);
    if (!s3_call(s3, &call, err))
        return false;
    struct str etag = reply_header(&s3->reply, "etag");
    if (s3->reply.status >= 300 || etag.len == 0)
        return s3_call_odd(s3, &call, err);
    if (upload->parts_len == upload->parts_capacity) {
        size_t capacity = upload->parts_capacity == 0 ? 16 : upload->parts_capacity * 2;
        struct str *etags = ARENA_ARRAY(&upload->arena, struct str, capacity);
        if (upload->parts_len > 0)
            memcpy(etags, upload->etags, upload->parts_len * sizeof(*etags));
        upload->etags = etags;
        upload->parts_capacity = capacity;
    }
    upload->etags[upload->parts_len++] = s3_etag(&upload->arena, etag);
    return true;
}

bool s3_upload_complete(struct s3 *s3, struct s3_upload *upload,
                        const struct s3_condition *condition, enum s3_status *status,
                        struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    AUTO(buf_clear) struct buf body = {0};
    buf_add_cstr(&body, "<CompleteMultipartUpload>");
    for (size_t i = 0; i < upload->parts_len; i++)
        buf_print(&body, "<Part><PartNumber>%zu</PartNumber><ETag>\"%.*s\"</ETag></Part>", i + 1,
                  STR_ARGS(upload->etags[i]));
    buf_add_cstr(&body, "</CompleteMultipartUpload>");
    struct s3_call call = {.verb = "finish writing",
                           .method = "POST",
                           .key = upload->key,
                           .body = buf_str(&body),
                           .checks_answer = true};
    s3_call_parameter(&call, "uploadId", upload->id);
    s3_call_condition(&call, condition, &arena);
    if (!s3_call(s3, &call, err))
        return false;
    int answer = s3->reply.status;
    *status = S3_DONE;
    // Not only after an unclear attempt of this call: an earlier call may have got through.
    if (answer >= 300 && !s3_settle_refused(s3, upload->key, upload->token, true, status, err))
        return false;
    bool has_failed_condition =
        condition != NULL && (answer == 412 || answer == 409 || condition->if_match.len > 0);
    if (*status == S3_REFUSED && !has_failed_condition)
        return error_set(err, ERROR_RETRY,
                         "s3: cannot finish writing s3://%s/%.*s at %s: the upload is gone (%d)",
                         s3->bucket, STR_ARGS(upload->key), s3->endpoint, answer);
    if (*status == S3_REFUSED)
        s3_upload_abort(s3, upload);
    s3_upload_clear(upload);
    return true;
}

void s3_upload_abort(struct s3 *s3, struct s3_upload *upload)
{
    struct error ignored = {0};
    struct s3_call call = {.verb = "abort writing", .method = "DELETE", .key = upload->key};
    if (upload->id.len > 0) {
        s3_call_parameter(&call, "uploadId", upload->id);
        bool is_done = s3_call(s3, &call, &ignored);
        (void)is_done; // what stays is invisible, and the bucket's rule removes it
    }
    s3_upload_clear(upload);
}

static bool piece_read(int fd, const char *path, char *target, size_t len, int64_t offset,
                       struct error *err)
{
    for (size_t have = 0; have < len;) {
        ssize_t n = pread(fd, target + have, len - have, offset + (int64_t)have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set_errno(err, ERROR_RETRY, n < 0 ? errno : EIO, "s3: cannot read %s",
                                   path);
        have += (size_t)n;
    }
    return true;
}

static bool parts_write(struct s3 *s3, struct s3_upload *upload, int fd, const char *path,
                        int64_t size, int64_t part_bytes, struct error *err)
{
    char *piece = heap_array((size_t)part_bytes, 1);
    bool is_done = true;
    for (int64_t at = 0; is_done && at < size; at += part_bytes) {
        size_t len = (size_t)(size - at < part_bytes ? size - at : part_bytes);
        is_done = piece_read(fd, path, piece, len, at, err) &&
                  s3_upload_part(s3, upload, (struct str){piece, len}, err);
    }
    heap_free(piece);
    return is_done;
}

static bool large_put(struct s3 *s3, struct str key, int fd, const char *path, int64_t size,
                      const struct s3_condition *condition, enum s3_status *status,
                      struct error *err)
{
    struct s3_upload upload;
    struct str token = condition != NULL ? condition->token : (struct str){"", 0};
    int64_t part_bytes = s3->options.upload_bytes;
    part_bytes = part_bytes < PART_BYTES_MIN ? PART_BYTES_MIN : part_bytes;
    if (size / part_bytes >= PARTS_MAX)
        part_bytes = size / (PARTS_MAX - 1) + 1;
    if (!s3_upload_begin(s3, key, token, &upload, err))
        return false;
    if (parts_write(s3, &upload, fd, path, size, part_bytes, err) &&
        s3_upload_complete(s3, &upload, condition, status, err))
        return true;
    s3_upload_abort(s3, &upload);
    return false;
}

bool s3_put_file(struct s3 *s3, struct str key, const char *path,
                 const struct s3_condition *condition, enum s3_status *status, struct error *err)
{
    int64_t size = path_size(path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || size < 0) {
        error_set_errno(err, ERROR_FATAL, errno, "s3: cannot open %s", path);
        if (fd >= 0)
            close(fd);
        return false;
    }
    bool is_done;
    if (size > s3->options.upload_bytes && size > PART_BYTES_MIN)
        is_done = large_put(s3, key, fd, path, size, condition, status, err);
    else {
        char *bytes = heap_array((size_t)size + 1, 1);
        is_done = piece_read(fd, path, bytes, (size_t)size, 0, err) &&
                  s3_put(s3, key, (struct str){bytes, (size_t)size}, condition, NULL, status, err);
        heap_free(bytes);
    }
    close(fd);
    return is_done;
}

static bool pieces_fetch(struct s3 *s3, struct str key, struct str etag, struct file *file,
                         enum s3_status *status, struct error *err)
{
    AUTO(buf_clear) struct buf piece = {0};
    AUTO(arena_clear) struct arena arena = {0};
    int64_t size = 1; // not known yet
    while (file->size < size) {
        struct s3_object object;
        buf_reset(&piece);
        if (!s3_get(s3, key, file->size, FETCH_BYTES, etag, &piece, &object, status, err))
            return false;
        if (*status != S3_DONE)
            return true;
        if (etag.len == 0)
            etag = arena_str(&arena, object.etag); // all pieces of one object
        size = s3->reply.status == 416 ? file->size : object.size;
        if (piece.len == 0 && file->size < size)
            return error_set(err, ERROR_RETRY, "s3: s3://%s/%.*s at %s ends at %lld of %lld bytes",
                             s3->bucket, STR_ARGS(key), s3->endpoint, (long long)file->size,
                             (long long)size);
        if (!file_append(file, piece.ptr, piece.len, err))
            return false;
    }
    return true;
}

bool s3_get_file(struct s3 *s3, struct str key, struct str etag, const char *path,
                 enum s3_status *status, struct error *err)
{
    struct file file = {.fd = -1};
    bool is_done = file_create(&file, path, err) && pieces_fetch(s3, key, etag, &file, status, err);
    file_close(&file);
    return is_done;
}
