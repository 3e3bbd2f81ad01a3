// SPDX-License-Identifier: MIT
// The HTTP face with a raw client over loopback: what each route says, and what is refused. The
// job behind it is a real one, fed by connector 'memory'.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include "base/file.h"
#include "connectors/table/memory.h"
#include "server/job_metrics.h"
#include "server/server.h"

static const char pipeline[] =
    "SET pipeline = 'served';\n"
    "CREATE SOURCE events (id BIGINT, ts TIMESTAMP,\n"
    "  CONSTRAINT has_id EXPECT (id IS NOT NULL) ON VIOLATION DROP ROW,\n"
    "  WATERMARK FOR ts AS ts - INTERVAL '1 second') WITH (connector = 'memory', format = "
    "'json');\n"
    "CREATE SINK \"a<b>&c\" WITH (connector = 'memory') AS\n"
    "SELECT window_start, count(*) AS n FROM TUMBLE(events, ts, INTERVAL '1 minute')\n"
    "GROUP BY window_start;\n";

static struct arena arena;
static struct plan *plan;
static struct job *job;
static struct server *server;
static struct buf reply;
static char folder[] = "/tmp/firesteel_server.XXXXXX";

static void add_row(const char *json)
{
    struct str payload = str_of(json);
    memory_source_add(STR("events"), 0, &payload, 1);
}

static int start(void **state)
{
    (void)state;
    struct error err = {0};
    struct diagnostics diagnostics;
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    assert_non_null(mkdtemp(folder));
    const struct override override = {.name = STR("checkpoint"), .value = str_of(folder)};
    struct plan_request request = {.path = "served.sql",
                                   .text = str_of(pipeline),
                                   .execution = -1,
                                   .overrides = &override,
                                   .overrides_len = 1};
    diagnostics_init(&diagnostics, &arena, request.path, request.text);
    plan = plan_build(&request, &arena, &diagnostics);
    assert_non_null(plan);
    struct job_options options = {.clock = &clock_system, .is_test = true, .drop_state = ""};
    job = job_open(plan, &options, &err);
    assert_non_null(job);
    server = server_start("127.0.0.1:0", job, plan, &err);
    assert_non_null(server);
    assert_true(server_port(server) > 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    struct error err = {0};
    server_stop(server);
    job_close(job);
    memory_clear();
    buf_clear(&reply);
    arena_clear(&arena);
    assert_true(folder_remove_tree(folder, &err));
    return 0;
}

static int dial(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)server_port(server)),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval limit = {.tv_sec = 20};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void read_reply(int fd)
{
    char bytes[4096];
    ssize_t len;
    buf_reset(&reply);
    while ((len = recv(fd, bytes, sizeof(bytes), 0)) > 0)
        buf_add(&reply, bytes, (size_t)len);
    close(fd);
}

// Sends as it is, reads until the server closes.
static const char *ask(const char *request)
{
    int fd = dial();
    size_t len = strlen(request);
    assert_int_equal(send(fd, request, len, MSG_NOSIGNAL), (ssize_t)len);
    read_reply(fd);
    return buf_cstr(&reply);
}

static const char *get(const char *path)
{
    char request[512];
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
             path);
    return ask(request);
}

static void has(const char *text)
{
    if (strstr(buf_cstr(&reply), text) == NULL)
        fail_msg("no '%s' in: %s", text, buf_cstr(&reply));
}

static void every_answer_has_the_headers(void **state)
{
    (void)state;
    static const char *const paths[] = {"/", "/livez", "/readyz", "/metrics", "/nowhere"};
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        get(paths[i]);
        has("X-Content-Type-Options: nosniff");
        has("Content-Security-Policy: default-src 'self'");
        has("Cache-Control: no-store");
        assert_null(strstr(buf_cstr(&reply), "Access-Control"));
    }
    has("HTTP/1.1 404");
}

static void health(void **state)
{
    (void)state;
    get("/livez");
    has("HTTP/1.1 200");
    has("\r\n\r\nok\n");
    get("/readyz?verbose=1");
    has("HTTP/1.1 200");
    has("\r\n\r\nready\n");
    job_request_stop(job); // a test job does not notice: still ready
    get("/readyz");
    has("HTTP/1.1 200");
}

static void take_rows(void)
{
    struct error err = {0};
    int64_t rows;
    add_row("{\"id\": 1, \"ts\": \"2024-01-15 10:00:10\"}");
    add_row("{\"id\": 2, \"ts\": \"2024-01-15 10:01:10\"}");
    add_row("{\"ts\": \"2024-01-15 10:01:11\"}");
    add_row("what is this");
    assert_true(job_step(job, &rows, &err));
    assert_int_equal(rows, 4);
    assert_true(job_commit(job, &err));
}

static void metrics_are_those_of_the_ledger(void **state)
{
    (void)state;
    take_rows();
    get("/metrics");
    has("HTTP/1.1 200");
    has("Content-Type: text/plain; version=0.0.4; charset=utf-8");
    has("\nfiresteel_source_records_total{pipeline=\"served\",source=\"events\"} 4\n");
    has("relation=\"events\",reason=\"has_id\"} 1\n");
    has("relation=\"events\",reason=\"undecodable\"} 1\n");
    has("\nfiresteel_ledger_imbalance 0\n");
    has("\nfiresteel_build_info{version=\"" FIRESTEEL_VERSION "\"} 1\n");
    has("\n# TYPE firesteel_late_records_total counter\n");
    // 10:01:10 minus one second
    has("\nfiresteel_watermark_timestamp_seconds{pipeline=\"served\"} 1705312869\n");
    has("\nfiresteel_last_commit_timestamp_seconds{");
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

// One line of the exposition: a comment, or name[{labels}] number.
static void check_line(struct str line)
{
    if (str_starts(line, "# HELP firesteel_") || str_starts(line, "# TYPE firesteel_"))
        return;
    size_t at = 0;
    double value;
    while (at < line.len && is_name_character(line.ptr[at]))
        at++;
    assert_true(at > 0 && at < line.len);
    if (line.ptr[at] == '{') {
        bool is_quoted = false;
        for (; at < line.len && (is_quoted || line.ptr[at] != '}'); at++) {
            if (line.ptr[at] == '\\')
                at++;
            else if (line.ptr[at] == '"')
                is_quoted = !is_quoted;
        }
        at++;
    }
    assert_true(at < line.len && line.ptr[at] == ' ');
    assert_true(str_parse_double(str_slice(line, at + 1, line.len), &value));
}

static void metrics_are_well_formed(void **state)
{
    (void)state;
    take_rows();
    get("/metrics");
    struct str rest = str_of(strstr(buf_cstr(&reply), "\r\n\r\n") + 4);
    size_t lines = 0;
    while (rest.len > 0) {
        int64_t end = str_find(rest, '\n');
        assert_true(end > 0); // every line ends, none is empty
        check_line(str_slice(rest, 0, (size_t)end));
        rest = str_slice(rest, (size_t)end + 1, rest.len);
        lines++;
    }
    assert_true(lines > 40);
}

static void progress_and_ledger(void **state)
{
    (void)state;
    take_rows();
    get("/api/v1/pipelines/served/progress");
    has("HTTP/1.1 200");
    has("Content-Type: application/json");
    has("\"numInputRows\":4");
    get("/api/v1/pipelines/served/ledger");
    has("\"relation\":\"events\"");
    has("\"undecodable\":1");
    get("/api/v1/pipelines/other/ledger");
    has("HTTP/1.1 404");
    get("/api/v1/pipelines/served/secrets");
    has("HTTP/1.1 404");
}

static void the_page_escapes(void **state)
{
    (void)state;
    get("/");
    has("HTTP/1.1 200");
    has("Content-Type: text/html; charset=utf-8");
    has("<h1>served</h1>");
    has("a&lt;b&gt;&amp;c"); // the sink, in the ledger
    has("http-equiv=\"refresh\"");
    assert_null(strstr(buf_cstr(&reply), "a<b>"));
    has("<th align=\"left\">Input rate</th>");
    has("<th align=\"left\">Processing time of an epoch</th>");
    has("<th align=\"left\">Scheduling delay</th><td id=\"delay\">0.0 s</td>");
    has("data-progress=\"/api/v1/pipelines/served/progress\"");
    assert_null(strstr(buf_cstr(&reply), "<script>")); // the policy lets only files run
    has("<script src=\"/page.js\"></script>");
    get("/page.js");
    has("HTTP/1.1 200");
    has("Content-Type: text/javascript; charset=utf-8");
    has("fetch(table.dataset.progress)");
}

static void head_has_no_body(void **state)
{
    (void)state;
    ask("HEAD /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    has("HTTP/1.1 200");
    has("Content-Length: 3");
    assert_true(str_ends(buf_str(&reply), "\r\n\r\n"));
}

static void only_reads(void **state)
{
    (void)state;
    static const char *const methods[] = {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"};
    static const char *const paths[] = {"/", "/metrics", "/livez", "/nowhere"};
    for (size_t m = 0; m < COUNT_OF(methods); m++) {
        for (size_t p = 0; p < COUNT_OF(paths); p++) {
            char request[256];
            snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: x\r\n\r\n", methods[m],
                     paths[p]);
            ask(request); // and closes without being asked to
            has("HTTP/1.1 405");
            has("Allow: GET, HEAD");
        }
    }
}

static void bodies_are_not_read(void **state)
{
    (void)state;
    ask("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n");
    has("HTTP/1.1 405");
    ask("GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n");
    has("HTTP/1.1 413");
    ask("GET /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    has("HTTP/1.1 413");
}

static void a_long_header_is_refused(void **state)
{
    (void)state;
    AUTO(buf_clear) struct buf request = {0};
    buf_add_cstr(&request, "GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ");
    for (size_t i = 0; i < 100000; i++)
        buf_add_char(&request, 'a');
    buf_add_cstr(&request, "\r\n\r\n");
    int fd = dial();
    assert_true(send(fd, request.ptr, request.len, MSG_NOSIGNAL) > 0);
    read_reply(fd);
    assert_null(strstr(buf_cstr(&reply), "HTTP/1.1 200"));
    get("/livez"); // and others are served
    has("HTTP/1.1 200");
}

static void many_idle_connections_do_not_end_it(void **state)
{
    (void)state;
    int fds[100];
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        fds[i] = dial();
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        close(fds[i]);
    get("/livez");
    has("HTTP/1.1 200");
}

static void addresses(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",        "host",         "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "example.com:80",
        "[::1:80", "127.0.0.1:-1", "1.2.3:80"};
    struct error err = {0};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_null(server_start(wrong[i], job, plan, &err));
        assert_int_equal(err.kind, ERROR_USER);
        error_clear(&err);
    }
    static const char *const good[] = {":0", "0", "localhost:0", "127.0.0.1:0"};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct server *other = server_start(good[i], job, plan, &err);
        assert_non_null(other);
        server_stop(other);
    }
    char taken[64];
    snprintf(taken, sizeof(taken), ":%d", server_port(server));
    assert_null(server_start(taken, job, plan, &err));
    assert_int_equal(error_exit_code(&err), EXIT_LATER);
    server_stop(NULL);
}

// What ":0" binds is loopback: nothing else answers there.
static void no_host_is_loopback(void **state)
{
    (void)state;
    struct error err = {0};
    struct server *other = server_start(":0", job, plan, &err);
    assert_non_null(other);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)server_port(other))};
    inet_pton(AF_INET, "127.0.0.2", &address.sin_addr); // the same machine, another address
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_not_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    server_stop(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_answer_has_the_headers, start, stop),
        cmocka_unit_test_setup_teardown(health, start, stop),
        cmocka_unit_test_setup_teardown(the_page_escapes, start, stop),
        cmocka_unit_test_setup_teardown(head_has_no_body, start, stop),
        cmocka_unit_test_setup_teardown(only_reads, start, stop),
        cmocka_unit_test_setup_teardown(bodies_are_not_read, start, stop),
        cmocka_unit_test_setup_teardown(a_long_header_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(many_idle_connections_do_not_end_it, start, stop),
        cmocka_unit_test_setup_teardown(addresses, start, stop),
        cmocka_unit_test_setup_teardown(no_host_is_loopback, start, stop),
        cmocka_unit_test_setup_teardown(metrics_are_those_of_the_ledger, start, stop),
        cmocka_unit_test_setup_teardown(metrics_are_well_formed, start, stop),
        cmocka_unit_test_setup_teardown(progress_and_ledger, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
