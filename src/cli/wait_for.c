// SPDX-License-Identifier: MIT
// Addresses are read from the options that connectors have for them, whatever the connector:
// bootstrap_servers, host and port, url, endpoint. An object is there when one of its addresses
// takes a connection; a system is there when all its objects are. Nothing is said to the other
// side: whether a login works is found out by the run itself, which says it better.
#include "cli/wait_for.h"

#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_MS 2000
#define SLEEP_US (50 * US_PER_MS)

static const struct {
    const char *connector, *title, *port;
} systems[] = {
    {"kafka", "Kafka", "9092"}, {"postgres", "PostgreSQL", "5432"},   {"redis", "Redis", "6379"},
    {"s3", "S3", "443"},        {"clickhouse", "ClickHouse", "8123"}, {"http", "HTTP", "80"},
};

struct object { // a source or a sink
    struct str connector;
    const struct option_value *options;
    size_t options_len;
};

static struct str option_of(const struct object *object, const char *name)
{
    for (size_t i = 0; i < object->options_len; i++)
        if (str_is(object->options[i].name, name))
            return object->options[i].value;
    return (struct str){0};
}

static bool is_of(const struct object *object, struct str system)
{
    struct str path = option_of(object, "path");
    bool is_remote = str_starts(path, "s3://") || str_starts(path, "s3a://");
    return str_equal(object->connector, system) || (str_is(system, "s3") && is_remote);
}

// "scheme://user:password@host:port/rest" -> "host:port"; "host=a port=1" -> "a:1".
static struct str authority(struct str url, struct arena *arena)
{
    const char *scheme = memmem(url.ptr, url.len, "://", 3);
    if (scheme != NULL) {
        url = str_slice(url, (size_t)(scheme - url.ptr) + 3, url.len);
        size_t end = 0;
        while (end < url.len && strchr("/?", url.ptr[end]) == NULL)
            end++;
        url = str_slice(url, 0, end);
        for (int64_t at; (at = str_find(url, '@')) >= 0;)
            url = str_slice(url, (size_t)at + 1, url.len);
        return url;
    }
    struct str found[2] = {{0}, {0}};
    static const char *const keys[] = {"host=", "port="};
    while (url.len > 0) {
        int64_t space = str_find(url, ' ');
        struct str word = str_slice(url, 0, space < 0 ? url.len : (size_t)space);
        url = str_slice(url, space < 0 ? url.len : (size_t)space + 1, url.len);
        for (size_t k = 0; k < COUNT_OF(keys); k++)
            if (str_starts(word, keys[k]))
                found[k] = str_slice(word, strlen(keys[k]), word.len);
    }
    return found[1].len == 0
               ? found[0]
               : arena_print(arena, "%.*s:%.*s", STR_ARGS(found[0]), STR_ARGS(found[1]));
}

// The object's addresses as "host[:port],..", and the port of those without one.
static struct str addresses_of(const struct object *object, struct arena *arena, const char **port)
{
    struct str servers = option_of(object, "bootstrap_servers"), host = option_of(object, "host");
    struct str url = option_of(object, "url"), number = option_of(object, "port");
    if (number.len > 0 && !str_is(number, "0"))
        *port = arena_cstr(arena, number);
    if (url.len == 0)
        url = option_of(object, "endpoint");
    if (str_starts(url, "https:"))
        *port = "443";
    else if (str_starts(url, "http:"))
        *port = "80";
    if (servers.len > 0)
        return servers;
    if (url.len > 0)
        host = authority(url, arena);
    return host.len > 0 ? host : STR("localhost");
}

static bool connects(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(host, port, &hints, &found) != 0)
        return false;
    bool is_there = false;
    for (const struct addrinfo *at = found; at != NULL && !is_there; at = at->ai_next) {
        int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
            continue;
        int number = 0;
        socklen_t len = sizeof(number);
        struct pollfd waits = {.fd = fd, .events = POLLOUT};
        is_there = connect(fd, at->ai_addr, at->ai_addrlen) == 0 ||
                   (errno == EINPROGRESS && poll(&waits, 1, CONNECT_MS) == 1 &&
                    getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &len) == 0 && number == 0);
        close(fd);
    }
    freeaddrinfo(found);
    return is_there;
}

static bool object_is_there(const struct object *object, const char *default_port)
{
    AUTO(arena_clear) struct arena arena = {0};
    const char *port = default_port;
    struct str rest = addresses_of(object, &arena, &port);
    while (rest.len > 0) {
        int64_t comma = str_find(rest, ',');
        struct str address = str_trim(str_slice(rest, 0, comma < 0 ? rest.len : (size_t)comma));
        rest = str_slice(rest, comma < 0 ? rest.len : (size_t)comma + 1, rest.len);
        const char *text = arena_cstr(&arena, address), *colon = strrchr(text, ':');
        bool has_port = colon != NULL && strchr(colon, ']') == NULL;
        struct str host = {text, has_port ? (size_t)(colon - text) : address.len};
        if (host.len > 2 && host.ptr[0] == '[')
            host = str_slice(host, 1, host.len - 1);
        if (connects(arena_cstr(&arena, host), has_port ? colon + 1 : port))
            return true;
    }
    return false;
}

// ---- The systems of a plan
// -------------------------------------------------------------------------------------
static size_t objects_of(const struct plan *plan, struct object *objects)
{
    size_t len = 0;
    for (size_t s = 0; s < plan->sources_len; s++)
        if (plan->sources[s].is_enabled)
            objects[len++] =
                (struct object){str_of(plan->sources[s].type->name), plan->sources[s].options,
                                plan->sources[s].options_len};
    for (size_t s = 0; s < plan->sinks_len; s++)
        if (plan->sinks[s].is_enabled)
            objects[len++] = (struct object){str_of(plan->sinks[s].type->name),
                                             plan->sinks[s].options, plan->sinks[s].options_len};
    return len;
}

static bool unknown_system(struct str system, const struct object *objects, size_t len,
                           struct error *err)
{
    AUTO(buf_clear) struct buf used = {0};
    for (size_t s = 0; s < COUNT_OF(systems); s++)
        for (size_t i = 0; i < len; i++)
            if (is_of(&objects[i], str_of(systems[s].connector))) {
                buf_print(&used, "%s%s", used.len > 0 ? ", " : "", systems[s].connector);
                break;
            }
    return error_set_exit(err, ERROR_USER, EXIT_USAGE,
                          "--wait-for %.*s: no enabled source or sink uses it; this pipeline could "
                          "wait for: %s",
                          STR_ARGS(system), used.len > 0 ? buf_cstr(&used) : "nothing");
}

static bool all_there(struct str system, const struct object *objects, size_t len, const char *port)
{
    for (size_t i = 0; i < len; i++)
        if (is_of(&objects[i], system) && !object_is_there(&objects[i], port))
            return false;
    return true;
}

static bool wait_for(struct str system, const struct object *objects, size_t len,
                     const struct wait_options *options, struct error *err)
{
    size_t row = 0, used = 0;
    while (row < COUNT_OF(systems) && !str_is(system, systems[row].connector))
        row++;
    for (size_t i = 0; i < len; i++)
        used += is_of(&objects[i], system);
    if (row == COUNT_OF(systems) || used == 0)
        return unknown_system(system, objects, len, err);
    for (int64_t attempt = 1; attempt <= options->tries; attempt++) {
        int64_t begin_us = clock_monotonic_us();
        if (options->is_stopped() || all_there(system, objects, len, systems[row].port))
            return true;
        log_info("waiting for %s (attempt %lld/%lld)", systems[row].title, (long long)attempt,
                 (long long)options->tries);
        while (attempt < options->tries && !options->is_stopped()) {
            int64_t left_us = begin_us + options->every_us - clock_monotonic_us();
            if (left_us <= 0)
                break;
            clock_sleep_us(left_us < SLEEP_US ? left_us : SLEEP_US);
        }
    }
    return error_set_exit(err, ERROR_RETRY, EXIT_LATER, "%s not available after %lld attempts",
                          systems[row].title, (long long)options->tries);
}

bool wait_for_systems(const struct plan *plan, const struct wait_options *options,
                      struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    struct object *objects =
        ARENA_ARRAY(&arena, struct object, plan->sources_len + plan->sinks_len);
    size_t len = objects_of(plan, objects);
    struct str rest = str_of(options->systems);
    bool ok = true;
    while (ok && rest.len > 0) {
        int64_t comma = str_find(rest, ',');
        struct str system = str_trim(str_slice(rest, 0, comma < 0 ? rest.len : (size_t)comma));
        rest = str_slice(rest, comma < 0 ? rest.len : (size_t)comma + 1, rest.len);
        ok = system.len == 0 || wait_for(system, objects, len, options, err);
    }
    return ok;
}
