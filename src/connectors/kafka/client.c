// SPDX-License-Identifier: MIT
// librdkafka configured and translated. Properties of the user pass by an allow-list, because some
// keys of the client load code or run programs, and others would undo what is promised (committed
// records only, positions of our own). Values are never shown: any of them may be a secret.
//
// librdkafka repeats its complaints with every reconnect. What matters of them is kept in the
// client for the next error text; as log lines they are DEBUG, so that an outage is one line of the
// engine's and not hundreds of the library's.
#include "connectors/kafka/client.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#define LOG_LINES_PER_SECOND 5

const char *const kafka_protocol_words[] = {"plaintext", "ssl", "sasl_plaintext", "sasl_ssl", NULL};
enum { PROTOCOL_PLAINTEXT, PROTOCOL_SSL, PROTOCOL_SASL_PLAINTEXT, PROTOCOL_SASL_SSL };

// ---- Properties ------------------------------------------------------------------------------
static const char *const allowed[] = {
    "client.id", "client.rack", "client.dns.lookup", "debug", "message.max.bytes",
    "receive.message.max.bytes", "max.in.flight", "max.in.flight.requests.per.connection",
    "topic.metadata.refresh.interval.ms", "topic.metadata.refresh.fast.interval.ms",
    "topic.metadata.propagation.max.ms", "metadata.max.age.ms", "metadata.recovery.strategy",
    "socket.timeout.ms", "socket.send.buffer.bytes", "socket.receive.buffer.bytes",
    "socket.keepalive.enable", "socket.nagle.disable", "socket.max.fails",
    "socket.connection.setup.timeout.ms", "connections.max.idle.ms", "broker.address.ttl",
    "broker.address.family", "reconnect.backoff.ms", "reconnect.backoff.max.ms", "retry.backoff.ms",
    "retry.backoff.max.ms", "api.version.request.timeout.ms",
    // trust and login
    "ssl.cipher.suites", "ssl.curves.list", "ssl.sigalgs.list", "ssl.key.location",
    "ssl.key.password", "ssl.key.pem", "ssl.certificate.location", "ssl.certificate.pem",
    "ssl.ca.location", "ssl.ca.pem", "ssl.crl.location", "ssl.keystore.location",
    "ssl.keystore.password", "ssl.endpoint.identification.algorithm",
    "enable.ssl.certificate.verification", "sasl.kerberos.service.name", "sasl.kerberos.principal",
    "sasl.kerberos.keytab", "sasl.oauthbearer.method", "sasl.oauthbearer.client.id",
    "sasl.oauthbearer.client.secret", "sasl.oauthbearer.scope", "sasl.oauthbearer.extensions",
    "sasl.oauthbearer.token.endpoint.url", "sasl.oauthbearer.config",
    "enable.sasl.oauthbearer.unsecure.jwt",
    // reading
    "fetch.wait.max.ms", "fetch.queue.backoff.ms", "fetch.message.max.bytes",
    "max.partition.fetch.bytes", "fetch.max.bytes", "fetch.min.bytes", "fetch.error.backoff.ms",
    "queued.min.messages", "queued.max.messages.kbytes", "check.crcs",
    // writing
    "queue.buffering.max.messages", "queue.buffering.max.kbytes", "queue.buffering.max.ms",
    "linger.ms", "batch.num.messages", "batch.size", "compression.codec", "compression.type",
    "compression.level", "sticky.partitioning.linger.ms", "partitioner", "transaction.timeout.ms",
    "request.timeout.ms", "queuing.strategy"};

static const struct {
    const char *name, *why;
} refused[] = {
    {"plugin.library.paths", "it loads code"},
    {"ssl.engine.location", "it loads code"},
    {"ssl.engine.id", "it loads code"},
    {"ssl.providers", "it loads code"},
    {"sasl.kerberos.kinit.cmd", "it runs a program; run kinit beside Firesteel"},
    {"bootstrap.servers", "write it as option bootstrap_servers"},
    {"metadata.broker.list", "write it as option bootstrap_servers"},
    {"security.protocol", "write it as option security_protocol"},
    {"sasl.mechanism", "write it as option sasl_mechanism"},
    {"sasl.mechanisms", "write it as option sasl_mechanism"},
    {"sasl.username", "write it as option sasl_username"},
    {"sasl.password", "write it as option sasl_password"},
    {"group.id", "write it as option group_id"},
    {"isolation.level", "Firesteel reads committed records only"},
    {"auto.offset.reset", "write it as option starting_offsets"},
    {"enable.auto.commit", "positions are in Firesteel's checkpoint"},
    {"auto.commit.interval.ms", "positions are in Firesteel's checkpoint"},
    {"enable.auto.offset.store", "positions are in Firesteel's checkpoint"},
    {"enable.partition.eof", "Firesteel needs it as it is"},
    {"enable.idempotence", "delivery is transactional"},
    {"transactional.id", "it is made of pipeline and delivery group"},
    {"acks", "delivery is transactional, which waits for all replicas in sync"},
    {"request.required.acks", "delivery is transactional, which waits for all replicas in sync"},
};

const char *kafka_property_refusal(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(allowed); i++)
        if (str_is(name, allowed[i]))
            return NULL;
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        if (str_is(name, refused[i].name))
            return refused[i].why;
    return "it is not on the list of keys that are passed on";
}

static bool is_property(const struct option_value *value, struct str *name)
{
    if (value->name.len <= 11 ||
        !str_equal_nocase(str_slice(value->name, 0, 11), STR("properties.")))
        return false;
    *name = str_slice(value->name, 11, value->name.len);
    return true;
}

// These switch protection off.
static bool is_insecure(struct str name, struct str value)
{
    bool is_off = str_equal_nocase(value, STR("false")) || str_equal_nocase(value, STR("none")) ||
                  str_is(value, "0");
    if (str_is(name, "enable.sasl.oauthbearer.unsecure.jwt"))
        return !is_off;
    return is_off && (str_is(name, "enable.ssl.certificate.verification") ||
                      str_is(name, "ssl.endpoint.identification.algorithm"));
}

static bool set_property(rd_kafka_conf_t *conf, struct str name, struct str value,
                         bool allow_insecure, struct error *err)
{
    const char *why = kafka_property_refusal(name);
    if (why != NULL) {
        const char *near = nearest_name(name, allowed, COUNT_OF(allowed));
        bool is_near = near != NULL && str_starts(str_of(why), "it is not on");
        return error_set(err, ERROR_USER, "kafka: property '%.*s' is refused: %s%s%s%s",
                         STR_ARGS(name), why, is_near ? "; did you mean '" : "",
                         is_near ? near : "", is_near ? "'?" : "");
    }
    if (is_insecure(name, value) && !allow_insecure)
        return error_set(err, ERROR_USER,
                         "kafka: property '%.*s' switches protection off: add allow_insecure = "
                         "true if that is meant",
                         STR_ARGS(name));
    AUTO(arena_clear) struct arena arena = {0};
    char text[256]; // may hold the value: not shown
    if (rd_kafka_conf_set(conf, arena_cstr(&arena, name), arena_cstr(&arena, value), text,
                          sizeof(text)) != RD_KAFKA_CONF_OK)
        return error_set(
            err, ERROR_USER,
            "kafka: property '%.*s': librdkafka %s does not take its value (hidden: it "
            "may be secret)",
            STR_ARGS(name), rd_kafka_version_str());
    return true;
}

// ---- Options ---------------------------------------------------------------------------------
static bool set_option(rd_kafka_conf_t *conf, const char *option, const char *key, struct str value,
                       struct error *err)
{
    if (value.len == 0)
        return true;
    AUTO(arena_clear) struct arena arena = {0};
    char text[256];
    if (rd_kafka_conf_set(conf, key, arena_cstr(&arena, value), text, sizeof(text)) ==
        RD_KAFKA_CONF_OK)
        return true;
    return error_set(err, ERROR_USER, "kafka: option %s: librdkafka does not take its value%s%s",
                     option, strstr(option, "password") ? "" : ": ",
                     strstr(option, "password") ? "" : text);
}

static bool check_login(const struct kafka_client_options *options, struct error *err)
{
    static const char *const mechanisms[] = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512",
                                             "OAUTHBEARER", "GSSAPI"};
    bool is_login = options->security_protocol >= PROTOCOL_SASL_PLAINTEXT;
    struct str mechanism = options->sasl_mechanism;
    if (!is_login && (mechanism.len > 0 || options->sasl_username.len > 0))
        return error_set(
            err, ERROR_USER,
            "kafka: sasl_mechanism or sasl_username is given, but security_protocol is "
            "'%s': write security_protocol = 'sasl_ssl'",
            kafka_protocol_words[options->security_protocol]);
    if (!is_login)
        return true;
    bool is_known = false;
    for (size_t i = 0; i < COUNT_OF(mechanisms); i++)
        is_known = is_known || str_equal_nocase(mechanism, str_of(mechanisms[i]));
    if (!is_known)
        return error_set(err, ERROR_USER,
                         "kafka: security_protocol = '%s' needs sasl_mechanism = PLAIN, "
                         "SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or GSSAPI; '%.*s' is none",
                         kafka_protocol_words[options->security_protocol], STR_ARGS(mechanism));
    bool is_bare = str_equal_nocase(mechanism, STR("PLAIN")) ||
                   str_equal_nocase(mechanism, STR("OAUTHBEARER"));
    if (is_bare && options->security_protocol == PROTOCOL_SASL_PLAINTEXT &&
        !options->allow_insecure)
        return error_set(err, ERROR_USER,
                         "kafka: sasl_mechanism = '%.*s' without TLS sends the password readable: "
                         "use security_protocol = 'sasl_ssl', or allow_insecure = true",
                         STR_ARGS(mechanism));
    return true;
}

static bool check_servers(struct str servers, struct error *err)
{
    struct str rest = str_trim(servers);
    if (rest.len == 0)
        return error_set(err, ERROR_USER,
                         "kafka: bootstrap_servers is empty: give host:port, separated by commas");
    while (rest.len > 0) {
        int64_t comma = str_find(rest, ',');
        struct str one = str_trim(comma < 0 ? rest : str_slice(rest, 0, (size_t)comma));
        rest = comma < 0 ? (struct str){0} : str_slice(rest, (size_t)comma + 1, rest.len);
        size_t colon = one.len;
        while (colon > 0 && one.ptr[colon - 1] != ':' && one.ptr[colon - 1] != ']')
            colon--;
        bool has_port = colon > 0 && one.ptr[colon - 1] == ':';
        int64_t port = 0;
        if (one.len == 0 || colon == 1 ||
            (has_port &&
             (!str_parse_int64(str_slice(one, colon, one.len), &port) || port < 1 || port > 65535)))
            return error_set(err, ERROR_USER, "kafka: bootstrap_servers: '%.*s' is not host:port",
                             STR_ARGS(one));
    }
    return true;
}

static bool fill(rd_kafka_conf_t *conf, const struct kafka_client_options *options,
                 const struct option_value *values, size_t values_len, struct error *err)
{
    struct str protocol = str_of(kafka_protocol_words[options->security_protocol]);
    kafka_conf_set(conf, "client.id", "firesteel");
    kafka_conf_set(conf, "log.connection.close", "false");
    kafka_conf_set(conf, "socket.nagle.disable", "true");
    kafka_conf_set(conf, "reconnect.backoff.max.ms", "2000");
    if (!set_option(conf, "bootstrap_servers", "bootstrap.servers", options->bootstrap_servers,
                    err) ||
        !set_option(conf, "security_protocol", "security.protocol", protocol, err) ||
        !set_option(conf, "sasl_mechanism", "sasl.mechanisms", options->sasl_mechanism, err) ||
        !set_option(conf, "sasl_username", "sasl.username", options->sasl_username, err) ||
        !set_option(conf, "sasl_password", "sasl.password", options->sasl_password.hidden, err) ||
        !set_option(conf, "ssl_ca_location", "ssl.ca.location", options->ssl_ca_location, err) ||
        !set_option(conf, "ssl_certificate_location", "ssl.certificate.location",
                    options->ssl_certificate_location, err) ||
        !set_option(conf, "ssl_key_location", "ssl.key.location", options->ssl_key_location, err) ||
        !set_option(conf, "ssl_key_password", "ssl.key.password", options->ssl_key_password.hidden,
                    err))
        return false;
    for (size_t i = 0; i < values_len; i++) {
        struct str name;
        if (is_property(&values[i], &name) &&
            !set_property(conf, name, values[i].value, options->allow_insecure, err))
            return false;
    }
    return true;
}

rd_kafka_conf_t *kafka_conf_new(const struct kafka_client_options *options,
                                const struct option_value *values, size_t values_len,
                                struct error *err)
{
    if (!check_servers(options->bootstrap_servers, err) || !check_login(options, err))
        return NULL;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (fill(conf, options, values, values_len, err))
        return conf;
    rd_kafka_conf_destroy(conf);
    return NULL;
}

void kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char text[256];
    ASSERT(rd_kafka_conf_set(conf, name, value, text, sizeof(text)) == RD_KAFKA_CONF_OK);
}

void kafka_conf_default(rd_kafka_conf_t *conf, const struct option_value *values, size_t values_len,
                        const char *name, const char *value)
{
    for (size_t i = 0; i < values_len; i++) {
        struct str own;
        if (is_property(&values[i], &own) && str_is(own, name))
            return;
    }
    kafka_conf_set(conf, name, value);
}

// ---- The handle ------------------------------------------------------------------------------
static void on_error(rd_kafka_t *handle, int code, const char *reason, void *opaque)
{
    (void)opaque;
    struct kafka_client *client = rd_kafka_opaque(handle);
    char fatal[256];
    rd_kafka_resp_err_t why = (rd_kafka_resp_err_t)code;
    if (why == RD_KAFKA_RESP_ERR__FATAL) {
        why = rd_kafka_fatal_error(handle, fatal, sizeof(fatal));
        reason = fatal;
    }
    pthread_mutex_lock(&client->lock);
    // "All brokers are down" says less than the reason that came before it.
    if (why == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        client->is_down = true;
        if (client->trouble == RD_KAFKA_RESP_ERR_NO_ERROR)
            client->trouble = why;
        client->has_trouble = true;
    } else {
        client->trouble = why;
        client->has_trouble = true;
        snprintf(client->trouble_text, sizeof(client->trouble_text), "%s", reason);
    }
    pthread_mutex_unlock(&client->lock);
    log_debug("%s: kafka: %s: %s", client->name, rd_kafka_err2name(why), reason);
}

static enum log_level level_of(int severity)
{
    // 0-2 emergency to critical, 3 error, 4 warning, 5-6 notice and info, 7 debug. Errors of
    // connections come back through on_error and are told by whoever waits for an answer.
    return severity <= 2 ? LOG_ERROR : LOG_DEBUG;
}

static void on_log(const rd_kafka_t *handle, int severity, const char *facility, const char *text)
{
    struct kafka_client *client = handle != NULL ? rd_kafka_opaque(handle) : NULL;
    enum log_level level = level_of(severity);
    if (level < log_level())
        return;
    int suppressed = 0;
    bool is_shown = true;
    if (client != NULL && severity < 7) {
        int64_t now_us = clock_monotonic_us();
        pthread_mutex_lock(&client->lock);
        if (now_us - client->log_second_us > US_PER_SECOND) {
            client->log_second_us = now_us;
            client->log_lines = 0;
            suppressed = client->log_suppressed;
            client->log_suppressed = 0;
        }
        is_shown = client->log_lines++ < LOG_LINES_PER_SECOND;
        client->log_suppressed += !is_shown;
        pthread_mutex_unlock(&client->lock);
    }
    if (suppressed > 0)
        log_write(level, "%s: kafka: %d more lines of the client", client->name, suppressed);
    if (is_shown)
        log_write(level, "%s: kafka: %s: %s", client != NULL ? client->name : "kafka", facility,
                  text);
}

struct kafka_client *kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, const char *name,
                                      const struct kafka_client_options *options, struct error *err)
{
    // librdkafka allocates and frees a buffer of a megabyte or more for each fetch: given back to
    // the system each time, a third of the reading time is page faults.
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    struct kafka_client *client = heap_new(sizeof(*client));
    pthread_mutex_init(&client->lock, NULL);
    snprintf(client->name, sizeof(client->name), "%s", name);
    snprintf(client->servers, sizeof(client->servers), "%.*s",
             STR_ARGS(options->bootstrap_servers));
    rd_kafka_conf_set_opaque(conf, client);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    char text[256];
    client->handle = rd_kafka_new(type, conf, text, sizeof(text));
    if (client->handle != NULL)
        return client;
    rd_kafka_conf_destroy(conf);
    error_set(err, ERROR_USER, "kafka: the client cannot be made: %s", text);
    kafka_client_free(client);
    return NULL;
}

void kafka_client_free(struct kafka_client *client)
{
    if (client == NULL)
        return;
    if (client->handle != NULL)
        rd_kafka_destroy(client->handle);
    pthread_mutex_destroy(&client->lock);
    heap_free(client);
}

void kafka_client_is_well(struct kafka_client *client)
{
    if (client->was_contacted && !client->is_down && !client->has_trouble)
        return;
    client->was_contacted = true;
    client->is_down = false;
    pthread_mutex_lock(&client->lock);
    client->has_trouble = false;
    client->trouble = RD_KAFKA_RESP_ERR_NO_ERROR;
    client->trouble_text[0] = 0;
    pthread_mutex_unlock(&client->lock);
}

// ---- Errors ----------------------------------------------------------------------------------
enum error_kind kafka_error_kind(rd_kafka_resp_err_t code)
{
    static const rd_kafka_resp_err_t user[] = {
        RD_KAFKA_RESP_ERR__AUTHENTICATION,
        RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
        RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM,
        RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE,
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
        RD_KAFKA_RESP_ERR__INVALID_ARG,
        RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION,
        RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE,
        RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT,
        RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT,
    };
    static const rd_kafka_resp_err_t data[] = {
        RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
        RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE,
        RD_KAFKA_RESP_ERR_INVALID_MSG,
        RD_KAFKA_RESP_ERR_INVALID_RECORD,
    };
    static const rd_kafka_resp_err_t fatal[] = {
        RD_KAFKA_RESP_ERR__FATAL,
        RD_KAFKA_RESP_ERR__FENCED,
        RD_KAFKA_RESP_ERR_PRODUCER_FENCED,
        RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
        RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID,
        RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE,
    };
    for (size_t i = 0; i < COUNT_OF(user); i++)
        if (code == user[i])
            return ERROR_USER;
    for (size_t i = 0; i < COUNT_OF(data); i++)
        if (code == data[i])
            return ERROR_DATA;
    for (size_t i = 0; i < COUNT_OF(fatal); i++)
        if (code == fatal[i])
            return ERROR_FATAL;
    return ERROR_RETRY;
}

static bool is_about_connection(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
           code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE ||
           code == RD_KAFKA_RESP_ERR__RESOLVE || code == RD_KAFKA_RESP_ERR__WAIT_COORD ||
           code == RD_KAFKA_RESP_ERR__SSL || code == RD_KAFKA_RESP_ERR__NODE_UPDATE ||
           code == RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE || code == RD_KAFKA_RESP_ERR__DESTROY;
}

// librdkafka's "host:port/1: Connect to ipv4#.. failed: Connection refused (after 0ms in state
// CONNECT, 3 identical error(s) suppressed)": the bracket is noise that changes each time.
static void shorten(char *text)
{
    char *bracket = strstr(text, " (after ");
    if (bracket != NULL)
        *bracket = 0;
    bracket = strstr(text, ": (errno: ");
    if (bracket != NULL)
        *bracket = 0;
}

static bool fail_connection(struct kafka_client *client, rd_kafka_resp_err_t code, char *said,
                            const char *what, struct error *err)
{
    if (code == RD_KAFKA_RESP_ERR__SSL) {
        bool is_untrusted = strstr(said, "verify") != NULL || strstr(said, "certificate") != NULL;
        enum error_kind kind = is_untrusted && !client->was_contacted ? ERROR_USER : ERROR_RETRY;
        return error_set(err, kind, "kafka: %s: no TLS with %s: %s; %s", what, client->servers,
                         said,
                         is_untrusted ? "check ssl_ca_location and the names in the certificate"
                                      : "check that this port speaks TLS");
    }
    if (code == RD_KAFKA_RESP_ERR__RESOLVE)
        return error_set(err, ERROR_RETRY,
                         "kafka: %s: no broker at %s: %s; check bootstrap_servers", what,
                         client->servers, said);
    const char *also = client->was_contacted ? "" : "; check bootstrap_servers and that it runs";
    return error_set(err, ERROR_RETRY, "kafka: %s: no broker at %s answers%s%s%s", what,
                     client->servers, said[0] != 0 ? ": " : "", said, also);
}

bool kafka_fail(struct kafka_client *client, rd_kafka_resp_err_t code, const char *detail,
                struct error *err, const char *what, ...)
{
    AUTO(buf_clear) struct buf text = {0};
    va_list arguments;
    va_start(arguments, what);
    buf_vprint(&text, what, arguments);
    va_end(arguments);
    char said[512];
    snprintf(said, sizeof(said), "%s", detail != NULL ? detail : rd_kafka_err2str(code));
    // Login and TLS fail in the background; the caller sees only that nobody answers.
    if (is_about_connection(code)) {
        pthread_mutex_lock(&client->lock);
        if (client->trouble != RD_KAFKA_RESP_ERR_NO_ERROR) {
            code = client->trouble;
            snprintf(said, sizeof(said), "%s", client->trouble_text);
        } else if (code != RD_KAFKA_RESP_ERR__TIMED_OUT) {
            said[0] = 0;
        }
        pthread_mutex_unlock(&client->lock);
    }
    shorten(said);
    if (is_about_connection(code))
        return fail_connection(client, code, said, buf_cstr(&text), err);
    enum error_kind kind = kafka_error_kind(code);
    if (kind == ERROR_USER && client->was_contacted)
        kind = ERROR_RETRY;
    if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
        code == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED)
        return error_set(
            err, kind,
            "kafka: %s: login at %s failed: %s; check sasl_mechanism, sasl_username and "
            "sasl_password",
            buf_cstr(&text), client->servers, said);
    if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
        code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
        code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
        code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
        return error_set(err, kind, "kafka: %s: %s does not allow it: %s; ask for the right (ACL)",
                         buf_cstr(&text), client->servers, said);
    return error_set(err, kind, "kafka: %s: %s (%s)", buf_cstr(&text), said,
                     rd_kafka_err2name(code));
}
