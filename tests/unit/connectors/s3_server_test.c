// SPDX-License-Identifier: MIT
// The S3 client against a real server: the one of S3_ENDPOINT with S3_ACCESS_KEY and S3_SECRET_KEY
// (tests/services/s3/run starts one). Without S3_ENDPOINT all of it is skipped.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/hash.h"
#include "connectors/s3/s3.h"

#define CHECK(call)                                                                                \
    do {                                                                                           \
        if (!(call)) {                                                                             \
            print_error("%s\n", err.text);                                                         \
            fail();                                                                                \
        }                                                                                          \
    } while (0)

static const char *bucket = "firesteel-client-test";
static struct arena arena;
static struct str folder; // keys of this run begin so

static struct s3 *client(void)
{
    struct error err = {0};
    struct s3 *s3 = s3_open(str_of(bucket), &(struct s3_options){0}, &err);
    CHECK(s3 != NULL);
    return s3;
}

static struct str key_of(const char *name)
{
    return arena_print(&arena, "%.*s/%s", STR_ARGS(folder), name);
}

static int begin(void **state)
{
    (void)state;
    if (getenv("S3_ENDPOINT") == NULL)
        return 0;
    struct error err = {0};
    char uuid[37];
    uuid_new(uuid);
    folder = arena_print(&arena, "run-%s", uuid);
    struct s3 *s3 = client();
    bool is_made = s3_bucket_make(s3, &err);
    s3_close(s3);
    return is_made ? 0 : 1;
}

static int end(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static void needs_server(void)
{
    if (getenv("S3_ENDPOINT") == NULL)
        skip();
}

static void objects_come_back(void **state)
{
    (void)state;
    needs_server();
    struct error err = {0};
    AUTO(buf_clear) struct buf out = {0};
    struct s3 *s3 = client();
    struct s3_object object;
    enum s3_status status;
    struct str key = key_of("a.txt");
    CHECK(s3_get(s3, key, 0, -1, STR(""), &out, &object, &status, &err));
    assert_int_equal(status, S3_ABSENT);
    assert_int_equal(out.len, 0);
    CHECK(s3_head(s3, key, &object, &status, &err));
    assert_int_equal(status, S3_ABSENT);
    CHECK(s3_put(s3, key, STR("0123456789"), NULL, &object, &status, &err));
    assert_true(object.etag.len > 0);
    struct str etag = arena_str(&arena, object.etag);
    CHECK(s3_get(s3, key, 0, -1, STR(""), &out, &object, &status, &err));
    assert_int_equal(status, S3_DONE);
    assert_true(str_is(buf_str(&out), "0123456789"));
    assert_int_equal(object.size, 10);
    assert_true(str_equal(object.etag, etag));
    assert_true(object.modified_us > INT64_C(1600000000) * US_PER_SECOND);
    buf_reset(&out);
    CHECK(s3_get(s3, key, 3, 4, etag, &out, &object, &status, &err));
    assert_true(str_is(buf_str(&out), "3456"));
    assert_int_equal(object.size, 10);
    CHECK(s3_get(s3, key, 8, 100, etag, &out, &object, &status, &err));
    assert_true(str_is(buf_str(&out), "345689"));
    CHECK(s3_get(s3, key, 10, 100, STR(""), &out, &object, &status, &err));
    assert_true(str_is(buf_str(&out), "345689"));
    CHECK(s3_put(s3, key, STR("other"), NULL, NULL, &status, &err));
    CHECK(s3_get(s3, key, 0, 2, etag, &out, &object, &status, &err));
    assert_int_equal(status, S3_REFUSED);
    assert_true(str_is(buf_str(&out), "345689"));
    CHECK(s3_delete(s3, key, &err));
    CHECK(s3_delete(s3, key, &err));
    CHECK(s3_head(s3, key, &object, &status, &err));
    assert_int_equal(status, S3_ABSENT);
    CHECK(s3_put(s3, key, STR(""), NULL, NULL, &status, &err));
    CHECK(s3_head(s3, key, &object, &status, &err));
    assert_int_equal(object.size, 0);
    s3_close(s3);
}

static const char *const odd_keys[] = {
    "plain",
    "with space",
    "plus+and&and=and?",
    "window_start=2024-01-15 10%3A30%3A00/part.parquet",
    "percent%",
    "percent%20twice",
    "Zürich/naïve/日本語",
    "quote'and\"and`",
    "star*(1)!~@:;,$#[]{}|^<>",
};

static void odd_keys_work(void **state)
{
    (void)state;
    needs_server();
    struct error err = {0};
    AUTO(buf_clear) struct buf out = {0};
    struct s3 *s3 = client();
    enum s3_status status;
    for (size_t i = 0; i < COUNT_OF(odd_keys); i++) {
        struct str key = key_of(arena_print(&arena, "odd/%s", odd_keys[i]).ptr);
        CHECK(s3_put(s3, key, str_of(odd_keys[i]), NULL, NULL, &status, &err));
        buf_reset(&out);
        CHECK(s3_get(s3, key, 0, -1, STR(""), &out, NULL, &status, &err));
        assert_true(str_is(buf_str(&out), odd_keys[i]));
        struct s3_list list = {.prefix = key};
        CHECK(s3_list(s3, &list, &arena, &err));
        bool is_listed = false;
        for (size_t k = 0; k < list.objects_len; k++)
            is_listed = is_listed || str_equal(list.objects[k].key, key);
        if (!is_listed)
            print_error("not listed: %.*s\n", STR_ARGS(key));
        assert_true(is_listed);
        CHECK(s3_delete(s3, key, &err));
        struct s3_object object;
        CHECK(s3_head(s3, key, &object, &status, &err));
        assert_int_equal(status, S3_ABSENT);
    }
    s3_close(s3);
}

static void conditions_hold(void **state)
{
    (void)state;
    needs_server();
    struct error err = {0};
    struct s3 *s3 = client();
    struct s3_object object;
    enum s3_status status;
    struct s3_condition absent = {.if_absent = true};
    struct str key = key_of("lock");
    CHECK(s3_put(s3, key, STR("1"), &absent, &object, &status, &err));
    assert_int_equal(status, S3_DONE);
    struct str first = arena_str(&arena, object.etag);
    CHECK(s3_put(s3, key, STR("2"), &absent, NULL, &status, &err));
    assert_int_equal(status, S3_REFUSED);
    struct s3_condition match = {.if_match = first};
    CHECK(s3_put(s3, key, STR("3"), &match, &object, &status, &err));
    assert_int_equal(status, S3_DONE);
    CHECK(s3_put(s3, key, STR("4"), &match, NULL, &status, &err));
    assert_int_equal(status, S3_REFUSED);
    CHECK(s3_put(s3, key_of("nothing"), STR("4"), &match, NULL, &status, &err));
    assert_int_equal(status, S3_REFUSED);
    // The same write repeated by a later call is recognised by its token.
    struct s3_condition mine = {.if_absent = true, .token = STR("writer 7, frame 3")};
    CHECK(s3_put(s3, key_of("frame"), STR("f"), &mine, NULL, &status, &err));
    assert_int_equal(status, S3_DONE);
    CHECK(s3_put(s3, key_of("frame"), STR("f"), &mine, &object, &status, &err));
    assert_int_equal(status, S3_DONE);
    mine.token = STR("writer 8, frame 3");
    CHECK(s3_put(s3, key_of("frame"), STR("f"), &mine, NULL, &status, &err));
    assert_int_equal(status, S3_REFUSED);
    s3_close(s3);
}

struct racer {
    pthread_t thread;
    int wins;
};

static void *race(void *argument)
{
    struct racer *racer = argument;
    struct error err = {0};
    struct s3 *s3 = s3_open(str_of(bucket), &(struct s3_options){0}, &err);
    struct s3_condition absent = {.if_absent = true};
    for (int i = 0; s3 != NULL && i < 10; i++) {
        enum s3_status status;
        AUTO(arena_clear) struct arena local = {0};
        struct str key = arena_print(&local, "%.*s/race/%d", STR_ARGS(folder), i);
        if (s3_put(s3, key, STR("x"), &absent, NULL, &status, &err) && status == S3_DONE)
            racer->wins++;
    }
    s3_close(s3);
    return NULL;
}

static void one_of_many_wins(void **state)
{
    (void)state;
    needs_server();
    struct racer racers[4] = {0};
    int wins = 0;
    for (size_t i = 0; i < COUNT_OF(racers); i++)
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    for (size_t i = 0; i < COUNT_OF(racers); i++) {
        pthread_join(racers[i].thread, NULL);
        wins += racers[i].wins;
    }
    assert_int_equal(wins, 10);
}

static void lists_have_pages(void **state)
{
    (void)state;
    needs_server();
    struct error err = {0};
    struct s3 *s3 = client();
    enum s3_status status;
    for (int i = 0; i < 25; i++)
        CHECK(s3_put(s3, key_of(arena_print(&arena, "list/%d/x%02d", i % 3, i).ptr), STR("12"),
                     NULL, NULL, &status, &err));
    struct s3_list list = {.prefix = key_of("list/"), .page_max = 10};
    size_t found = 0, pages = 0;
    struct str last = {"", 0};
    do {
        CHECK(s3_list(s3, &list, &arena, &err));
        for (size_t i = 0; i < list.objects_len; i++) {
            assert_true(str_compare(last, list.objects[i].key) < 0);
            assert_int_equal(list.objects[i].size, 2);
            assert_true(list.objects[i].etag.len > 0);
            last = list.objects[i].key;
        }
        found += list.objects_len;
        pages++;
    } while (list.has_more);
    assert_int_equal(found, 25);
    assert_int_equal(pages, 3);
    list = (struct s3_list){.prefix = key_of("list/"), .delimiter = STR("/")};
    CHECK(s3_list(s3, &list, &arena, &err));
    assert_int_equal(list.objects_len, 0);
    assert_int_equal(list.prefixes_len, 3);
    assert_true(str_equal(list.prefixes[2], key_of("list/2/")));
    list = (struct s3_list){.prefix = key_of("list/"), .start_after = key_of("list/1/x22")};
    CHECK(s3_list(s3, &list, &arena, &err));
    assert_int_equal(list.objects_len, 8);
    list = (struct s3_list){.prefix = key_of("nothing/")};
    CHECK(s3_list(s3, &list, &arena, &err));
    assert_int_equal(list.objects_len, 0);
    s3_close(s3);
}

static void files_go_in_parts(void **state)
{
    (void)state;
    needs_server();
    struct error err = {0};
    char root[] = "/tmp/firesteel_s3.XXXXXX";
    assert_non_null(mkdtemp(root));
    const char *from = arena_print(&arena, "%s/from", root).ptr;
    const char *to = arena_print(&arena, "%s/to", root).ptr;
    AUTO(buf_clear) struct buf bytes = {0};
    AUTO(buf_clear) struct buf back = {0};
    uint64_t random = 7;
    while (bytes.len < (size_t)12 << 20)
        buf_add_u64(&bytes, random_next(&random));
    buf_add_cstr(&bytes, "end");
    CHECK(file_write_whole(from, buf_str(&bytes), &err));
    struct s3_options options = {.upload_bytes = 5 << 20};
    struct s3 *s3 = s3_open(str_of(bucket), &options, &err);
    enum s3_status status;
    struct s3_condition absent = {.if_absent = true};
    struct str key = key_of("parts.bin");
    CHECK(s3_put_file(s3, key, from, &absent, &status, &err));
    assert_int_equal(status, S3_DONE);
    CHECK(s3_get_file(s3, key, STR(""), to, &status, &err));
    CHECK(file_read_whole(to, &back, &err));
    assert_int_equal(back.len, bytes.len);
    assert_memory_equal(back.ptr, bytes.ptr, bytes.len);
    CHECK(s3_put_file(s3, key, from, &absent, &status, &err));
    assert_int_equal(status, S3_REFUSED);
    CHECK(s3_put_file(s3, key, from, NULL, &status, &err));
    assert_int_equal(status, S3_DONE);
    // An upload is not there before it is complete.
    struct s3_upload upload;
    struct s3_object object;
    CHECK(s3_upload_begin(s3, key_of("open"), STR(""), &upload, &err));
    CHECK(s3_upload_part(s3, &upload, STR("small"), &err));
    CHECK(s3_head(s3, key_of("open"), &object, &status, &err));
    assert_int_equal(status, S3_ABSENT);
    s3_upload_abort(s3, &upload);
    CHECK(s3_delete(s3, key, &err));
    s3_close(s3);
    CHECK(folder_remove_tree(root, &err));
}

static void message(struct s3_options options, const char *in, enum error_kind kind,
                    const char *text)
{
    struct error err = {0};
    AUTO(buf_clear) struct buf out = {0};
    enum s3_status status;
    options.attempts_max = 2;
    options.backoff_us = 1000;
    struct s3 *s3 = s3_open(str_of(in), &options, &err);
    CHECK(s3 != NULL);
    assert_false(s3_get(s3, STR("some/key"), 0, -1, STR(""), &out, NULL, &status, &err));
    if (strstr(err.text, text) == NULL)
        print_error("%s\n", err.text);
    assert_non_null(strstr(err.text, text));
    assert_non_null(strstr(err.text, s3_endpoint(s3)));
    assert_non_null(strstr(err.text, "some/key"));
    assert_int_equal(err.kind, kind);
    s3_close(s3);
}

static void failures_are_told(void **state)
{
    (void)state;
    needs_server();
    message((struct s3_options){0}, "firesteel-there-is-none", ERROR_USER,
            "there is no bucket 'firesteel-there-is-none'");
    message((struct s3_options){.access_key = STR("nobody"), .secret_key = {STR("x")}}, bucket,
            ERROR_USER, "does not know access key 'nobody'");
    message((struct s3_options){.access_key = str_of(getenv("S3_ACCESS_KEY")),
                                .secret_key = {STR("wrong")}},
            bucket, ERROR_USER, "the secret key does not belong to access key");
    message((struct s3_options){.endpoint = STR("http://127.0.0.1:1")}, bucket, ERROR_RETRY,
            "no answer from http://127.0.0.1:1: failed to connect");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_come_back), cmocka_unit_test(odd_keys_work),
        cmocka_unit_test(conditions_hold),   cmocka_unit_test(one_of_many_wins),
        cmocka_unit_test(lists_have_pages),  cmocka_unit_test(files_go_in_parts),
        cmocka_unit_test(failures_are_told),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
