// SPDX-License-Identifier: MIT
// JDBC URLs are taken apart here, since people have them from their Java jobs; everything else is
// libpq's own parser. A url may hold a password: no message quotes any part of it but names of
// parameters.
#include "connectors/postgres/postgres_address.h"

#include <libpq-fe.h>
#include <string.h>

static void put(struct postgres_address *address, const char *keyword, const char *value)
{
    size_t at = 0;
    while (at < address->len && strcmp(address->keywords[at], keyword) != 0)
        at++;
    ASSERT(at < POSTGRES_KEYWORDS_MAX);
    address->keywords[at] = keyword;
    address->values[at] = value;
    if (at == address->len)
        address->len++;
}

static void put_default(struct postgres_address *address, const char *keyword, const char *value)
{
    if (postgres_address_get(address, keyword) == NULL)
        put(address, keyword, value);
}

const char *postgres_address_get(const struct postgres_address *address, const char *keyword)
{
    for (size_t i = 0; i < address->len; i++)
        if (strcmp(address->keywords[i], keyword) == 0)
            return address->values[i];
    return NULL;
}

// ---- JDBC
// ----------------------------------------------------------------------------------------
static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *percent_decode(struct str text, bool is_query, struct arena *arena)
{
    char *out = arena_bytes(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%' && i + 2 < text.len && hex_digit(text.ptr[i + 1]) >= 0 &&
            hex_digit(text.ptr[i + 2]) >= 0) {
            c = (char)(hex_digit(text.ptr[i + 1]) << 4 | hex_digit(text.ptr[i + 2]));
            i += 2;
        } else if (c == '+' && is_query) {
            c = ' ';
        }
        out[len++] = c;
    }
    out[len] = 0;
    return out;
}

// Takes the front of *rest up to `mark`, which is dropped; all of it when there is none.
static struct str cut(struct str *rest, char mark)
{
    int64_t at = str_find(*rest, mark);
    struct str front = at < 0 ? *rest : str_slice(*rest, 0, (size_t)at);
    *rest = at < 0 ? (struct str){"", 0} : str_slice(*rest, (size_t)at + 1, rest->len);
    return front;
}

// "h1:p1,h2" becomes host "h1,h2", port "p1,5432", as libpq wants them.
static void put_hosts(struct postgres_address *address, struct str authority, struct arena *arena)
{
    AUTO(buf_clear) struct buf hosts = {0};
    AUTO(buf_clear) struct buf ports = {0};
    while (authority.len > 0) {
        struct str one = cut(&authority, ',');
        struct str host = one, port = STR("5432");
        int64_t bracket = one.len > 0 && one.ptr[0] == '[' ? str_find(one, ']') : -1;
        size_t from = bracket > 0 ? (size_t)bracket : 0;
        int64_t colon = str_find(str_slice(one, from, one.len), ':');
        if (colon >= 0) {
            host = str_slice(one, 0, from + (size_t)colon);
            port = str_slice(one, from + (size_t)colon + 1, one.len);
        }
        if (bracket > 0)
            host = str_slice(host, 1, (size_t)bracket);
        buf_print(&hosts, "%s%.*s", hosts.len > 0 ? "," : "", STR_ARGS(host));
        buf_print(&ports, "%s%.*s", ports.len > 0 ? "," : "", STR_ARGS(port));
    }
    if (hosts.len == 0)
        return;
    put(address, "host", arena_cstr(arena, buf_str(&hosts)));
    put(address, "port", arena_cstr(arena, buf_str(&ports)));
}

static const struct {
    const char *name, *keyword; // keyword NULL: matters to Java only
} jdbc_names[] = {
    {"user", "user"},
    {"password", "password"},
    {"sslmode", "sslmode"},
    {"sslrootcert", "sslrootcert"},
    {"sslcert", "sslcert"},
    {"sslkey", "sslkey"},
    {"sslpassword", "sslpassword"},
    {"ApplicationName", "application_name"},
    {"connectTimeout", "connect_timeout"},
    {"loginTimeout", "connect_timeout"},
    {"gssEncMode", "gssencmode"},
    {"channelBinding", "channel_binding"},
    {"options", "options"},
    {"ssl", NULL},
    {"currentSchema", NULL},
    {"targetServerType", NULL},
    {"socketTimeout", NULL},
    {"tcpKeepAlive", NULL},
    {"prepareThreshold", NULL},
    {"reWriteBatchedInserts", NULL},
    {"stringtype", NULL},
    {"defaultRowFetchSize", NULL},
    {"binaryTransfer", NULL},
    {"sslfactory", NULL},
    {"driver", NULL},
};

static void put_schema(struct postgres_address *address, const char *schema, struct arena *arena)
{
    AUTO(buf_clear) struct buf out = {0};
    buf_add_cstr(&out, "-csearch_path=");
    for (const char *c = schema; *c != 0; c++) {
        if (*c == ' ' || *c == '\\')
            buf_add_char(&out, '\\');
        buf_add_char(&out, *c);
    }
    put(address, "options", arena_cstr(arena, buf_str(&out)));
}

static bool put_jdbc(struct postgres_address *address, struct str name, const char *value,
                     struct arena *arena, struct error *err)
{
    size_t at = 0;
    while (at < COUNT_OF(jdbc_names) && !str_is(name, jdbc_names[at].name))
        at++;
    if (at == COUNT_OF(jdbc_names))
        return error_set(
            err, ERROR_USER,
            "postgres: the url has a parameter '%.*s' that is not known; known are "
            "user, password, ssl, sslmode, sslrootcert, sslcert, sslkey, "
            "currentSchema, ApplicationName, connectTimeout, targetServerType, options",
            STR_ARGS(name));
    if (jdbc_names[at].keyword != NULL) {
        put(address, jdbc_names[at].keyword, value);
    } else if (str_is(name, "currentSchema")) {
        put_schema(address, value, arena);
    } else if (str_is(name, "targetServerType")) {
        bool is_primary = strcmp(value, "primary") == 0 || strcmp(value, "master") == 0;
        put(address, "target_session_attrs", is_primary ? "primary" : "any");
    } else if (str_is(name, "ssl")) {
        bool is_on = *value == 0; // `ssl` alone means on
        if (*value != 0 && !bool_parse(str_of(value), &is_on))
            return error_set(err, ERROR_USER, "postgres: ssl in the url is true or false");
        if (is_on) // what the Java driver makes of ssl=true without sslmode
            put_default(address, "sslmode", "verify-full");
    }
    return true;
}

static bool jdbc_parse(struct str rest, struct arena *arena, struct postgres_address *address,
                       struct error *err)
{
    struct str place = cut(&rest, '?');
    // sslmode counts before ssl, wherever it stands
    for (int round = 0; round < 2; round++) {
        for (struct str parameters = rest; parameters.len > 0;) {
            struct str value = cut(&parameters, '&');
            struct str name = cut(&value, '=');
            if (name.len > 0 && str_is(name, "ssl") == (round == 1) &&
                !put_jdbc(address, name, percent_decode(value, true, arena), arena, err))
                return false;
        }
    }
    if (str_starts(place, "//")) {
        place = str_slice(place, 2, place.len);
        struct str authority = cut(&place, '/');
        if (str_find(authority, '@') >= 0)
            return error_set(err, ERROR_USER,
                             "postgres: a JDBC url has no user@ part: write ?user=..&password=.. "
                             "or options user and password");
        put_hosts(address, authority, arena);
    } else if (str_starts(place, "/")) {
        place = str_slice(place, 1, place.len);
    }
    if (place.len > 0)
        put(address, "dbname", percent_decode(place, false, arena));
    return true;
}

// ---- All forms
// -----------------------------------------------------------------------------------
static bool libpq_parse(const char *url, struct arena *arena, struct postgres_address *address,
                        struct error *err)
{
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &message);
    if (options == NULL) {
        // Only these messages name a parameter; others may quote what stands beside it.
        bool is_name = message != NULL && (strstr(message, "invalid URI query parameter") != NULL ||
                                           strstr(message, "invalid connection option") != NULL);
        struct str reason = is_name ? str_trim(str_of(message)) : (struct str){"", 0};
        error_set(err, ERROR_USER,
                  "postgres: the url cannot be read%s%.*s; write "
                  "jdbc:postgresql://host:5432/database, postgresql://host:5432/database or "
                  "'host=.. port=.. dbname=..'",
                  is_name ? ": " : "", STR_ARGS(reason));
        PQfreemem(message);
        return false;
    }
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++)
        if (option->val != NULL)
            put(address, arena_cstr(arena, str_of(option->keyword)),
                arena_cstr(arena, str_of(option->val)));
    PQconninfoFree(options);
    return true;
}

static void put_given(struct postgres_address *address, const char *keyword, struct str value,
                      struct arena *arena)
{
    if (value.len > 0)
        put(address, keyword, arena_cstr(arena, value));
}

// What libpq would take from its environment, so that groups are told apart by what counts.
static void resolve(struct postgres_address *address, struct arena *arena)
{
    PQconninfoOption *defaults = PQconndefaults();
    for (const PQconninfoOption *option = defaults; option != NULL && option->keyword != NULL;
         option++) {
        bool is_place =
            strcmp(option->keyword, "host") == 0 || strcmp(option->keyword, "port") == 0 ||
            strcmp(option->keyword, "dbname") == 0 || strcmp(option->keyword, "user") == 0;
        if (is_place && option->val != NULL && *option->val != 0)
            put_default(address, arena_cstr(arena, str_of(option->keyword)),
                        arena_cstr(arena, str_of(option->val)));
    }
    PQconninfoFree(defaults);
    put_default(address, "port", "5432");
    const char *host = postgres_address_get(address, "host");
    const char *user = postgres_address_get(address, "user");
    const char *database = postgres_address_get(address, "dbname");
    address->host = host != NULL ? host : "local";
    address->port = postgres_address_get(address, "port");
    address->user = user != NULL ? user : "";
    address->database = database != NULL ? database : address->user;
}

// A server that does not answer must not hold the worker: a stop waits for it.
static void put_timeouts(struct postgres_address *address)
{
    put_default(address, "connect_timeout", "10");
    put_default(address, "keepalives_idle", "10");
    put_default(address, "keepalives_interval", "3");
    put_default(address, "keepalives_count", "3");
    put_default(address, "tcp_user_timeout", "10000");
    put(address, "client_encoding", "UTF8");
}

bool postgres_address_make(const struct postgres_options *options, const char *application,
                           struct arena *arena, struct postgres_address *address, struct error *err)
{
    *address = (struct postgres_address){0};
    struct str url = str_trim(options->url.hidden);
    if (str_starts(url, "jdbc:")) {
        if (!str_starts(url, "jdbc:postgresql:"))
            return error_set(err, ERROR_USER,
                             "postgres: a JDBC url begins with jdbc:postgresql://");
        if (!jdbc_parse(str_slice(url, strlen("jdbc:postgresql:"), url.len), arena, address, err))
            return false;
    } else if (url.len > 0 && !libpq_parse(arena_cstr(arena, url), arena, address, err)) {
        return false;
    }
    if (options->port < 0 || options->port > 65535)
        return error_set(err, ERROR_USER, "postgres: port %lld is not 1 to 65535",
                         (long long)options->port);
    put_given(address, "host", options->host, arena);
    if (options->port > 0)
        put(address, "port", arena_print(arena, "%lld", (long long)options->port).ptr);
    put_given(address, "dbname", options->database, arena);
    put_given(address, "user", options->user, arena);
    put_given(address, "password", options->password.hidden, arena);
    put_given(address, "sslmode", options->sslmode, arena);
    put_given(address, "sslrootcert", options->sslrootcert, arena);
    put_default(address, "application_name", arena_cstr(arena, str_of(application)));
    put_timeouts(address);
    resolve(address, arena);
    return true;
}

void postgres_address_print(const struct postgres_address *address, struct buf *out)
{
    buf_print(out, "%s@%s:%s/%s", address->user, address->host, address->port, address->database);
}
